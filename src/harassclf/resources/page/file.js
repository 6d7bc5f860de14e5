// A table: upload, choose columns, follow the scoring, summary, rows, download, delete.

import { Failure, getJson, postJson, request } from "./api.js";
import { cause } from "./causes.js";
import { bars, labelHours } from "./charts.js";
import { announce, byId, h, s, save } from "./dom.js";
import { keep, kept } from "./drafts.js";
import { language, number, onLanguage, percent, t } from "./i18n.js";
import { rowBrowser } from "./rows.js";

const LABELS = ["harassment", "collection", "other"];
const POLL = 700;  // milliseconds
let status = null;  // what the server says of the table
let failure = null;
let sending = false;
let chosen = {};  // text_column, time_column as picked, before scoring starts
let drawn = "";  // what is on the page, so that a poll does not redraw what somebody reads

const until = () => new Intl.DateTimeFormat(language() === "zh" ? "zh-CN" : "en", { timeStyle: "short" }).format(new Date(status.expires));

function alertLine() {
  return failure && h("p", { class: "notice bad", role: "alert" }, failure.line);
}

function dropzone() {
  const input = h("input", { type: "file", id: "file-input", class: "visually-hidden", accept: ".csv,.tsv,.txt,.xlsx", onchange: (event) => upload(event.target.files[0]) });
  const zone = h("div", { class: "dropzone" },
    h("p", {}, t("file.drop")),
    h("label", { class: "button primary", for: "file-input" }, t("file.choose")), input,
    h("p", { class: "hint" }, t("file.kinds")));
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    upload(event.dataTransfer.files[0]);
  });
  return h("div", { class: "card" }, sending ? h("p", { role: "status" }, t("file.sending")) : zone, alertLine(),
    h("p", { class: "hint" }, t("file.privacy")),
    h("p", { class: "hint" }, t("file.api"), " ", h("code", {}, "harassclf score")));
}

function columnChoice(id, label, value, none) {
  const options = status.columns.map((name, i) => h("option", { value: i }, name || t("file.unnamed", { number: i + 1 })));
  const select = h("select", { id, onchange: (event) => {
    chosen[id] = event.target.value === "" ? null : Number(event.target.value);
    redraw();
    byId(id).focus();
  } }, none && h("option", { value: "" }, none), options);
  select.value = value === null ? "" : String(value);
  return h("div", { class: "field" }, h("label", { for: id }, label), select);
}

function preview() {
  const kind = (i) => (i === chosen.text_column ? "is-text" : i === chosen.time_column ? "is-time" : null);
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("file.preview") },
    h("table", { class: "preview" }, h("caption", {}, t("file.preview")),
      h("thead", {}, h("tr", {}, status.columns.map((name, i) => h("th", { scope: "col", class: kind(i), dir: "auto" }, name)))),
      h("tbody", {}, status.preview.map((cells) => h("tr", {}, cells.map((cell, i) => h("td", { class: kind(i), dir: "auto" }, cell)))))));
}

function columns() {
  return h("div", { class: "card" },
    h("h3", {}, status.name), preview(),
    h("p", { class: "hint" }, t("file.header")),
    h("div", { class: "fields" },
      columnChoice("text_column", t("file.text"), chosen.text_column),
      columnChoice("time_column", t("file.time"), chosen.time_column, t("file.no.time"))),
    alertLine(),
    h("div", { class: "actions" },
      h("button", { type: "button", class: "primary", id: "file-start", onclick: start }, t("file.start")),
      removeButton(t("file.other"))),
    h("p", { class: "hint" }, t("file.until", { time: until() })));
}

function progress() {
  const share = status.share || 0;
  return h("div", { class: "card", id: "file-progress" },
    h("h3", {}, status.name),
    h("p", { role: "status" }, status.state === "queued" ? t("file.queued") : t("file.running", { rows: number(status.rows || 0) })),
    h("div", { role: "progressbar", "aria-label": t("file.progress"), "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(share * 100) },
      s("svg", { class: "bar", height: 12, "aria-hidden": "true" }, s("rect", { class: "bar-track", width: "100%", height: 12, rx: 6 }), s("rect", { class: "fill-accent", width: `${Math.max(2, share * 100)}%`, height: 12, rx: 6 }))),
    h("div", { class: "actions" }, removeButton(t("file.stop"))));
}

function tile(value, name, kind) {
  return h("div", { class: `tile ${kind}` }, h("dt", {}, name), h("dd", {}, value));
}

function summary() {
  const counts = status.summary;
  const judged = counts.rows - counts.errors;
  const means = Object.entries(counts.categories).map(([name, value]) => ({ name: t(`category.${name}`), value, kind: "harassment" }));
  return h("article", { class: "result" },
    h("section", { class: "card" },
      h("h3", { tabindex: -1, id: "file-done" }, t("file.done", { name: status.name })),
      h("dl", { class: "tiles" },
        tile(number(counts.rows), t("file.rows"), ""),
        tile(number(counts.labels.harassment), `${t("label.harassment")} ${judged ? percent(counts.labels.harassment / judged) : ""}`, "harassment"),
        tile(number(counts.review), t("file.review"), "unsure"),
        tile(number(counts.errors), t("file.errors"), "")),
      h("div", { class: "actions" },
        h("button", { type: "button", class: "primary", onclick: () => download("csv") }, t("file.download.csv")),
        /\.xlsx$/i.test(status.name) && h("button", { type: "button", onclick: () => download("xlsx") }, t("file.download.xlsx")),
        removeButton(t("file.delete"))),
      alertLine(),
      counts.sheets_left_out?.length > 0 && h("p", { class: "notice" }, t("file.sheets", { names: counts.sheets_left_out.join(language() === "zh" ? "、" : ", ") })),
      h("p", { class: "hint" }, t("file.until", { time: until() }))),
    h("section", { class: "charts" },
      bars(t("chart.labels"), LABELS.map((name) => ({ name: t(`label.${name}`), value: counts.labels[name], kind: name }))),
      means.length > 0 && bars(t("chart.categories"), means),
      counts.hours && labelHours(t("chart.hours"), counts.hours)),
    counts.times_unread > 0 && h("p", { class: "hint" }, t("file.times.unread", { count: number(counts.times_unread) })),
    rowBrowser(status));
}

function failed() {
  const { code, message } = status.error;
  return h("div", { class: "card" }, h("h3", {}, status.name),
    h("p", { class: "notice bad", role: "alert" }, new Failure(422, code, message).line),
    language() === "zh" && !cause(code, message) && h("p", { class: "hint", lang: "en" }, message),
    h("div", { class: "actions" }, removeButton(t("file.other"))));
}

function removeButton(words) {
  return h("button", { type: "button", class: "quiet", onclick: remove }, words);
}

function redraw() {
  drawn = "";
  render();
}

function render() {
  const views = { uploaded: columns, queued: progress, running: progress, done: summary, failed };
  const now = JSON.stringify([status, sending, failure && failure.code, language()]);
  if (now === drawn) return;
  drawn = now;
  byId("file-body").replaceChildren(status ? views[status.state]() : dropzone());
}

function take(answer) {
  const before = status?.state;
  status = answer;
  keep("file", answer ? answer.id : "");
  if (answer && (answer.id !== chosen.id)) chosen = { id: answer.id, ...(answer.suggested || {}) };
  render();
  if (before && before !== "done" && answer?.state === "done") {
    announce(byId("file-done").textContent);
    byId("file-done").focus();
  }
  if (answer && ["queued", "running"].includes(answer.state)) setTimeout(() => poll(answer.id), POLL);
}

async function poll(id) {
  if (status?.id !== id) return;
  try {
    take(await getJson(`v1/files/${id}`));
  } catch (problem) {
    if (problem.status === 404) lost(problem);
    else setTimeout(() => poll(id), 5 * POLL);  // busy or a broken line: it is still there
  }
}

function lost(problem) {
  status = null;
  keep("file", "");
  failure = problem;
  redraw();
}

/** Do something that may fail, and show why. */
async function attempt(work) {
  failure = null;
  try {
    await work();
  } catch (problem) {
    if (!(problem instanceof Failure)) throw problem;
    if (problem.status === 404) return lost(problem);
    failure = problem;
  }
  return redraw();
}

async function upload(file) {
  if (!file || sending) return;
  sending = true;
  failure = null;
  redraw();
  await attempt(async () => {
    const headers = { "Content-Type": "application/octet-stream", "X-Filename": encodeURIComponent(file.name) };
    take(await (await request("v1/files", { method: "POST", headers, body: file })).json());
  });
  sending = false;
  redraw();
  byId(status ? "text_column" : "file-input")?.focus();
}

const start = () => attempt(async () => {
  take(await postJson(`v1/files/${status.id}/score`, { text_column: chosen.text_column, time_column: chosen.time_column }));
});

const download = (format) => attempt(async () => {
  const answer = await request(`v1/files/${status.id}/result?format=${format}`);
  save(await answer.blob(), `${status.name.replace(/\.[^.]*$/, "")}-harassclf.${format}`);
});

const remove = () => attempt(async () => {
  await request(`v1/files/${status.id}`, { method: "DELETE" });
  take(null);
  announce(t("file.deleted"));
});

/** Make the tab work; a table that is still on the server is shown again. */
export function startFile() {
  onLanguage(redraw);
  if (kept("file")) attempt(async () => take(await getJson(`v1/files/${kept("file")}`)));
}
