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

function column(hour, most) {
  const parts = [];
  let below = 0;
  for (const label of LABELS) {
    const height = (hour[label] / most) * 100;
    if (height) parts.push(s("rect", { class: `fill-${label}`, x: `${(hour.hour / 24) * 100 + 0.4}%`, width: "3.3%", y: `${100 - below - height}%`, height: `${height}%` }));
    below += height;
  }
  return parts;
}

/** Messages by hour of the day, stacked by label; the quiet hours 22-8 are shaded. */
export function hours(title, rows) {
  const most = Math.max(...rows.map((row) => LABELS.reduce((sum, label) => sum + row[label], 0)), 1);
  const night = rows.filter((row) => row.hour >= 22 || row.hour < 8).reduce((sum, row) => sum + row.harassment + row.collection, 0);
  const legend = LABELS.map((label) => h("span", { class: "key" }, s("svg", { width: 12, height: 12, "aria-hidden": "true" }, s("rect", { class: `fill-${label}`, width: 12, height: 12, rx: 2 })), t(`label.${label}`)));
  return h("figure", { class: "chart wide" }, h("figcaption", {}, title),
    h("p", { class: "legend", "aria-hidden": "true" }, legend, h("span", { class: "key" }, s("svg", { width: 12, height: 12 }, s("rect", { class: "night", width: 12, height: 12 })), t("chart.night"))),
    s("svg", { class: "hours", role: "img", "aria-label": t("chart.hours.told", { title, night: number(night) }) },
      s("rect", { class: "night", x: 0, y: 0, width: `${(8 / 24) * 100}%`, height: "100%" }),
      s("rect", { class: "night", x: `${(22 / 24) * 100}%`, y: 0, width: `${(2 / 24) * 100}%`, height: "100%" }),
      rows.flatMap((row) => column(row, most)),
      s("line", { class: "axis", x1: 0, x2: "100%", y1: "100%", y2: "100%" })),
    h("div", { class: "ticks-axis", "aria-hidden": "true" }, [0, 6, 12, 18, 24].map((hour) => h("span", {}, `${hour}:00`))),
    h("p", { class: "hint" }, t("chart.night.count", { night: number(night) })),
    table(title, [t("chart.hour"), ...LABELS.map((label) => t(`label.${label}`))], rows.map((row) => [`${row.hour}:00`, ...LABELS.map((label) => row[label])])));
}
