// A thread of contacts: pasted or uploaded, put on a timeline, checked by the rules of contact, packed as evidence.

import { request } from "./api.js";
import { bars, contactHours } from "./charts.js";
import { announce, byId, h, present, save } from "./dom.js";
import { keep, put } from "./drafts.js";
import { has, language, number, onLanguage, said, t } from "./i18n.js";
import { banner, laws } from "./verdict.js";

let file = null;  // an uploaded table; else what was pasted
let shown = null;  // {result} or {failure}
let asked = 0;

const names = (id) => byId(id).value.split(/[,，、;；\n]/).map((name) => name.trim()).filter(Boolean);

/** How the thread is to be read, for both ways of sending it. */
function reading() {
  return {
    timezone: byId("thread-zone").value,
    exported_by: byId("thread-exported").value,
    owner_role: byId("thread-owner").value,
    debtor: names("thread-debtor"),
    collector: names("thread-collector"),
  };
}

/** Send what is to be judged to a route and its twin for tables. */
function send(path, more = {}) {
  const wish = { ...reading(), ...more };
  if (!file) {
    const body = JSON.stringify({ pasted: byId("thread-text").value, ...wish });
    return request(`v1/timeline${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  }
  const query = new URLSearchParams({ name: file.name });
  for (const [key, value] of Object.entries(wish)) [value].flat().forEach((one) => query.append(key, one));
  return request(`v1/timeline/table${path}?${query}`, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
}

function tile(value, name, kind = "") {
  return h("div", { class: `tile ${kind}` }, h("dt", {}, name), h("dd", {}, number(value)));
}

const ruleName = (flag) => (has(`rule.${flag.rule}`) ? t(`rule.${flag.rule}`) : flag.name_zh);

function rowLink(row) {
  return h("a", { href: `#contact-${row}`, onclick: (event) => {
    event.preventDefault();
    const target = byId(`contact-${row}`);
    target.scrollIntoView({ block: "center" });
    target.focus();
  } }, number(row));
}

function flagCard(flag) {
  const key = flag.limit ? "thread.flag.limit" : flag.date ? "thread.flag.day" : "thread.flag.count";
  return h("li", { class: "card finding block" },
    h("p", { class: "finding-head" }, h("strong", {}, ruleName(flag)), h("span", { class: "chip harassment" }, t(key, { date: flag.date || "", count: number(flag.count), limit: flag.limit }))),
    flag.person && h("p", { class: "hint" }, t("thread.flag.person", { person: "" }), said(flag.person)),
    h("p", {}, t("thread.flag.rows"), flag.rows.slice(0, 60).map((row, i) => [i > 0 && t("list"), rowLink(row)]), flag.rows.length > 60 && " …"),
    flag.caution && h("p", { class: "hint" }, said(flag.caution)),
    h("details", { class: "small-details" }, h("summary", {}, t("precheck.laws", { count: flag.sources.length })), laws(flag.sources)));
}

function chips(row) {
  const verdict = row.verdict;
  return [
    verdict && h("span", { class: `chip ${verdict.label}` }, t(`label.${verdict.label}`)),
    verdict?.needs_review && h("span", { class: "chip unsure" }, t("rows.unsure")),
    (verdict?.categories || []).map((found) => h("span", { class: "chip" }, t(`category.${found.name}`))),
    row.flags.map((rule) => h("span", { class: "chip harassment" }, has(`rule.${rule}`) ? t(`rule.${rule}`) : rule)),
  ];
}

function call(row) {
  return [row.answered !== null && t(row.answered ? "thread.answered" : "thread.unanswered"),
    row.duration !== null && t("thread.seconds", { seconds: number(row.duration) })].filter(Boolean).join(t("list"));
}

/** The channel as the page calls it; one that the server does not know is named as the records name it. */
function channel(row) {
  if (language() === "zh") return row.channel_zh;
  const group = row.channel_zh.endsWith("（群）") ? t("thread.group") : "";
  return (row.channel === "unknown" ? t("thread.channel.none") : row.channel.replaceAll("_", " ")) + group;
}

function contact(row) {
  const people = row.sender && row.recipient ? t("thread.to", row) : row.recipient ? `→ ${row.recipient}` : row.sender;
  return h("li", { class: `contact ${row.direction || "unknown"} ${row.flags.length ? "flagged" : ""}`, id: `contact-${row.row}`, tabindex: -1 },
    h("p", { class: "contact-head" }, h("span", { class: "hint" }, t("thread.row", { row: number(row.row) })), row.time && h("time", { datetime: row.time }, row.time.slice(11, 16)),
      h("span", { class: "chip", dir: "auto" }, channel(row)), h("span", { dir: "auto" }, people)),
    row.text && h("p", { class: "contact-text", dir: "auto" }, row.text),
    call(row) && h("p", { class: "hint" }, call(row)),
    h("p", { class: "contact-chips" }, chips(row)),
    [row.note, row.error].filter(Boolean).map((line) => h("p", { class: row.error ? "hint over" : "hint" }, said(line))));
}

function timeline(rows) {
  const days = new Map();
  for (const row of [...rows].sort((a, b) => (a.time || "9").localeCompare(b.time || "9") || a.row - b.row)) {
    const day = row.time ? row.time.slice(0, 10) : "";
    days.set(day, [...(days.get(day) || []), row]);
  }
  return h("section", { class: "card" }, h("h4", {}, t("thread.timeline")),
    [...days].map(([day, entries]) => [h("h5", {}, day || t("thread.undated")), h("ol", { class: "timeline" }, entries.map(contact))]));
}

function packageCard() {
  const mask = h("input", { type: "checkbox", id: "thread-mask" });
  const state = h("p", { role: "status" });
  const button = h("button", { type: "button", class: "primary", id: "thread-download", onclick: async () => {
    button.disabled = true;
    state.textContent = t("thread.making");
    try {
      const answer = await send("/package", { mask: mask.checked });
      save(await answer.blob(), "证据材料.zip");
      state.textContent = "";
    } catch (failure) {
      state.textContent = failure.line;
    }
    button.disabled = false;
  } }, t("thread.download"));
  return h("section", { class: "card no-print" }, h("h4", {}, t("thread.package")), h("p", {}, t("thread.package.text")),
    h("label", { class: "tick" }, mask, t("thread.mask")), h("div", { class: "actions" }, button), state);
}

/** The head where the rules had no record to look at: no flag is no finding then. */
const unusable = (words) => banner("unsure", t("thread.unusable"), h("p", {}, words));

function headOf({ summary, flags }, usable) {
  if (!usable) return unusable(t(file ? "thread.unusable.table" : "error.no_record"));
  const unread = summary.errors > 0 && h("p", {}, t("thread.unread", { count: number(summary.errors) }));
  if (!flags.length) return banner("other", t("thread.unflagged"), h("p", {}, t("thread.unflagged.text")), unread);
  return banner("harassment", t("thread.flagged", { count: number(flags.length) }), h("p", {}, t("thread.flagged.text")), unread);
}

function report({ result }) {
  const { summary, flags, rows, notes } = result;
  const usable = summary.errors < summary.contacts;
  const head = headOf(result, usable);
  const means = Object.entries(summary.categories).map(([name, value]) => ({ name: t(`category.${name}`), value, kind: "harassment" }));
  const element = h("article", { class: "result" }, head.element,
    h("section", { class: "card" }, h("dl", { class: "tiles" },
      tile(summary.contacts, t("thread.contacts")), tile(summary.incoming, t("thread.incoming")),
      tile(summary.labels.harassment || 0, t("thread.harassing"), "harassment"), tile(summary.needs_review, t("file.review"), "unsure"),
      summary.errors > 0 && tile(summary.errors, t("thread.errors")))),
    flags.length > 0 && h("section", {}, h("h4", {}, t("thread.flags")), h("ol", { class: "findings" }, flags.map(flagCard))),
    usable && packageCard(),
    usable && h("section", { class: "charts" }, contactHours(t("chart.contacts.hours"), summary.by_hour), means.length > 0 && bars(t("chart.categories"), means)),
    timeline(rows),
    notes.length > 0 && h("ul", { class: "hint" }, notes.map((note) => h("li", {}, said(note)))),
    h("p", { class: "hint made-by" }, t("message.model", { model: result.model })));
  return { element, heading: head.heading };
}

function render() {
  const place = byId("thread-result");
  const source = byId("thread-source");
  source.hidden = !file;
  source.textContent = file ? t("thread.from.file", { name: file.name }) : "";
  if (!shown) return place.replaceChildren();
  if (shown.failure?.code === "no_record") {
    const { element, heading } = unusable(shown.failure.line);
    place.replaceChildren(h("article", { class: "result" }, element));
    return { element, heading };
  }
  if (shown.failure) return place.replaceChildren(h("p", { class: "notice bad", role: "alert" }, shown.failure.line));
  const made = report(shown);
  place.replaceChildren(made.element);
  return made;
}

async function judge() {
  const button = byId("thread-form").querySelector("[type=submit]");
  const turn = asked += 1;
  button.disabled = true;
  try {
    shown = { result: await (await send("")).json() };
  } catch (failure) {
    shown = { failure };
  }
  button.disabled = false;
  if (turn !== asked) return;
  const made = render();
  if (made) present(byId("thread-result"), made.heading);
}

function check(event) {
  event.preventDefault();
  if (file || byId("thread-text").value.trim()) return judge();
  shown = { failure: { get line() { return t("error.thread_empty"); } } };
  render();
  return byId("thread-text").focus();
}

function clear() {
  asked += 1;
  file = null;
  shown = null;
  put(byId("thread-text"), "");
  put(byId("thread-debtor"), "");
  put(byId("thread-collector"), "");
  keep("thread", "");
  render();
  announce(t("thread.again"));
  byId("thread-text").focus();
}

/** Make the tab work; `example` is a thread to look at. */
export function startThread(example) {
  byId("thread-form").addEventListener("submit", check);
  byId("thread-text").addEventListener("input", () => {
    file = null;
    render();
  });
  byId("thread-file").addEventListener("change", (event) => {
    [file] = event.target.files;
    event.target.value = "";
    if (file) judge();
  });
  byId("thread-example").addEventListener("click", () => {
    put(byId("thread-text"), example);
    judge();
  });
  document.querySelector("[data-clear=thread]").addEventListener("click", clear);
  onLanguage(render);
}
