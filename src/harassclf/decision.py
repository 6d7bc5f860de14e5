"""From decision values to verdicts: probabilities, the operating point, the review band."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harassclf.errors import ModelError
from harassclf.labels import CATEGORIES, COLLECTION, HARASSMENT, LABELS, OTHER

_LABELS = len(LABELS)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Operating point: harassment from ``harassment`` up; needs review from ``review[0]`` up to below ``review[1]``;
    one threshold per category."""

    harassment: float
    review: tuple[float, float]
    categories: dict[str, float]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Thresholds:
        """Read what a model folder stores. Raises :class:`ModelError` for anything but numbers from 0 to 1."""
        try:
            low, high = map(float, values["review"])
            harassment = float(values["harassment"])
            categories = {name: float(values["categories"][name]) for name in CATEGORIES}
        except (LookupError, TypeError, ValueError):
            raise ModelError("thresholds: expected harassment, review (two) and one number per category") from None
        if not all(0 <= value <= 1 for value in (low, high, harassment, *categories.values())):
            raise ModelError("thresholds: expected numbers from 0 to 1")
        return cls(harassment, (low, high), categories)

    def label(self, probabilities: Sequence[float]) -> str:
        """Harassment from its threshold up, else the more probable of the other two."""
        if probabilities[0] >= self.harassment:
            return HARASSMENT
        return COLLECTION if probabilities[1] > probabilities[2] else OTHER

    def needs_review(self, harassment_probability: float) -> bool:
        return self.review[0] <= harassment_probability < self.review[1]

    def chosen_categories(self, probabilities: Sequence[float]) -> list[int]:
        """Indices over their threshold, most probable first; never none, since harassment has a category."""
        margins = [p - self.categories[name] for p, name in zip(probabilities, CATEGORIES, strict=True)]
        over = [i for i, margin in enumerate(margins) if margin >= 0] or [margins.index(max(margins))]
        return sorted(over, key=lambda i: -probabilities[i])

    def chosen_of_many(self, probabilities: np.ndarray) -> list[list[tuple[int, float]]]:
        """The same for many messages, shape ``(n, 7)``, each index with its probability."""
        over = self.over(probabilities)
        order = np.argsort(-probabilities, axis=1, kind="stable")
        rows, ranks = np.nonzero(np.take_along_axis(over, order, axis=1))
        indices = order[rows, ranks]
        chosen: list[list[tuple[int, float]]] = [[] for _ in probabilities]
        for row, index, probability in zip(
            rows.tolist(), indices.tolist(), probabilities[rows, indices].tolist(), strict=True
        ):
            chosen[row].append((index, probability))
        return chosen

    def over(self, probabilities: np.ndarray) -> np.ndarray:
        """Which categories are chosen, shape ``(n, 7)``: those over their threshold, else the nearest to it."""
        margins = probabilities - np.array([self.categories[name] for name in CATEGORIES])
        over = margins >= 0
        none = ~over.any(axis=1)
        over[none, margins[none].argmax(axis=1)] = True
        return np.asarray(over)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a model says of ``n`` messages: labels ``(n,)``, probabilities ``(n, 3)``, categories 0/1 ``(n, 7)`` (what
    it would give whatever the label), and whether each needs review ``(n,)``."""

    labels: np.ndarray
    probabilities: np.ndarray
    categories: np.ndarray
    needs_review: np.ndarray


def softmax(decision: np.ndarray) -> np.ndarray:
    """Label probabilities, shape ``(n, 3)``, from decision values ``(n, 3 + 7)`` (scikit-learn's multinomial formula)."""
    shifted = decision[:, :_LABELS] - decision[:, :_LABELS].max(axis=1, keepdims=True)
    exponential = np.exp(shifted)
    return np.asarray(exponential / exponential.sum(axis=1, keepdims=True))


def softmax_of_one(decision: Sequence[float]) -> list[float]:
    """The same for one message's three label decision values: 2 µs, where arrays take 20."""
    highest = max(decision)
    exponential = [math.exp(value - highest) for value in decision]
    total = math.fsum(exponential)
    return [value / total for value in exponential]


def expit_of_one(decision: Sequence[float]) -> list[float]:
    """Category probabilities of one message."""
    return [1.0 / (1.0 + math.exp(-min(max(value, -500.0), 500.0))) for value in decision]


def expit(decision: np.ndarray) -> np.ndarray:
    """Category probabilities from category decision values, any shape (the logistic function)."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(decision, -500, 500))))


def verdicts(decision: np.ndarray, thresholds: Thresholds) -> Verdicts:
    """Verdicts on many messages from their decision values, shape ``(n, 3 + 7)``."""
    probabilities = softmax(decision)
    rest = np.where(probabilities[:, 1] > probabilities[:, 2], COLLECTION, OTHER)
    over = thresholds.over(expit(decision[:, _LABELS:]))
    low, high = thresholds.review
    return Verdicts(
        labels=np.where(probabilities[:, 0] >= thresholds.harassment, HARASSMENT, rest),
        probabilities=probabilities,
        categories=over.astype(np.int8),
        needs_review=(probabilities[:, 0] >= low) & (probabilities[:, 0] < high),
    )
