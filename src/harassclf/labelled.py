"""A labelled table (``text``, ``label``, optional ``categories``) and what a classifier makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harassclf.classifier import Classifier, check_text
from harassclf.corpus import categories_of, category_matrix
from harassclf.decision import verdicts
from harassclf.errors import InputError, TableError
from harassclf.evaluation import Evaluation, evaluate
from harassclf.labels import CATEGORIES, HARASSMENT, LABELS
from harassclf.tables import column_index, open_table

_ADVICE = "expected text, label and, if there are any, categories; rename its columns"


@dataclass(frozen=True, slots=True)
class LabelledTable:
    """``n`` messages with their true labels and, where the table has them, categories 0/1 of shape ``(n, 7)``;
    ``sheets_left_out`` are those of a workbook that were not read."""

    texts: list[str]
    labels: list[str]
    categories: np.ndarray | None
    sheets_left_out: tuple[str, ...] = ()


def read_labelled(path: Path, *, encoding: str | None = None) -> LabelledTable:
    """Read and check a labelled table; the first unusable row raises :class:`TableError` with its number."""
    reader = open_table(path, encoding=encoding)
    text, label = (column_index(reader, name, path, _ADVICE) for name in ("text", "label"))
    categories = column_index(reader, "categories", path) if "categories" in reader.columns else None
    table = LabelledTable([], [], None)
    cells: list[str] = []
    for number, row in enumerate(reader.rows(), 1):
        if row.error:
            raise TableError(f"{path}: row {number}: {row.error}")
        table.texts.append(_text(row.cells[text], path, number))
        table.labels.append(_label(row.cells[label], path, number))
        cells.append(row.cells[categories] if categories is not None else "")
    if not table.texts:
        raise TableError(f"{path}: a header and no rows; nothing to evaluate")
    matrix = _matrix(cells, table.labels, path) if any(cells) else None
    return LabelledTable(table.texts, table.labels, matrix, reader.other_sheets)


def _text(text: str, path: Path, number: int) -> str:
    try:
        return check_text(text)
    except InputError as error:
        raise TableError(f"{path}: row {number}: {error}") from None


def _label(label: str, path: Path, number: int) -> str:
    if label not in LABELS:
        raise TableError(f"{path}: row {number}: unknown label, expected one of {', '.join(LABELS)}")
    return label


def _matrix(cells: list[str], labels: list[str], path: Path) -> np.ndarray:
    matrix = np.zeros((len(cells), len(CATEGORIES)), dtype=np.int8)
    for number, (cell, label) in enumerate(zip(cells, labels, strict=True)):
        for name in categories_of(cell):
            if name not in CATEGORIES:
                raise TableError(f"{path}: row {number + 1}: unknown category, expected one of {', '.join(CATEGORIES)}, "
                                 "or several with ; between them")  # fmt: skip
            if label != HARASSMENT:
                raise TableError(
                    f"{path}: row {number + 1}: a category beside {label}, expected one beside {HARASSMENT} only"
                )
            matrix[number, CATEGORIES.index(name)] = 1
    return matrix


def labelled(corpus: pd.DataFrame) -> LabelledTable:
    """Rows of the corpus as a labelled table."""
    return LabelledTable(corpus["text"].tolist(), corpus["label"].tolist(), category_matrix(corpus["categories"]))


def evaluate_classifier(classifier: Classifier, table: LabelledTable) -> Evaluation:
    """Metrics of the verdicts of ``classifier`` on ``table``."""
    decisions = classifier.decision_function(table.texts)
    # Of long texts the verdict's probabilities are not those of the text as a whole; softmax of logarithms gives them back.
    decisions[:, : len(LABELS)] = np.log(np.maximum(classifier.predict_proba(table.texts), 1e-300))
    return evaluate(table.labels, verdicts(decisions, classifier.thresholds), table.categories)
