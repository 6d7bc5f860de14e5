"""``harassclf compare OLD NEW``: may a new model folder replace the old one?"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harassclf.commands import add_command, report_sheets

if TYPE_CHECKING:
    from harassclf.comparison import Comparison
    from harassclf.labelled import LabelledTable

_SHOWN = 20


def add(commands: Any) -> None:
    """Register the command."""
    parser = add_command(
        commands, "compare", _run, "metric differences, flipped messages and broken rules of two model folders"
    )
    parser.add_argument("old", type=Path, metavar="OLD", help="model folder")
    parser.add_argument("new", type=Path, metavar="NEW", help="model folder that may replace it")
    parser.add_argument(
        "--table", type=Path, metavar="TABLE", help="labelled table (default: the reserved voices of --data)"
    )
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER", help="corpus (default: data)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON, all flipped messages included")


def _run(options: argparse.Namespace) -> int:
    from harassclf.classifier import Classifier
    from harassclf.comparison import compare

    old, new = Classifier.load(options.old), Classifier.load(options.new)
    table = _table(options)
    found = compare(old, new, table)
    report_sheets(table.sheets_left_out)
    print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2) if options.json else "\n".join(render(found)))
    return 1 if found.broken else 0


def _table(options: argparse.Namespace) -> LabelledTable:
    from harassclf.corpus import RESERVED, read_corpus
    from harassclf.labelled import labelled, read_labelled

    if options.table:
        return read_labelled(options.table)
    corpus = read_corpus(options.data)
    return labelled(corpus[corpus["split"] == RESERVED])


def render(found: Comparison) -> Iterator[str]:
    """The comparison for a terminal."""
    yield f"{'':<28}{'old':>8}{'new':>8}{'change':>9}"
    for name, (old, new) in found.differences.items():
        yield f"{name:<28}{old:>8.3f}{new:>8.3f}{new - old:>+9.3f}"
    better = sum(flip.new == flip.truth for flip in found.flips)
    worse = sum(flip.old == flip.truth for flip in found.flips)
    yield f"{len(found.flips)} of {found.new.messages:,} messages flip: {better} to right, {worse} to wrong"
    for flip in [flip for flip in found.flips if flip.old == flip.truth][:_SHOWN]:
        yield f"  row {flip.row}: {flip.old} -> {flip.new}: {' '.join(flip.text.split())[:60]}"
    for rule in found.broken:
        yield f"regression set, {rule.rule}: {rule.what}"
    yield (
        "the new model breaks rules of the regression set" if found.broken else "the new model keeps the regression set"
    )
