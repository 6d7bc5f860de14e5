"""Subclasses of the labels: a linear classifier that can say "or".

Harassment is a template that tells a mother of a debt, or a false policeman, or an insult; what is not collection is a chat,
or a rude comment, or the news. One linear function for each label has to do for all of them. So a second logistic regression
tells subclasses apart, and a label's decision value is its linear part plus a share of the log-sum-exp of its subclasses' decision
values (marginalising a softmax over subclasses). On held-out voices, at equal recall, precision 0.949 to 0.960, false alarms on
comments 0.28% to 0.14%, on customers' questions 0.12% to 0.07%, on SMS 0.28% to 0.24%; without "sent" and "demands" 0.18%, 0.08% and
0.27%, with each category and five registers no less (a fifth of the training voices).

The columns of a model, its *parts*: the labels' linear parts, then the subclasses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import cast

import numpy as np

from harassclf.labels import COLLECTION, HARASSMENT, LABELS, OTHER

# Of harassment by the first of these that it does: it deceives, reaches others, asks for more or keeps calling, presses. Of the rest by
# where it stands: in talk, in what is sent, in public, in the background text of training.
SUBCLASSES = {
    HARASSMENT: ("deceit", "to_others", "demands", "pressure"),
    OTHER: ("talk", "sent", "public", "background"),
}
_DECEIT, _TO_OTHERS, _DEMANDS, _PRESSURE = SUBCLASSES[HARASSMENT]
_TALK, _SENT, _PUBLIC, _BACKGROUND = SUBCLASSES[OTHER]
_OF_CATEGORY = {
    "deception": _DECEIT, "third_party": _TO_OTHERS, "exposure": _TO_OTHERS, "coercion": _DEMANDS, "bombardment": _DEMANDS,
}  # fmt: skip
_OF_REGISTER = {"": _BACKGROUND, **dict.fromkeys(("comment", "post", "question"), _PUBLIC),
                **dict.fromkeys(("sms", "bot", "push", "email", "letter"), _SENT)}  # fmt: skip
PARTS = (*LABELS, *(f"{label}/{name}" for label, names in SUBCLASSES.items() for name in names))
_GROUPS = tuple(
    slice(start, start + len(names))
    for start, names in zip((len(LABELS), len(LABELS) + len(SUBCLASSES[HARASSMENT])), SUBCLASSES.values(), strict=True)
)


def subclass_of(label: str, categories: Sequence[str], register: str) -> str:
    """The name among :data:`PARTS` of the subclass of a message of the corpus; ``collection`` has none and stays. Without a
    register it is background text."""
    if label == COLLECTION:
        return label
    if label == OTHER:
        return f"{label}/{_OF_REGISTER.get(register, _TALK)}"
    return f"{label}/{next((name for category, name in _OF_CATEGORY.items() if category in categories), _PRESSURE)}"


def log_sum_exp(parts: np.ndarray) -> np.ndarray:
    """Of each label's subclasses, shape ``(n, 2)`` in the order of :data:`SUBCLASSES`, from the parts, shape ``(n, len(PARTS))``."""
    return np.stack([np.logaddexp.reduce(parts[:, group], axis=1) for group in _GROUPS], axis=1)


@dataclass(frozen=True, slots=True)
class Mixture:
    """From parts to the labels' decision values; ``weights`` of the log-sum-exps have shape ``(labels, 2)``."""

    weights: np.ndarray

    def labels(self, parts: np.ndarray) -> np.ndarray:
        """Decision values of the labels, shape ``(n, labels)``, from parts, shape ``(n, len(PARTS))``."""
        return np.asarray(parts[:, : len(LABELS)] + log_sum_exp(parts) @ self.weights.T)

    def labels_of_one(self, parts: Sequence[float]) -> list[float]:
        """The same for one message: 4 µs, where arrays take 30."""
        totals = [_log_sum_exp_of_one(parts[group]) for group in _GROUPS]
        weights = cast("list[list[float]]", self.weights.tolist())
        return [
            part + sum(map(mul, of_label, totals)) for part, of_label in zip(parts[: len(LABELS)], weights, strict=True)
        ]

    def slopes(self, parts: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """By how much the decision value of ``labels[i]`` rises with each part of message i, shape ``(n, len(PARTS))``: one for the
        label's own, for each subclass the weight of its label times its share of the softmax among its fellows."""
        slopes = np.zeros((len(parts), len(PARTS)))
        slopes[np.arange(len(parts)), labels] = 1.0
        totals = log_sum_exp(parts)
        for i, group in enumerate(_GROUPS):
            shares = np.exp(parts[:, group] - totals[:, [i]])
            slopes[:, group] = self.weights[labels, i][:, None] * shares
        return slopes

    def slopes_of_one(self, parts: Sequence[float], label: int) -> list[float]:
        """The same for one message."""
        slopes = [float(i == label) for i in range(len(LABELS))]
        for group, weight in zip(_GROUPS, self.weights[label].tolist(), strict=True):
            values = parts[group]
            total = _log_sum_exp_of_one(values)
            slopes += [weight * math.exp(value - total) for value in values]
        return slopes


def _log_sum_exp_of_one(values: Sequence[float]) -> float:
    highest = max(values)
    return highest + math.log(math.fsum([math.exp(value - highest) for value in values]))
