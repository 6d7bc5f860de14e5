"""``harassclf precheck``: check a message before it is sent."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from harassclf.commands import add_command, add_model_option, message_text
from harassclf.labels import CATEGORY_NAMES_ZH, LABEL_NAMES_ZH

if TYPE_CHECKING:
    from harassclf.precheck import Finding, Precheck

_ORDER = ("pass", "review", "block")
_STATUS = (
    "Exit status: 0 when the check is done, whatever it says; with --fail-on, 1 for a verdict that is as bad or worse."
)


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(commands, "precheck", _precheck, "check a message before it is sent (for collectors)")
    parser.epilog = _STATUS
    parser.add_argument("text", metavar="TEXT", help="the message, or - to read standard input")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--fail-on", choices=("block", "review"), help="exit 1 for this verdict or a worse one")
    add_model_option(parser)


def _precheck(options: argparse.Namespace) -> int:
    from harassclf.classifier import Classifier
    from harassclf.precheck import precheck

    text = message_text(options.text)
    result = precheck(Classifier.load(options.model), text)
    if options.json:
        print(json.dumps(result.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(render(result, text, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    failed = options.fail_on is not None and _ORDER.index(result.verdict) >= _ORDER.index(options.fail_on)
    return 1 if failed else 0


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
