"""``harassclf drift``: how each day of a table differs from what the model was measured on."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harassclf.commands import add_command, add_model_option, report_sheets
from harassclf.labels import LABELS

if TYPE_CHECKING:
    from harassclf.drift import DayDrift
    from harassclf.drift_table import RowCounts, TableDrift

_READING = """
label_psi is the population stability index of the label shares: below 0.1 stable, from 0.1 watch, from 0.25 shifted. The
corpus was made with far more harassment than any real stream has, so compare with an own month: --against. Unknown words
are read by the model's held-out writers: watch above nine in ten of them, shifted above all. Days with fewer than 100
messages read few. Nothing is changed or trained.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(commands, "drift", _drift, "label shares and unknown words of a table, day by day")
    parser.epilog = _READING
    parser.add_argument("table", type=Path, metavar="TABLE", help="messages, best as harassclf score wrote them")
    parser.add_argument("--text-column", default="text", metavar="NAME", help="column of the message (default: text)")
    parser.add_argument("--time-column", metavar="NAME", help="column of the time (default: time, where there is one)")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="TABLE",
        help="compare with these messages, of five days or more, not with the model's",
    )
    parser.add_argument("--encoding", metavar="NAME", help="encoding of a CSV (default: detect UTF-8 or GB18030)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    add_model_option(parser)


def _drift(options: argparse.Namespace) -> int:
    from harassclf.classifier import Classifier
    from harassclf.drift_table import TableOptions, table_drift

    chosen = TableOptions(options.text_column, options.time_column, options.encoding)
    result = table_drift(options.table, Classifier.load(options.model), chosen, against=options.against)
    print(json.dumps(result.to_dict(), ensure_ascii=False, indent=2) if options.json else render(result))
    _report_rows(result.rows)
    if result.reference_rows is not None:
        _report_rows(result.reference_rows, "reference: ")
        print(f"reference: {result.reference_rows.messages:,} messages", file=sys.stderr)
    return 0


def _report_rows(rows: RowCounts, whose: str = "") -> None:
    """Rows that are in no day or from elsewhere, and sheets that were not read, to standard error."""
    for count, what in (
        (rows.undated, "rows without a readable date are in no day"),
        (rows.unusable, "rows could not be used"),
        (rows.other_model, "rows were scored by another model than the one used here"),
    ):
        if count:
            print(f"{whose}{count:,} {what}", file=sys.stderr)
    report_sheets(rows.sheets_left_out, whose)


def render(result: TableDrift) -> str:
    """Days for a terminal, the reference first."""
    against = result.reference
    head = f"{'day':<12}{'messages':>10}" + "".join(f"{label:>12}" for label in LABELS)
    lines = [f"{head}{'review':>9}{'unknown':>9}{'PSI':>7}  labels / words"]
    shares = "".join(f"{against.labels[label]:>12.1%}" for label in LABELS)
    unknown = f"{against.unknown_words:>9.1%}" if against.unknown_words is not None else f"{'-':>9}"
    lines.append(f"{'reference':<22}{shares}{against.review_share:>9.1%}{unknown}         {against.source}")
    return "\n".join([*lines, *(_line(day) for day in result.days)])


def _line(day: DayDrift) -> str:
    shares = "".join(f"{day.labels[label]:>12.1%}" for label in LABELS)
    return (
        f"{day.day:<12}{day.messages:>10,}{shares}{day.review_share:>9.1%}{day.unknown_word_share:>9.1%}"
        f"{day.label_psi:>7.2f}  {day.label_reading} / {day.word_reading}"
    )
