// What was typed survives a reload, in this browser tab only; a button clears it.

const PREFIX = "harassclf.draft.";

export function keep(name, value) {
  try {
    if (value) sessionStorage.setItem(PREFIX + name, value);
    else sessionStorage.removeItem(PREFIX + name);
  } catch { /* storage full or switched off: typing goes on */ }
}

export function kept(name) {
  try {
    return sessionStorage.getItem(PREFIX + name) || "";
  } catch {
    return "";
  }
}

/** Restore a field and follow it. */
export function follow(field) {
  const name = field.dataset.draft;
  if (kept(name)) field.value = kept(name);
  field.addEventListener("input", () => keep(name, field.value));
}

/** Put a text into a field as if it had been typed. */
export function put(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
