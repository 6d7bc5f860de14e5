"""``harassclf precheck``: check a message before it is sent."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harassclf.commands import add_command, add_model_option, message_text, report_sheets
from harassclf.errors import InputError
from harassclf.labels import CATEGORY_NAMES_ZH, LABEL_NAMES_ZH

if TYPE_CHECKING:
    from harassclf.precheck import Finding, Precheck

_ORDER = ("pass", "review", "block")
_STATUS = (
    "Exit status: 0 when the check is done, whatever it says; with --fail-on, 1 for a verdict that is as bad or worse, of "
    "a table for any such row and for one that could not be checked."
)


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(commands, "precheck", _precheck, "check messages before they are sent (for collectors)")
    parser.epilog = _STATUS
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the message, or - to read standard input")
    parser.add_argument("--json", action="store_true", help="print the result of TEXT as JSON")
    parser.add_argument("--fail-on", choices=("block", "review"), help="exit 1 for this verdict or a worse one")
    table = parser.add_argument_group("a table instead of TEXT (CSV, TSV, Parquet or XLSX by file ending)")
    table.add_argument("--table", type=Path, metavar="INPUT", help="the table")
    table.add_argument("-o", "--output", type=Path, metavar="OUTPUT", help="the same with verdict, rules, probability")
    table.add_argument("--text-column", default="text", metavar="NAME", help="column of the message (default: text)")
    table.add_argument("--encoding", metavar="NAME", help="encoding of a CSV (default: detect UTF-8 or GB18030)")
    table.add_argument("--force", action="store_true", help="overwrite OUTPUT")
    add_model_option(parser)


def _precheck(options: argparse.Namespace) -> int:
    if (options.text is None) == (options.table is None):
        raise InputError("precheck: give one message, or --table INPUT -o OUTPUT; see harassclf precheck --help")
    if (options.table is None) != (options.output is None):
        raise InputError("precheck: --table INPUT and -o OUTPUT go together; see harassclf precheck --help")
    worst = _one(options) if options.table is None else _table(options)
    failed = options.fail_on is not None and _ORDER.index(worst) >= _ORDER.index(options.fail_on)
    return 1 if failed else 0


def _one(options: argparse.Namespace) -> str:
    from harassclf.classifier import Classifier
    from harassclf.precheck import precheck

    text = message_text(options.text)
    result = precheck(Classifier.load(options.model), text)
    if options.json:
        print(json.dumps(result.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(render(result, text, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    return result.verdict


def _table(options: argparse.Namespace) -> str:
    from harassclf.classifier import Classifier
    from harassclf.precheck_table import TableOptions, check_table

    if options.json:
        raise InputError("precheck: --json is for one message; a table's result is OUTPUT")
    chosen = TableOptions(options.text_column, options.encoding, options.force)
    summary = check_table(options.table, options.output, Classifier.load(options.model), chosen)
    counts = ", ".join(f"{verdict} {summary.verdicts[verdict]:,}" for verdict in _ORDER)
    print(f"{summary.rows:,} rows: {counts}; errors {summary.errors:,}", file=sys.stderr)
    report_sheets(summary.sheets_left_out)
    print(options.output)
    return summary.worst


def render(result: Precheck, text: str, *, colour: bool) -> str:
    """A verdict for a terminal: what to do, why, and each phrase with its rule, law, advice and wording."""
    from harassclf.precheck import NOTICE_ZH, VERDICT_NAMES_ZH

    lines = [f"{VERDICT_NAMES_ZH[result.verdict]} ({result.verdict})", result.reason_zh]
    lines.append(f"{LABEL_NAMES_ZH[result.label]}；骚扰概率 {result.probability:.1%}")
    for finding in result.findings:
        lines += ["", *_lines(finding, ("\x1b[1;33m", "\x1b[0m") if colour else ("【", "】"))]
    return "\n".join([*lines, "", f"{result.model}；{NOTICE_ZH}"])


def _lines(finding: Finding, marks: tuple[str, str]) -> list[str]:
    shown = "".join(c if c.isprintable() else "\ufffd" for c in finding.text)  # no escape of the sender's
    head = f"{marks[0]}{shown}{marks[1]} {CATEGORY_NAMES_ZH[finding.category]}：{finding.name_zh}"
    laws = [f"    {card.summary}（{card.law} {card.article}，{card.in_force}）" for card in finding.legal_basis]
    return [
        f"{head} ({finding.rule}, {finding.level})",
        *laws,
        f"    建议：{finding.advice}",
        f"    可改为：{finding.wording}",
    ]
