// The page's words: one data file a language, Chinese unless the person chose English.

import { byId, h } from "./dom.js";

const KEPT = "harassclf.language";
const listeners = [];
let strings = {};
let lines = {};  // what the server says in Chinese, in the language of the page
let current = "zh";

/** A string by its key, with {name} filled in. */
export function t(key, values = {}) {
  const found = strings[key];
  if (found === undefined) return key;
  return found.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export const has = (key) => key in strings;
export const language = () => current;

/** Chinese text from the server inside an English page is marked, so that it is read out in Chinese. */
export const chinese = () => (current === "zh" ? {} : { lang: "zh-CN" });

/** Lines of the server's own, which are Chinese: translated clause by clause, a clause unknown here marked as Chinese. */
export function said(line) {
  if (current === "zh") return line;
  return line.split("；").map((clause, i) => {
    const [count] = clause.match(/^\d+/) || [""];
    const known = lines[clause.replace(/^\d+/, "{count}")];
    return [i > 0 && "; ", known ? known.replace("{count}", count) : h("span", chinese(), clause)];
  });
}

export const number = (value) => new Intl.NumberFormat(current === "zh" ? "zh-CN" : "en").format(value);

/** A share in whole percent, never 0 or 100: nothing here is certain. */
export function percent(value) {
  if (value < 0.01) return "<1%";
  if (value > 0.99) return ">99%";
  return `${Math.round(value * 100)}%`;
}

/** Called after each change of language. */
export function onLanguage(listener) {
  listeners.push(listener);
}

async function load(name) {
  const read = (file) => fetch(new URL(file, import.meta.url)).then((answer) => answer.json());
  [strings, lines] = await Promise.all([read(`./strings.${name}.json`), name === "zh" ? {} : read(`./said.${name}.json`)]);
  current = name;
}

function apply() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  for (const element of document.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
  const button = byId("language");
  button.textContent = t("language.other");
  button.lang = current === "zh" ? "en" : "zh-CN";
  listeners.forEach((listener) => listener());
}

function remembered() {
  try {
    return localStorage.getItem(KEPT) === "en" ? "en" : "zh";
  } catch {
    return "zh";
  }
}

/** Load the words and make the button work. */
export async function startLanguage() {
  await load(remembered());
  byId("language").addEventListener("click", async () => {
    await load(current === "zh" ? "en" : "zh");
    try {
      localStorage.setItem(KEPT, current);
    } catch { /* a browser that keeps nothing: the page still changes */ }
    apply();
  });
}

export const applyLanguage = apply;
