"""Drift of a table of messages, day by day: labels from its columns (as ``harassclf score`` writes them) or judged here.

The table is read once, in chunks; only counts are kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from harassclf.classifier import Classifier, Prediction
from harassclf.drift import DayDrift, Reference, Tally, WordCounter, day_drift, reference_of
from harassclf.errors import TableError
from harassclf.labels import LABELS
from harassclf.tables import Row, TableReader, column_index, named, open_table
from harassclf.timeline.times import DEFAULT_TIMEZONE, TimeError, load_zone, parse_time

ALL = "all"  # the day of messages in a table without a time column
TIME = "time"
_CHUNK = 2_000
_FEWEST_DAYS = 5
# 2026-11-25, 2026/11/25, 2026.11.25, 2026年11月25日, 20261125, each with or without a time after it.
_DAY = re.compile(r"\s*(?P<y>\d{4})(?:[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})|(?P<m2>\d\d)(?P<d2>\d\d))(?!\d)")
_SERIAL = re.compile(r"(\d{5})(?:\.0*)?")  # a day without an hour, as a sheet counts days
_FORMS = "2026-03-01 09:30, 2026年3月1日, 20260301093000, seconds since 1970 or a sheet's day count (46082.5)"


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Which columns to read. ``time_column`` None: ``time`` where the table has it, else all messages are one day."""

    text_column: str = "text"
    time_column: str | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What became of a table's rows: ``messages`` are in a day, ``undated`` and ``unusable`` rows in none; ``other_model``
    rows were scored by another model than the one at hand. ``sheets_left_out`` of a workbook were not read."""

    messages: int
    undated: int
    unusable: int
    other_model: int
    sheets_left_out: tuple[str, ...]

    def to_dict(self) -> dict[str, int]:
        """The four counts."""
        return {
            "messages": self.messages,
            "undated": self.undated,
            "unusable": self.unusable,
            "other_model": self.other_model,
        }


@dataclass(frozen=True, slots=True)
class TableDrift:
    """Every day of a table in order; ``reference_rows`` is None where the reference is the model's own."""

    days: tuple[DayDrift, ...]
    rows: RowCounts
    reference: Reference
    reference_rows: RowCounts | None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return {
            **self.rows.to_dict(),
            "reference": {
                "source": self.reference.source,
                "labels": dict(self.reference.labels),
                "review_share": self.reference.review_share,
                "unknown_word_share": self.reference.unknown_words,
                "unknown_word_bounds": list(self.reference.unknown_bounds) if self.reference.unknown_bounds else None,
                "rows": self.reference_rows.to_dict() if self.reference_rows else None,
            },
            "days": [day.to_dict() for day in self.days],
        }


@dataclass(frozen=True, slots=True)
class _Message:
    day: str | None
    text: str
    label: str  # empty: to be judged here
    needs_review: bool
    model: str  # that gave the label; empty where the table does not say


@dataclass(slots=True)
class _Counts:
    sheets_left_out: tuple[str, ...]
    days: dict[str, Tally] = field(default_factory=dict)
    undated: int = 0
    unusable: int = 0
    other_model: int = 0

    def add(self, message: _Message, words: int, unknown: int) -> None:
        if message.day is None:
            self.undated += 1
        else:
            self.days.setdefault(message.day, Tally()).add(message.label, message.needs_review, words, unknown)

    def rows(self) -> RowCounts:
        messages = sum(day.messages for day in self.days.values())
        return RowCounts(messages, self.undated, self.unusable, self.other_model, self.sheets_left_out)


def table_drift(
    path: Path, classifier: Classifier, options: TableOptions, *, against: Path | None = None
) -> TableDrift:
    """Read ``path`` day by day against the model's reference, or against another table of messages.

    Raises :class:`TableError` for a table that cannot be read, lacks a column or has no message in any day.
    """
    compared, reference_rows = Reference.from_metadata(classifier.metadata), None
    if against is not None:
        compared, reference_rows = _reference_of(against, classifier, options)
    counts = _counts(path, classifier, options)
    days = tuple(day_drift(day, counts.days[day], compared) for day in sorted(counts.days))
    return TableDrift(days, counts.rows(), compared, reference_rows)


def _reference_of(path: Path, classifier: Classifier, options: TableOptions) -> tuple[Reference, RowCounts]:
    """A table as the reference; each of its days takes the place of a writer. A few days do not tell how far an ordinary
    one strays, so then words are not read."""
    counts = _counts(path, classifier, options)
    found = Reference.from_dict(reference_of(list(counts.days.values())), path.name)
    if len(counts.days) < _FEWEST_DAYS:
        found = replace(found, unknown_bounds=None)
    return found, counts.rows()


def _counts(path: Path, classifier: Classifier, options: TableOptions) -> _Counts:
    reader = open_table(path, encoding=options.encoding)
    counts, counter = _Counts(reader.other_sheets), WordCounter(classifier.words)
    for chunk, refused in _chunks(reader, _columns(reader, path, options)):
        judged, failed = _judged(chunk, classifier)
        counts.unusable += refused + failed
        for message, (words, unknown) in zip(judged, counter.count([m.text for m in judged]), strict=True):
            counts.other_model += message.model not in ("", classifier.model)
            counts.add(message, words, unknown)
    if not counts.days:
        raise TableError(f"{path}: {_why_nothing(counts, options.time_column or TIME)}")
    return counts


def _why_nothing(counts: _Counts, time_column: str) -> str:
    if counts.undated:
        return (
            f"no row has a readable time in the column {time_column!r}; expected such as {_FORMS}; mend it, or choose "
            "another with --time-column"
        )
    if counts.unusable:
        return f"none of its {counts.unusable:,} rows holds a usable message; nothing to measure"
    return "a header and no rows; nothing to measure"


def _chunks(reader: TableReader, columns: dict[str, int]) -> Iterator[tuple[list[_Message], int]]:
    """Messages of some rows, and how many of these rows are unusable."""
    rows = reader.rows()
    while chunk := list(islice(rows, _CHUNK)):
        found = [_message(row, columns) for row in chunk]
        usable = [message for message in found if message is not None]
        yield usable, len(found) - len(usable)


def _columns(reader: TableReader, path: Path, options: TableOptions) -> dict[str, int]:
    columns = {"text": column_index(reader, options.text_column, path)}
    if options.time_column is not None and options.time_column not in reader.columns:
        raise TableError(f"{path}: no column {options.time_column!r}; found: {named(reader.columns)}; choose one with "
                         "--time-column")  # fmt: skip
    wanted = {
        "time": options.time_column or TIME,
        "label": "predicted_label",
        "review": "needs_review",
        "model": "model",
    }
    for key, name in wanted.items():
        if name in reader.columns:
            columns[key] = reader.columns.index(name)
    return columns


def _message(row: Row, columns: dict[str, int]) -> _Message | None:
    cells = {key: row.cells[at] for key, at in columns.items()}
    if row.error or cells.get("label", LABELS[0]) not in LABELS:
        return None  # score leaves the label of a row empty that it could not judge
    return _Message(
        day=_day(cells["time"]) if "time" in cells else ALL,
        text=cells["text"],
        label=cells.get("label", ""),
        needs_review=cells.get("review", "") == "true",
        model=cells.get("model", "") if "label" in cells else "",
    )


def _day(cell: str) -> str | None:
    """The ISO date that a time begins with, as it is written there, else that of what ``harassclf timeline`` reads as a
    time (seconds since 1970 in Chinese time); None where there is none."""
    text = unicodedata.normalize("NFKC", cell)
    found = _DAY.match(text)
    if not found:
        return _day_of_time(text.strip())
    try:
        return date(int(found["y"]), int(found["m"] or found["m2"]), int(found["d"] or found["d2"])).isoformat()
    except ValueError:
        return None


def _day_of_time(text: str) -> str | None:
    counted = _SERIAL.fullmatch(text)
    try:  # of a counted day without an hour any hour will do
        moment = parse_time(f"{counted[1]}.5" if counted else text, load_zone(DEFAULT_TIMEZONE))
    except TimeError:
        return None
    return moment.local.date().isoformat()


def _judged(messages: Sequence[_Message], classifier: Classifier) -> tuple[list[_Message], int]:
    """The messages with a label each, and how many could not be judged."""
    if not messages or messages[0].label:
        return list(messages), 0
    results = classifier.judge_many([message.text for message in messages])
    judged = [
        _Message(message.day, message.text, result.label, result.needs_review, result.model)
        for message, result in zip(messages, results, strict=True)
        if isinstance(result, Prediction)
    ]
    return judged, len(messages) - len(judged)
