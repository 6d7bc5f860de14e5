// "This is wrong": what the person thinks is right. The text is kept only if they tick it.

import { glance, postJson } from "./api.js";
import { h, announce } from "./dom.js";
import { t } from "./i18n.js";

const CATEGORIES = ["threat", "insult", "third_party", "exposure", "deception", "coercion", "bombardment"];
let enabled = null;

async function isEnabled() {
  enabled ??= (await glance("v1/feedback"))?.enabled;
  return enabled;
}

/** The form under a verdict; nothing where the operator takes no feedback. */
export function feedback(text, label) {
  const place = h("div", { class: "feedback" });
  isEnabled().then((on) => on && place.append(form(text, label)));
  return place;
}

function radio(value, chosen, change) {
  const input = h("input", { type: "radio", name: "wish", value, onchange: change });
  input.checked = value === chosen;
  return h("label", { class: "tick" }, input, t(`label.${value}`));
}

function tick(name, value, words) {
  return h("label", { class: "tick" }, h("input", { type: "checkbox", name, value }), words);
}

function form(text, label) {
  const means = h("fieldset", {}, h("legend", {}, t("feedback.means")),
    h("div", { class: "ticks-row" }, CATEGORIES.map((name) => tick("means", name, t(`category.${name}`)))));
  const wished = label === "harassment" ? "other" : "harassment";
  means.hidden = wished !== "harassment";
  const change = (event) => { means.hidden = event.target.value !== "harassment"; };
  const state = h("p", { role: "status" });
  const element = h("form", { class: "card plain" },
    h("fieldset", {}, h("legend", {}, t("feedback.wish")),
      h("div", { class: "ticks-row" }, ["harassment", "collection", "other"].map((value) => radio(value, wished, change)))),
    means,
    h("label", { class: "field" }, t("feedback.comment"), h("textarea", { name: "comment", rows: 2, maxlength: 1000 })),
    tick("keep", "yes", t("feedback.keep")),
    h("p", { class: "hint" }, t("feedback.kept")),
    h("div", { class: "actions" }, h("button", { type: "submit" }, t("feedback.send"))),
    state);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    send(element, state, text);
  });
  return h("details", { class: "wrong" }, h("summary", {}, t("feedback.heading")), element);
}

async function send(element, state, text) {
  const data = new FormData(element);
  const body = { text, label: data.get("wish"), categories: data.get("wish") === "harassment" ? data.getAll("means") : [],
    comment: data.get("comment") || "", keep_text: data.get("keep") === "yes" };
  try {
    const answer = await postJson("v1/feedback", body);
    const thanks = h("p", { class: "notice good" }, t(answer.kept_text ? "feedback.thanks.kept" : "feedback.thanks"));
    element.replaceChildren(thanks);
    announce(thanks.textContent);
  } catch (failure) {
    state.textContent = failure.line;
  }
}
