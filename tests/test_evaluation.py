from __future__ import annotations

import numpy as np
import pytest

from harassclf.cli import render_evaluation
from harassclf.decision import Thresholds, Verdicts, expit, softmax, verdicts
from harassclf.evaluation import Evaluation, evaluate, expected_calibration_error, kappa
from harassclf.labels import CATEGORIES, LABELS

THRESHOLDS = Thresholds(0.6, (0.3, 0.8), dict.fromkeys(CATEGORIES, 0.5))


def test_metrics_of_a_known_confusion() -> None:
    labels = ["harassment", "harassment", "collection", "other"]
    predicted = np.array(["harassment", "other", "harassment", "other"])
    categories = np.zeros((4, 7), dtype=np.int8)
    categories[0, 0] = categories[1, 1] = 1
    result = evaluate(
        labels, Verdicts(predicted, np.full((4, 3), 1 / 3), categories, np.array([1, 0, 0, 0])), categories
    )
    assert result.labels["harassment"].precision == 0.5
    assert result.labels["harassment"].recall == 0.5
    assert result.collection_flagged == 1.0
    assert result.other_flagged == 0.0
    assert result.category_macro_f1 == 1.0
    assert set(result.categories) == {"threat", "insult"}
    assert result.review_share == 0.25


def _evaluated(truth: list[str], predicted: list[str]) -> Evaluation:
    n = len(truth)
    return evaluate(
        truth, Verdicts(np.array(predicted), np.full((n, 3), 1 / 3), np.zeros((n, 7), np.int8), np.zeros(n))
    )


def test_label_that_does_not_occur_is_no_failure() -> None:
    """Once one right row had a macro-F1 of 0.333."""
    assert _evaluated(["other"], ["other"]).macro_f1 == 1
    assert _evaluated(["other", "other"], ["other", "collection"]).macro_f1 == pytest.approx((2 / 3 + 0) / 2)
    shown = render_evaluation(_evaluated(["other", "other"], ["other", "collection"]))
    assert "called harassment: - of collection, 0.0% of other" in shown
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines()[-3:]}
    assert rows["harassment"] == ["-", "-", "-", "0"]
    assert rows["collection"] == ["0.000", "-", "0.000", "0"]
    assert rows["other"] == ["1.000", "0.500", "0.667", "2"]


def test_macro_f1_of_a_set_with_all_labels_is_over_all() -> None:
    result = _evaluated([*LABELS, "other"], ["harassment", "other", "other", "other"])
    assert result.macro_f1 == pytest.approx(np.mean([score.f1 for score in result.labels.values()]))
    assert {name: score.given for name, score in result.labels.items()} == {
        "harassment": 1,
        "collection": 0,
        "other": 3,
    }


def test_calibration_error_of_certain_and_wrong_is_one() -> None:
    probabilities = np.array([[1.0, 0, 0]] * 4)
    assert expected_calibration_error(np.array(["other"] * 4), probabilities) == pytest.approx(1)
    assert expected_calibration_error(np.array(["harassment"] * 4), probabilities) == pytest.approx(0)


def test_kappa() -> None:
    assert kappa(["a", "a"], ["a", "a"]) == 1.0
    assert kappa(["a", "b", "a", "b"], ["a", "b", "b", "a"]) == 0.0


def test_threshold_decides_before_the_largest_probability() -> None:
    assert THRESHOLDS.label([0.55, 0.4, 0.05]) == "collection"
    assert THRESHOLDS.label([0.6, 0.2, 0.2]) == "harassment"
    assert THRESHOLDS.label([0.1, 0.1, 0.8]) == "other"


def test_harassment_always_has_a_category() -> None:
    probabilities = [0.1] * 7
    probabilities[3] = 0.2
    assert THRESHOLDS.chosen_categories(probabilities) == [3]
    probabilities[5], probabilities[1] = 0.9, 0.7
    assert THRESHOLDS.chosen_categories(probabilities) == [5, 1]


def test_verdicts_of_many_agree_with_those_of_one() -> None:
    decision = np.random.default_rng(0).normal(scale=2, size=(200, len(LABELS) + len(CATEGORIES)))
    many = verdicts(decision, THRESHOLDS)
    for i, (probabilities, categories) in enumerate(
        zip(softmax(decision), expit(decision[:, len(LABELS) :]), strict=True)
    ):
        assert many.labels[i] == THRESHOLDS.label(probabilities.tolist())
        assert many.needs_review[i] == THRESHOLDS.needs_review(probabilities[0])
        assert sorted(THRESHOLDS.chosen_categories(categories.tolist())) == np.flatnonzero(many.categories[i]).tolist()


def test_categories_of_many_are_those_of_one() -> None:
    categories = expit(np.random.default_rng(1).normal(scale=2, size=(200, len(CATEGORIES))).round(1))  # with ties
    categories[:20] = 0.01  # none over its threshold
    for row, chosen in zip(categories.tolist(), THRESHOLDS.chosen_of_many(categories), strict=True):
        assert chosen == [(i, row[i]) for i in THRESHOLDS.chosen_categories(row)]
