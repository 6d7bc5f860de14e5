// The rows of a scored table: filter, read, turn pages.

import { getJson } from "./api.js";
import { h } from "./dom.js";
import { number, percent, t } from "./i18n.js";

const PAGE = 20;
const LABELS = ["harassment", "collection", "other"];
const CATEGORIES = ["threat", "insult", "third_party", "exposure", "deception", "coercion", "bombardment"];

function choice(name, label, options) {
  return h("label", { class: "field" }, label, h("select", { name }, options.map(([value, words]) => h("option", { value }, words))));
}

function verdict(row) {
  if (row.error) return [h("span", { class: "chip" }, t("rows.error")), h("span", { class: "hint" }, row.error)];
  return [
    h("span", { class: `chip ${row.label}` }, t(`label.${row.label}`)),
    h("span", { class: "hint" }, percent(row.probability)),
    row.needs_review && h("span", { class: "chip unsure" }, t("rows.unsure")),
    row.categories.map((name) => h("span", { class: "chip" }, t(`category.${name}`))),
  ];
}

function rowOf(row, columns, status) {
  const other = columns.map((name, i) => [name, row.cells[i], i]).filter(([, cell, i]) => cell && i !== status.text_column);
  return h("tr", {},
    h("th", { scope: "row", class: "row-number" }, number(row.number)),
    h("td", { class: "row-text" }, h("p", { dir: "auto" }, row.cells[status.text_column]),
      other.length > 0 && h("p", { class: "hint row-more" }, other.map(([name, cell]) => h("span", {}, h("b", { dir: "auto" }, name), " ", h("span", { dir: "auto" }, cell))))),
    h("td", { class: "row-verdict" }, verdict(row)));
}

function pager(answer, go) {
  const last = Math.max(1, Math.ceil(answer.total / PAGE));
  const page = answer.offset / PAGE + 1;
  return h("nav", { class: "pager", "aria-label": t("rows.pages") },
    h("button", { type: "button", class: "quiet", disabled: page <= 1, onclick: () => go(answer.offset - PAGE) }, t("rows.before")),
    h("span", {}, t("rows.page", { page: number(page), last: number(last) })),
    h("button", { type: "button", class: "quiet", disabled: page >= last, onclick: () => go(answer.offset + PAGE) }, t("rows.next")));
}

/** Filter, table and pager of a table's status as the server gives it. */
export function rowBrowser(status) {
  const all = [["", t("rows.all")]];
  const form = h("form", { class: "fields filter", role: "search" },
    choice("label", t("rows.label"), [...all, ...LABELS.map((name) => [name, t(`label.${name}`)])]),
    choice("category", t("rows.category"), [...all, ...CATEGORIES.map((name) => [name, t(`category.${name}`)])]),
    choice("review", t("rows.review"), [...all, ["true", t("rows.unsure")], ["false", t("rows.sure")]]),
    h("label", { class: "field grow" }, t("rows.words"), h("input", { type: "search", name: "q", maxlength: 200, autocomplete: "off" })),
    h("button", { type: "submit" }, t("rows.filter")));
  const place = h("div", { "aria-live": "polite" });
  let turn = 0;

  async function go(offset) {
    const mine = turn += 1;
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    query.set("offset", offset);
    query.set("limit", PAGE);
    try {
      const answer = await getJson(`v1/files/${status.id}/rows?${query}`);
      if (mine === turn) draw(answer);
    } catch (failure) {
      if (mine === turn) place.replaceChildren(h("p", { class: "notice bad", role: "alert" }, failure.line));
    }
  }

  function draw(answer) {
    const head = ["rows.number", "rows.text", "rows.verdict"].map((key) => h("th", { scope: "col" }, t(key)));
    place.replaceChildren(h("p", { class: "hint" }, t("rows.total", { total: number(answer.total) })),
      answer.rows.length > 0 && h("table", { class: "rows" }, h("caption", { class: "visually-hidden" }, t("rows.heading")),
        h("thead", {}, h("tr", {}, head)), h("tbody", {}, answer.rows.map((row) => rowOf(row, answer.columns, status)))),
      answer.rows.length > 0 && pager(answer, go));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(0);
  });
  form.addEventListener("change", () => go(0));
  go(0);
  return h("section", { class: "card" }, h("h4", {}, t("rows.heading")), form, place);
}
