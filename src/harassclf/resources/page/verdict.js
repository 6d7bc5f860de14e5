// A verdict in plain words: what it is, how sure, what speaks for it, which provisions it may involve.

import { h, s } from "./dom.js";
import { chinese, language, percent, t } from "./i18n.js";
import { pieces } from "./text.js";

/** The tone of a verdict: colours, icon and headline hang on it. */
export function tone(label, needsReview) {
  return needsReview ? "unsure" : label;
}

const ICONS = {
  harassment: "M12 3 22 20.5H2zM12 9.5v5M12 17.2v.6",
  unsure: "M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19M9.5 9.3a2.6 2.6 0 1 1 3.8 2.3c-.9.5-1.3 1-1.3 2.1M12 16.8v.6",
  collection: "M12 2.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19M7.8 12.3l2.9 2.9 5.5-6",
  other: "M4 5h16v11.5H11L6.5 20v-3.5H4zM8 10.7h8",
};

export const icon = (name) => s("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" },
  s("path", { d: ICONS[name] }));

/** The coloured head of a result. */
export function banner(name, headline, ...more) {
  const heading = h("h3", { class: "headline" }, headline);
  return { heading, element: h("div", { class: `banner ${name}` }, icon(name), h("div", {}, heading, ...more)) };
}

/** A note on a text without a Chinese character: a verdict on it says little, or nothing. */
export function outOfScope(text) {
  if (/\p{Script=Han}/u.test(text)) return null;
  return h("p", { class: "notice scope" }, t(/\p{L}/u.test(text) ? "scope.language" : "scope.nothing"));
}

/** Probability of harassment on a scale that can be read and heard. */
export function scale(probability) {
  const word = t(probability >= 0.9 ? "scale.very" : probability >= 0.6 ? "scale.likely" : probability >= 0.4 ? "scale.even" : probability >= 0.1 ? "scale.unlikely" : "scale.hardly");
  const text = t("scale.text", { percent: percent(probability), word });
  const marker = s("svg", { class: "scale-bar", "aria-hidden": "true", height: 22 },
    s("rect", { class: "scale-track", x: 0, y: 7, width: "100%", height: 8, rx: 4 }),
    s("rect", { class: "scale-fill", x: 0, y: 7, width: `${probability * 100}%`, height: 8, rx: 4 }),
    s("circle", { class: "scale-dot", cx: `${2 + probability * 96}%`, cy: 11, r: 8 }));
  return h("div", { class: "scale" },
    h("p", { class: "scale-text" }, text),
    h("div", { role: "meter", "aria-label": t("scale.label"), "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(probability * 100), "aria-valuetext": text }, marker),
    h("div", { class: "scale-ends", "aria-hidden": "true" }, h("span", {}, t("scale.low")), h("span", {}, t("scale.middle")), h("span", {}, t("scale.high"))));
}

/** A message with spans marked; `describe(spans)` gives the properties of each mark. */
export function marked(text, spans, describe) {
  return h("blockquote", { class: "quoted", dir: "auto" }, pieces(text, spans).map((piece) => (
    piece.spans.length ? h("mark", describe(piece.spans), piece.text) : piece.text)));
}

/** The message with what decided: the heavier a span, the stronger its mark. */
export function evidence(text, spans) {
  const most = Math.max(...spans.map((span) => span.weight), 0);
  return marked(text, spans, (over) => {
    const share = Math.max(...over.map((span) => span.weight)) / most;
    return { class: share > 0.66 ? "m3" : share > 0.33 ? "m2" : "m1" };
  });
}

/** One provision. The law's words are Chinese in every language of the page. */
export function lawCard(card) {
  return h("li", { class: "law", ...chinese() },
    h("p", { class: "law-name" }, h("cite", {}, card.law), " ", h("span", { class: "article" }, card.article)),
    h("p", { class: "law-summary" }, card.summary),
    h("p", { class: "law-date", lang: language() }, /^\d/.test(card.in_force) ? t("law.force", { date: card.in_force }) : t("law.current")));
}

export const laws = (cards) => h("ul", { class: "laws" }, cards.map(lawCard));

/** A prohibited means: its name, how sure, its provisions. */
export function category(found) {
  const sure = t(found.probability >= 0.8 ? "sure.high" : found.probability >= 0.5 ? "sure.middle" : "sure.low");
  return h("details", { class: "category" },
    h("summary", {},
      h("span", { class: "category-name" }, t(`category.${found.name}`)),
      h("span", { class: "chip" }, sure),
      h("span", { class: "category-text" }, t(`category.${found.name}.text`))),
    h("p", { class: "may" }, t("law.may")),
    laws(found.legal_basis));
}
