"""Metrics of verdicts against the truth, and agreement of two readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import cohen_kappa_score, f1_score, precision_recall_fscore_support

from harassclf.decision import Verdicts
from harassclf.labels import CATEGORIES, COLLECTION, HARASSMENT, LABELS

_ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Precision, recall and F1 of one label or category, how many messages have it (``support``) and how many are
    given it (``given``). A share of nothing is 0: precision when none is given it, recall when none has it."""

    precision: float
    recall: float
    f1: float
    support: int
    given: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics of one labelled set.

    ``macro_f1`` is over the labels that messages have or are given.
    ``category_macro_f1`` is over messages whose true label is harassment, with the categories that the model would
    give them whatever label it predicts; ``None`` where no categories are known. ``collection_flagged`` and
    ``other_flagged`` are the shares of those messages that are called harassment.
    """

    messages: int
    accuracy: float
    macro_f1: float
    labels: dict[str, LabelScore]
    category_macro_f1: float | None
    categories: dict[str, LabelScore]
    expected_calibration_error: float
    review_share: float
    collection_flagged: float
    other_flagged: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(true_labels: Sequence[str], verdicts: Verdicts, true_categories: np.ndarray | None = None) -> Evaluation:
    """Compare verdicts with the truth; ``true_categories`` is a 0/1 matrix of shape ``(n, 7)`` or ``None``."""
    truth = np.asarray(true_labels)
    harassment = truth == HARASSMENT
    categories = _category_scores(true_categories, verdicts.categories, harassment)
    return Evaluation(
        messages=len(truth),
        accuracy=float((truth == verdicts.labels).mean()),
        macro_f1=float(f1_score(truth, verdicts.labels, average="macro", zero_division=0)),
        labels=_label_scores(truth, verdicts.labels),
        category_macro_f1=float(np.mean([s.f1 for s in categories.values()])) if categories else None,
        categories=categories,
        expected_calibration_error=expected_calibration_error(truth, verdicts.probabilities),
        review_share=float(verdicts.needs_review.mean()),
        collection_flagged=_flagged(verdicts.labels, truth == COLLECTION),
        other_flagged=_flagged(verdicts.labels, ~harassment & (truth != COLLECTION)),
    )


def _flagged(labels: np.ndarray, of: np.ndarray) -> float:
    return float((labels[of] == HARASSMENT).mean()) if of.any() else 0.0


def _label_scores(truth: np.ndarray, predicted: np.ndarray) -> dict[str, LabelScore]:
    columns = precision_recall_fscore_support(truth, predicted, labels=list(LABELS), zero_division=0)
    return {name: _score(columns, i, given=int((predicted == name).sum())) for i, name in enumerate(LABELS)}


def _category_scores(truth: np.ndarray | None, predicted: np.ndarray, of: np.ndarray) -> dict[str, LabelScore]:
    if truth is None or not of.any():
        return {}
    columns = precision_recall_fscore_support(truth[of], predicted[of], zero_division=0)
    given = predicted[of].sum(axis=0)
    return {name: _score(columns, i, given=int(given[i])) for i, name in enumerate(CATEGORIES) if truth[of][:, i].any()}


def _score(columns: Any, i: int, *, given: int) -> LabelScore:
    precision, recall, f1, support = (column[i] for column in columns)
    return LabelScore(float(precision), float(recall), float(f1), int(support), given)


def expected_calibration_error(true_labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error of the most probable label, 15 bins of equal width (Guo et al., 2017)."""
    confidence = probabilities.max(axis=1)
    correct = np.asarray(LABELS)[probabilities.argmax(axis=1)] == true_labels
    bins = np.minimum((confidence * _ECE_BINS).astype(int), _ECE_BINS - 1)
    gaps = [abs(correct[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(np.sum(gaps))


def kappa(first: Sequence[Any], second: Sequence[Any]) -> float:
    """Cohen's kappa of two readers; 1.0 where both gave everything the same single value."""
    if list(first) == list(second):
        return 1.0
    return float(cohen_kappa_score(list(first), list(second)))
