// The first tab: one message, its verdict, what to do.

import { postJson, refusal } from "./api.js";
import { advice, calmAdvice } from "./advice.js";
import { byId, h, present } from "./dom.js";
import { keep, put } from "./drafts.js";
import { feedback } from "./feedback.js";
import { onLanguage, number, percent, t } from "./i18n.js";
import { limit, points } from "./text.js";
import { banner, category, evidence, outOfScope, scale, tone } from "./verdict.js";

let shown = null;  // {text, result} or {failure}
let asked = 0;

function probabilities(values) {
  return h("details", { class: "small-details" }, h("summary", {}, t("message.numbers")),
    h("table", {}, h("tbody", {}, Object.entries(values).map(([label, value]) => (
      h("tr", {}, h("th", { scope: "row" }, t(`label.${label}`)), h("td", {}, percent(value))))))));
}

function verdict({ text, result }) {
  const name = tone(result.label, result.needs_review);
  const head = banner(name, t(`verdict.${name}`), h("p", {}, t(`verdict.${name}.text`)),
    result.needs_review && h("p", {}, t("verdict.leaning", { label: t(`label.${result.label}`) })), outOfScope(text));
  const harassing = result.label === "harassment" || result.needs_review;
  const element = h("article", { class: "result" },
    head.element,
    h("section", { class: "card" },
      scale(result.probabilities.harassment),
      probabilities(result.probabilities),
      h("h4", {}, t(result.evidence.length ? "message.evidence" : "message.text")),
      evidence(text, result.evidence),
      result.evidence.length > 0 && h("p", { class: "hint" }, t("message.evidence.hint"))),
    result.categories.length > 0 && h("section", { class: "card" },
      h("h4", {}, t("message.categories")), h("p", { class: "hint" }, t("message.categories.hint")), result.categories.map(category)),
    harassing ? advice(result.categories) : calmAdvice(result.label),
    feedback(text, result.label),
    h("p", { class: "hint made-by" }, t("message.model", { model: result.model }),
      h("button", { type: "button", class: "quiet small no-print", onclick: () => print() }, t("print"))));
  const first = element.querySelector("details.category");
  if (first) first.open = true;
  return { element, heading: head.heading };
}

function render() {
  const place = byId("message-result");
  if (!shown) return place.replaceChildren();
  if (shown.failure) return place.replaceChildren(h("p", { class: "notice bad", role: "alert" }, shown.failure.line));
  const made = verdict(shown);
  place.replaceChildren(made.element);
  return made;
}

async function judge(text) {
  const button = byId("message-form").querySelector("[type=submit]");
  const turn = asked += 1;
  button.disabled = true;
  try {
    shown = { text, result: await postJson("v1/classify", { text }) };
  } catch (failure) {
    shown = { failure };
  }
  button.disabled = false;
  if (turn !== asked) return;  // the text was cleared or asked anew meanwhile
  const made = render();
  if (made) present(byId("message-result"), made.heading);
}

function check(event) {
  event.preventDefault();
  const text = byId("message-text").value;
  const failure = refusal(text);
  if (!failure) return judge(text);
  shown = { failure };
  render();
  byId("message-text").focus();
}

function count() {
  const length = points(byId("message-text").value);
  byId("message-count").textContent = length ? t("message.count", { count: number(length), limit: number(limit()) }) : "";
  byId("message-count").classList.toggle("over", length > limit());
}

function clear() {
  asked += 1;
  put(byId("message-text"), "");
  keep("message", "");
  shown = null;
  render();
  byId("message-text").focus();
}

function examples(list) {
  byId("message-examples").replaceChildren(h("p", { class: "hint", id: "examples-title" }, t("examples")),
    h("ul", { class: "example-list", "aria-labelledby": "examples-title" }, list.map(({ name, text }) => h("li", {},
      h("button", { type: "button", class: "example", onclick: () => { put(byId("message-text"), text); judge(text); } },
        h("span", { class: "example-kind" }, t(`example.${name}`)), h("span", { class: "example-text", lang: "zh-CN" }, text))))));
}

/** Make the tab work; `list` are the examples to click. */
export function startMessage(list) {
  const field = byId("message-text");
  byId("message-form").addEventListener("submit", check);
  field.addEventListener("input", count);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("message-form").requestSubmit();
  });
  document.querySelector("[data-clear=message]").addEventListener("click", clear);
  onLanguage(() => { examples(list); count(); render(); });
}
