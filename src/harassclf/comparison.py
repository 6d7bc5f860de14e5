"""Two models on the same messages: metric differences, flipped verdicts, and the regression set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harassclf.classifier import Classifier
from harassclf.evaluation import Evaluation
from harassclf.labelled import LabelledTable, evaluate_classifier
from harassclf.labels import LABELS
from harassclf.regression import Broken, broken_rules


@dataclass(frozen=True, slots=True)
class Flip:
    """A message on which the two models give different labels; ``row`` counts from 1."""

    row: int
    truth: str
    old: str
    new: str
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes when ``new`` replaces ``old``; ``broken`` are the rules of the regression set that ``new`` breaks."""

    old: Evaluation
    new: Evaluation
    flips: tuple[Flip, ...]
    broken: tuple[Broken, ...]

    @property
    def differences(self) -> dict[str, tuple[float, float]]:
        """Old and new value of every metric, by name."""
        before, after = _metrics(self.old), _metrics(self.new)
        return {name: (before[name], after[name]) for name in before}

    def to_dict(self) -> dict[str, Any]:
        return {
            "metrics": {name: {"old": old, "new": new} for name, (old, new) in self.differences.items()},
            "flips": [asdict(flip) for flip in self.flips],
            "broken_rules": [asdict(rule) for rule in self.broken],
        }


def compare(old: Classifier, new: Classifier, table: LabelledTable) -> Comparison:
    """Judge ``table`` with both models, and the regression set with the new one."""
    return Comparison(
        evaluate_classifier(old, table),
        evaluate_classifier(new, table),
        tuple(_flips(_labels(old, table.texts), _labels(new, table.texts), table)),
        tuple(broken_rules(new)),
    )


def _labels(classifier: Classifier, texts: Sequence[str]) -> list[str]:
    return [classifier.thresholds.label(row) for row in classifier.predict_proba(texts).tolist()]


def _flips(old: list[str], new: list[str], table: LabelledTable) -> list[Flip]:
    rows = zip(table.labels, old, new, table.texts, strict=True)
    return [Flip(i, truth, a, b, text) for i, (truth, a, b, text) in enumerate(rows, 1) if a != b]


def _metrics(result: Evaluation) -> dict[str, float]:
    found = {
        "accuracy": result.accuracy,
        "macro-F1": result.macro_f1,
        "expected calibration error": result.expected_calibration_error,
        "review share": result.review_share,
        "collection flagged": result.collection_flagged,
        "other flagged": result.other_flagged,
    }
    for label in LABELS:
        found |= {f"{label} precision": result.labels[label].precision, f"{label} recall": result.labels[label].recall}
    if result.category_macro_f1 is not None:
        found["category macro-F1"] = result.category_macro_f1
    return found
