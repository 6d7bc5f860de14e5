// Small charts: SVG in percent of the width, so that they fit any screen; each with the same numbers as a table.

import { h, s } from "./dom.js";
import { number, t } from "./i18n.js";

const LABELS = ["harassment", "collection", "other"];

function table(caption, head, rows) {
  return h("details", { class: "small-details" }, h("summary", {}, t("chart.table")),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, h("table", {}, h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, cell)))),
      h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((cell) => h("td", {}, number(cell)))))))));
}

function bar(name, value, most, kind) {
  const width = most ? (value / most) * 100 : 0;
  return h("div", { class: "bar-row" },
    h("span", { class: "bar-name" }, name),
    s("svg", { class: "bar", height: 16, "aria-hidden": "true" },
      s("rect", { class: "bar-track", width: "100%", height: 16, rx: 4 }),
      s("rect", { class: `fill-${kind}`, width: `${value ? Math.max(width, 0.8) : 0}%`, height: 16, rx: 4 })),
    h("span", { class: "bar-value" }, number(value)));
}

/** Horizontal bars: rows of {name, value, kind}. */
export function bars(title, rows) {
  const most = Math.max(...rows.map((row) => row.value), 0);
  const told = rows.map((row) => `${row.name} ${number(row.value)}`).join(t("list"));
  return h("figure", { class: "chart" }, h("figcaption", {}, title),
    h("div", { role: "img", "aria-label": `${title}${t("colon")}${told}` }, rows.map((row) => bar(row.name, row.value, most, row.kind))),
    table(title, [t("chart.what"), t("chart.count")], rows.map((row) => [row.name, row.value])));
}

function column(hour, series, most) {
  const parts = [];
  let below = 0;
  for (const { key, kind } of series) {
    const height = (hour[key] / most) * 100;
    if (height) parts.push(s("rect", { class: `fill-${kind}`, x: `${(hour.hour / 24) * 100 + 0.4}%`, width: "3.3%", y: `${100 - below - height}%`, height: `${height}%` }));
    below += height;
  }
  return parts;
}

const swatch = (kind) => s("svg", { width: 12, height: 12, "aria-hidden": "true" }, s("rect", { class: kind, width: 12, height: 12, rx: 2 }));

/** By hour of the day, stacked: rows of {hour, <key>: count}, series of {key, name, kind}; the hours 22-8 are shaded. */
export function hours(title, rows, series, note) {
  const most = Math.max(...rows.map((row) => series.reduce((sum, { key }) => sum + row[key], 0)), 1);
  const legend = series.map(({ name, kind }) => h("span", { class: "key" }, swatch(`fill-${kind}`), name));
  return h("figure", { class: "chart wide" }, h("figcaption", {}, title),
    h("p", { class: "legend", "aria-hidden": "true" }, legend, h("span", { class: "key" }, swatch("night"), t("chart.night"))),
    s("svg", { class: "hours", role: "img", "aria-label": `${title}${t("colon")}${note}` },
      s("rect", { class: "night", x: 0, y: 0, width: `${(8 / 24) * 100}%`, height: "100%" }),
      s("rect", { class: "night", x: `${(22 / 24) * 100}%`, y: 0, width: `${(2 / 24) * 100}%`, height: "100%" }),
      rows.flatMap((row) => column(row, series, most)),
      s("line", { class: "axis", x1: 0, x2: "100%", y1: "100%", y2: "100%" })),
    h("div", { class: "ticks-axis", "aria-hidden": "true" }, [0, 6, 12, 18, 24].map((hour) => h("span", {}, `${hour}:00`))),
    h("p", { class: "hint" }, note),
    table(title, [t("chart.hour"), ...series.map(({ name }) => name)], rows.map((row) => [`${row.hour}:00`, ...series.map(({ key }) => row[key])])));
}

const isQuiet = ({ hour }) => hour >= 22 || hour < 8;

/** Messages of a table by hour and label. */
export function labelHours(title, rows) {
  const night = rows.filter(isQuiet).reduce((sum, row) => sum + row.harassment + row.collection, 0);
  const series = LABELS.map((label) => ({ key: label, name: t(`label.${label}`), kind: label }));
  return hours(title, rows, series, t("chart.night.count", { night: number(night) }));
}

/** What the collector's side did, by hour: 24 numbers. */
export function contactHours(title, counts) {
  const rows = counts.map((count, hour) => ({ hour, count }));
  const night = rows.filter(isQuiet).reduce((sum, row) => sum + row.count, 0);
  const series = [{ key: "count", name: t("chart.contacts"), kind: "accent" }];
  return hours(title, rows, series, t("chart.contacts.night", { night: number(night) }));
}
