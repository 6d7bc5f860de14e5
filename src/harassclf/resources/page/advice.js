// What to do next: channels and evidence of the legal basis, by what was found.

import { h } from "./dom.js";
import { chinese, t } from "./i18n.js";

const PERSONAL = new Set(["third_party", "exposure"]);

/** Channel, number to dial if there is one, and whether these categories point to it first. */
const CHANNELS = [
  ["110", "110", (names) => ["threat", "exposure", "coercion", "deception"].some((name) => names.has(name))],
  ["12378", "12378", () => true],
  ["12345", "12345", () => false],
  ["nifa", "", () => false],
  ["12321", "12321", (names) => names.has("bombardment")],
  ["12315", "12315", () => false],
  ["privacy", "", (names) => [...names].some((name) => PERSONAL.has(name))],
];

function channel([name, dial], first) {
  const title = dial ? h("a", { href: `tel:${dial}` }, t(`channel.${name}`)) : t(`channel.${name}`);
  return h("li", { class: first ? "first" : "" },
    h("p", { class: "channel-name" }, h("strong", {}, title), first && h("span", { class: "chip" }, t("channel.first"))),
    h("p", {}, t(`channel.${name}.text`)));
}

/** For a message that is, or may be, harassment. */
export function advice(categories) {
  const names = new Set(categories.map((found) => found.name));
  const sorted = [...CHANNELS].sort((a, b) => Number(b[2](names)) - Number(a[2](names)));
  return h("section", { class: "card advice" },
    h("h4", {}, t("advice.heading")),
    names.has("threat") && h("p", { class: "notice urgent" }, t("advice.danger")),
    names.has("deception") && h("p", { class: "notice" }, t("advice.deception")),
    names.has("coercion") && h("p", { class: "notice" }, t("advice.coercion")),
    h("h5", {}, t("advice.keep")),
    h("ul", { class: "ticks" }, ["device", "thread", "number", "unedited", "link"].map((name) => h("li", {}, t(`keep.${name}`)))),
    h("h5", {}, t("advice.channels")),
    h("ul", { class: "channels" }, sorted.map((entry) => channel(entry, entry[2](names)))),
    h("p", { class: "hint" }, t("advice.debt")));
}

/** For lawful collection and for everything else. */
export function calmAdvice(label) {
  return h("section", { class: "card advice" },
    h("h4", {}, t("advice.heading")),
    h("ul", { class: "ticks" }, ["1", "2", "3"].map((n) => h("li", {}, t(`calm.${label}.${n}`)))));
}
