"""The rows of a scored table that a person asks to read: filtered, counted, one page of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harassclf.batch import RESULT_COLUMNS
from harassclf.table_output import safe_cell
from harassclf.tables import open_table

_SHOWN = 2_000  # characters of one cell; the download has them all


@dataclass(frozen=True, slots=True)
class Wanted:
    """What rows to read; an empty field asks for nothing."""

    label: str = ""
    category: str = ""
    review: bool | None = None
    q: str = ""
    offset: int = 0
    limit: int = 50


def read_rows(result: Path, wanted: Wanted) -> dict[str, Any]:
    """One page of the rows of ``result``: ``{"columns", "total", "offset", "rows"}``, ``total`` counts all that match.

    A row is ``{"number", "cells", "label", "probability", "categories", "needs_review", "evidence", "error"}``:
    ``number`` counts from 1, ``cells`` are the input's, and a cell over 2,000 characters is cut.
    """
    reader = open_table(result, encoding="utf-8-sig")
    width = len(reader.columns) - len(RESULT_COLUMNS)
    matches = _matcher(wanted, width)
    total, page = 0, []
    for number, row in enumerate(reader.rows(), 1):
        if not matches(row.cells):
            continue
        if wanted.offset <= total < wanted.offset + wanted.limit:
            page.append(_shown(number, row.cells, width))
        total += 1
    return {"columns": reader.columns[:width], "total": total, "offset": wanted.offset, "rows": page}


def _matcher(wanted: Wanted, width: int) -> Callable[[Sequence[str]], bool]:
    words = wanted.q.casefold()
    review = {None: "", True: "true", False: "false"}[wanted.review]

    def matches(cells: Sequence[str]) -> bool:
        label, _, categories, needs_review = cells[width : width + 4]
        return (
            wanted.label in ("", label)
            and (not wanted.category or wanted.category in categories.split(";"))
            and review in ("", needs_review)
            and (not words or any(words in cell.casefold() for cell in cells[:width]))
        )

    return matches


def _shown(number: int, cells: Sequence[str], width: int) -> dict[str, Any]:
    label, probability, categories, needs_review, evidence, error, _ = cells[width:]
    return {
        "number": number,
        "cells": [_as_it_was(cell) if len(cell) <= _SHOWN else cell[:_SHOWN] + "…" for cell in cells[:width]],
        "label": label,
        "probability": float(probability) if probability else None,
        "categories": categories.split(";") if categories else [],
        "needs_review": needs_review == "true",
        "evidence": evidence[:_SHOWN],
        "error": error[:_SHOWN],
    }


def _as_it_was(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from running it: here nothing is run."""
    bare = cell.removeprefix("'")
    return bare if safe_cell(bare) == cell else cell
