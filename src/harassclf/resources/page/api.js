// Requests to this server, and to no other: addresses are relative to the page.

import { cause } from "./causes.js";
import { byId } from "./dom.js";
import { has, number, t } from "./i18n.js";
import { limit, points } from "./text.js";

const KEPT = "harassclf.key";

/** An answer that is no result. `code` is the server's, `detail` its own line. */
export class Failure extends Error {
  constructor(status, code, detail) {
    super(code);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }

  /** One line for the person, in the page's language, with the server's own words where they say more. */
  get line() {
    const told = cause(this.code, this.detail);
    if (told) return told;
    const known = `error.${this.code}`;
    const line = has(known) ? t(known, { limit: number(limit()) }) : t(this.status >= 500 ? "error.server" : "error.other");
    return this.detail && t("error.detail") ? line + t("error.detail", { detail: this.detail }) : line;
  }
}

/** Why a message cannot be sent, null where it can. */
export function refusal(text) {
  if (!text.trim()) return new Failure(422, "text_empty", "");
  return points(text) > limit() ? new Failure(422, "text_too_long", "") : null;
}

function key() {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

let asking = null;

/** Ask for the access key once, however many requests wait for it; false when the person will not give one. */
function askForKey() {
  asking ??= new Promise((resolve) => {
    const dialog = byId("key-dialog");
    byId("key-input").value = "";
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "save" && byId("key-input").value.trim();
      if (given) sessionStorage.setItem(KEPT, given);
      byId("key-input").value = "";
      asking = null;
      resolve(Boolean(given));
    }, { once: true });
    dialog.returnValue = "";
    dialog.showModal();
  });
  return asking;
}

async function failureOf(answer) {
  try {
    const { error } = await answer.json();
    return new Failure(answer.status, error.code, error.message);
  } catch {
    return new Failure(answer.status, "no_answer", "");
  }
}

/** fetch() with the key, and a Failure for everything that is no result. `ask`: whether the key may be asked for. */
export async function request(path, options = {}, ask = true) {
  const used = key();
  const headers = { ...(options.headers || {}), ...(used ? { Authorization: `Bearer ${used}` } : {}) };
  let answer;
  try {
    answer = await fetch(new URL(path, document.baseURI), { ...options, headers, cache: "no-store" });
  } catch {
    throw new Failure(0, "unreachable", "");
  }
  if (answer.status === 401 && ask && (key() !== used || await askForKey())) return request(path, options);
  if (!answer.ok) throw await failureOf(answer);
  return answer;
}

export const getJson = async (path) => (await request(path)).json();

/** Something the page would like to know but nobody asked for: null when it cannot be had. */
export const glance = (path) => request(path, {}, false).then((answer) => answer.json()).catch(() => null);

export async function postJson(path, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await request(path, options)).json();
}
