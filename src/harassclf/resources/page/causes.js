// Why a table was refused, in the page's words: the server's own line is English and speaks to the command line.

import { has, t } from "./i18n.js";

const CODES = ["file_invalid", "table_invalid"];

/** A part of the server's line that tells the cause, and the key of the page's words for it. */
const CAUSES = [
  ["neither UTF-8, for", "encoding"],
  ["mixed or damaged: line", "mixed"],
  [": begins as ", "mixed"],
  ["already has ", "results"],
  ["a header and no rows", "rows"],
  ["binary content", "binary"],
  ["protected by a password", "workbook"],
  ["damaged XLSX", "damaged"],
  ["is never closed", "quote"],
  ["the file is empty", "empty"],
  ["is blank, expected column names", "header"],
  ["two columns have the chosen name", "twice"],
  ["name ends in none of", "ending"],
  ["no column of times", "times"],
];

/** The cause as a sentence, empty where the server's line names none that is known here. */
export function cause(code, detail) {
  const found = CODES.includes(code) && CAUSES.find(([part]) => detail.includes(part));
  return found && has(`cause.${found[1]}`) ? t(`cause.${found[1]}`) : "";
}
