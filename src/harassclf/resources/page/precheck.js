// For collectors: each risky phrase, the rule it may break, a compliant wording.

import { glance, postJson, refusal } from "./api.js";
import { byId, copyButton, h, present } from "./dom.js";
import { keep, put } from "./drafts.js";
import { chinese, onLanguage, percent, t } from "./i18n.js";
import { banner, laws, marked, outOfScope } from "./verdict.js";

const TONES = { pass: "collection", review: "unsure", block: "harassment" };
let shown = null;
let rules = null;
let asked = 0;

function finding(found, i) {
  return h("li", { class: `card finding ${found.level}`, id: `finding-${i}` },
    h("p", { class: "finding-head" }, h("span", { class: "badge" }, String(i + 1)), h("q", { lang: "zh-CN" }, found.text),
      h("span", { class: "chip" }, t(`precheck.level.${found.level}`)), found.source === "model" && h("span", { class: "chip" }, t("precheck.by.model"))),
    h("dl", {},
      h("dt", {}, t("precheck.rule")), h("dd", chinese(), found.name_zh, t("category.in", { category: t(`category.${found.category}`) })),
      h("dt", {}, t("precheck.advice")), h("dd", chinese(), found.advice),
      found.wording && [h("dt", {}, t("precheck.wording")), h("dd", { class: "wording" }, h("span", chinese(), found.wording), " ", copyButton(found.wording, t("copy"), t("copied")))]),
    found.legal_basis.length > 0 && h("details", { class: "small-details" }, h("summary", {}, t("precheck.laws", { count: found.legal_basis.length })), laws(found.legal_basis)));
}

function verdict({ text, result }) {
  const head = banner(TONES[result.verdict], t(`precheck.${result.verdict}`), h("p", chinese(), result.reason_zh), outOfScope(text));
  const levelled = result.findings.map((found, i) => ({ ...found, number: i + 1 }));
  const describe = (over) => ({ class: over.some((span) => span.level === "block") ? "m3" : "m1", "data-number": over.map((span) => span.number).join(",") });
  const element = h("article", { class: "result" }, head.element,
    h("section", { class: "card" },
      h("h4", {}, t("precheck.text")), marked(text, levelled, describe),
      h("p", { class: "hint" }, t("precheck.model", { label: t(`label.${result.label}`), percent: percent(result.probability) }))),
    result.findings.length > 0 && h("section", {}, h("h4", {}, t("precheck.findings", { count: result.findings.length })), h("ol", { class: "findings" }, result.findings.map(finding))),
    h("p", { class: "notice", ...chinese() }, result.notice_zh),
    h("p", { class: "hint made-by" }, t("message.model", { model: result.model })));
  return { element, heading: head.heading };
}

function render() {
  const place = byId("precheck-result");
  if (!shown) return place.replaceChildren();
  if (shown.failure) return place.replaceChildren(h("p", { class: "notice bad", role: "alert" }, shown.failure.line));
  const made = verdict(shown);
  place.replaceChildren(made.element);
  return made;
}

async function check(text) {
  const button = byId("precheck-form").querySelector("[type=submit]");
  const turn = asked += 1;
  button.disabled = true;
  try {
    shown = { text, result: await postJson("v1/precheck", { text }) };
    loadRules();  // where a key was missing at first
  } catch (failure) {
    shown = { failure };
  }
  button.disabled = false;
  if (turn !== asked) return;
  const made = render();
  if (made) present(byId("precheck-result"), made.heading);
}

async function loadRules() {
  rules ??= await glance("v1/precheck/rules");
  ruleList();
}

function ruleList() {
  if (!rules) return byId("precheck-rules").replaceChildren();
  const entries = rules.rules.map((rule) => h("li", {},
    h("p", {}, h("strong", chinese(), rule.name_zh), " ", h("span", { class: "chip" }, t(`category.${rule.category}`))),
    h("p", { class: "bad-example", lang: "zh-CN" }, h("span", { class: "visually-hidden" }, t("precheck.bad")), rule.bad_example),
    h("p", { class: "good-example", lang: "zh-CN" }, h("span", { class: "visually-hidden" }, t("precheck.good")), rule.good_example)));
  return byId("precheck-rules").replaceChildren(h("details", { class: "card rules" },
    h("summary", {}, t("precheck.rules", { count: rules.rules.length, date: rules.as_of })), h("ul", { class: "rule-list" }, entries)));
}

function examples(list) {
  byId("precheck-examples").replaceChildren(h("p", { class: "hint", id: "precheck-examples-title" }, t("examples")),
    h("ul", { class: "example-list", "aria-labelledby": "precheck-examples-title" }, list.map(({ name, text }) => h("li", {},
      h("button", { type: "button", class: "example", onclick: () => { put(byId("precheck-text"), text); check(text); } },
        h("span", { class: "example-kind" }, t(`example.${name}`)), h("span", { class: "example-text", lang: "zh-CN" }, text))))));
}

function clear() {
  asked += 1;
  put(byId("precheck-text"), "");
  keep("precheck", "");
  shown = null;
  render();
  byId("precheck-text").focus();
}

/** Make the tab work. The rules are fetched when it is first opened. */
export function startPrecheck(list) {
  byId("precheck-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = byId("precheck-text").value;
    const failure = refusal(text);
    if (!failure) return check(text);
    shown = { failure };
    render();
    return byId("precheck-text").focus();
  });
  byId("precheck-text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("precheck-form").requestSubmit();
  });
  document.querySelector("[data-clear=precheck]").addEventListener("click", clear);
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    loadRules();
  });
  seen.observe(byId("precheck-form"));
  onLanguage(() => { examples(list); render(); ruleList(); });
}
