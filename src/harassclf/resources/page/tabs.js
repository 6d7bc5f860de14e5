// Tabs as WAI-ARIA describes them; the address remembers which one is open.

const tabs = () => [...document.querySelectorAll("[role=tab]")];
const nameOf = (tab) => tab.hash.slice(1);

function open(name, focus) {
  const wanted = tabs().some((tab) => nameOf(tab) === name) ? name : "message";
  for (const tab of tabs()) {
    const chosen = nameOf(tab) === wanted;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    document.getElementById(`panel-${nameOf(tab)}`).hidden = !chosen;
    if (chosen && focus) tab.focus();
    if (chosen) uncover(tab);
  }
}

/** Scroll the row of tabs, on a narrow screen, so far that all of this one shows. Not scrollIntoView: since Chromium 150 the
 * keyboard goes on from what that was called for, so that the first Tab left out the link to the content. */
function uncover(tab) {
  const row = tab.parentElement;
  const left = tab.offsetLeft - row.offsetLeft;
  row.scrollLeft = Math.min(left, Math.max(row.scrollLeft, left + tab.offsetWidth - row.clientWidth));
}

function step(event) {
  const all = tabs();
  const now = all.indexOf(event.currentTarget);
  const next = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: all.length - 1, " ": now }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  show(nameOf(all[(next + all.length) % all.length]), true);
}

/** Open a tab by its name. */
export function show(name, focus = false) {
  history.replaceState(null, "", `#${name}`);
  open(name, focus);
}

export function startTabs() {
  for (const tab of tabs()) {
    tab.addEventListener("keydown", step);
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      show(nameOf(tab), true);
    });
  }
  addEventListener("hashchange", () => {
    if (location.hash !== "#main") open(location.hash.slice(1), false);
  });
  open(location.hash.slice(1), false);
}
