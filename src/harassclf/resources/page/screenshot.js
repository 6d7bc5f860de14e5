// A screenshot chosen, dropped or pasted: read by the server, its text shown for correction before it is judged.

import { glance, request } from "./api.js";
import { announce, byId, h } from "./dom.js";
import { put } from "./drafts.js";
import { onLanguage, t } from "./i18n.js";
import { show } from "./tabs.js";

const KINDS = ["image/png", "image/jpeg", "image/webp"];
const INSTALL = "pip install 'harassclf[ocr]'";
let state = { kind: "" };
let picture = null;  // address of the image in this browser

function picked() {
  return picture && h("img", { src: picture, alt: t("screenshot.alt"), class: "screenshot" });
}

function render() {
  const place = byId("screenshot-state");
  const bodies = {
    "": () => [],
    reading: () => [h("div", { class: "shot" }, picked(), h("p", { role: "status" }, t("screenshot.reading")))],
    read: () => [h("div", { class: "shot" }, picked(),
      h("div", {}, h("p", { class: "notice good" }, t("screenshot.read")), h("button", { type: "button", class: "quiet small", onclick: forget }, t("screenshot.forget"))))],
    empty: () => [h("div", { class: "shot" }, picked(), h("p", { class: "notice bad", role: "alert" }, t("screenshot.empty")))],
    missing: () => [h("p", { class: "notice", role: "alert" }, t("screenshot.missing"), " ", h("code", {}, INSTALL))],
    failed: () => [h("p", { class: "notice bad", role: "alert" }, state.failure.line)],
    kind: () => [h("p", { class: "notice bad", role: "alert" }, t("screenshot.kind"))],
  };
  place.replaceChildren(...bodies[state.kind]());
}

function set(kind, more = {}) {
  state = { kind, ...more };
  render();
}

function forget() {
  if (picture) URL.revokeObjectURL(picture);
  picture = null;
  set("");
}

async function read(image) {
  forget();
  if (!KINDS.includes(image.type)) return set("kind");
  picture = URL.createObjectURL(image);
  set("reading");
  try {
    const answer = await request("v1/ocr", { method: "POST", headers: { "Content-Type": image.type }, body: image });
    const { text } = await answer.json();
    if (!text.trim()) return set("empty");
    put(byId("message-text"), text);
    set("read");
    announce(t("screenshot.read"));
    byId("message-text").focus();
  } catch (failure) {
    set(failure.code === "ocr_missing" ? "missing" : "failed", { failure });
  }
  return undefined;
}

const imageIn = (files) => [...(files || [])].find((file) => file.type.startsWith("image/"));

function dropped(event) {
  const image = imageIn(event.dataTransfer?.files);
  if (!image) return;
  event.preventDefault();
  read(image);
}

/** Make choosing, dropping and pasting work. */
export function startScreenshot() {
  const input = byId("screenshot-input");
  const form = byId("message-form");
  input.addEventListener("change", () => {
    if (input.files[0]) read(input.files[0]);
    input.value = "";
  });
  form.addEventListener("dragover", (event) => {
    if ([...event.dataTransfer.types].includes("Files")) {
      event.preventDefault();
      form.classList.add("over");
    }
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    form.classList.remove("over");
    dropped(event);
  });
  addEventListener("paste", (event) => {
    const image = imageIn(event.clipboardData?.files);
    if (!image) return;
    event.preventDefault();
    show("message");
    read(image);
  });
  document.querySelector("[data-clear=message]").addEventListener("click", forget);
  onLanguage(render);
  glance("v1/ocr").then((answer) => { if (answer?.available === false) set("missing"); });
}
