// The start: words, tabs, each feature, then what the person had typed.

import { follow } from "./drafts.js";
import { startFile } from "./file.js";
import { applyLanguage, startLanguage } from "./i18n.js";
import { startMessage } from "./message.js";
import { startPrecheck } from "./precheck.js";
import { startScreenshot } from "./screenshot.js";
import { startTabs } from "./tabs.js";
import { startThread } from "./thread.js";

const [examples] = await Promise.all([
  fetch(new URL("./examples.json", import.meta.url)).then((answer) => answer.json()),
  startLanguage(),
]);
startTabs();
startMessage(examples.message);
startScreenshot();
startFile();
startThread(examples.thread);
startPrecheck(examples.precheck);
document.querySelectorAll("[data-draft]").forEach(follow);
applyLanguage();
document.documentElement.dataset.ready = "true";
