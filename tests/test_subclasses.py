"""Subclasses: which message has which, and decision values of labels from parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harassclf.labels import LABELS
from harassclf.subclasses import PARTS, Mixture, log_sum_exp, subclass_of

MIXTURE = Mixture(np.array([[0.6, -0.3], [-0.2, -0.1], [-0.4, 0.4]]))
PARTS_OF_TWO = np.random.default_rng(3).normal(0, 3, (2, len(PARTS)))


@pytest.mark.parametrize(
    ("label", "categories", "register", "name"),
    [
        ("collection", [""], "sms", "collection"),
        ("harassment", ["threat"], "wx", "harassment/pressure"),
        ("harassment", ["threat", "coercion"], "wx", "harassment/demands"),
        ("harassment", ["bombardment", "third_party"], "call", "harassment/to_others"),
        ("harassment", ["exposure", "deception"], "sms", "harassment/deceit"),
        ("other", [""], "wx", "other/talk"),
        ("other", [""], "sms", "other/sent"),
        ("other", [""], "comment", "other/public"),
        ("other", [""], "", "other/background"),
    ],
)
def test_subclass_of_a_message(label: str, categories: list[str], register: str, name: str) -> None:
    assert subclass_of(label, categories, register) == name


def test_every_subclass_is_met_in_the_corpus(corpus: pd.DataFrame) -> None:
    categories = corpus["categories"].str.split(";")
    found = {subclass_of(*one) for one in zip(corpus["label"], categories, corpus["register"], strict=True)}
    assert {*found, "other/background"} == {"collection", *PARTS[len(LABELS) :]}


def test_labels_are_linear_parts_and_weighed_log_sum_exps() -> None:
    totals = np.log(np.exp(PARTS_OF_TWO[:, 3:7]).sum(axis=1)), np.log(np.exp(PARTS_OF_TWO[:, 7:]).sum(axis=1))
    expected = PARTS_OF_TWO[:, :3] + np.stack(totals, axis=1) @ MIXTURE.weights.T
    np.testing.assert_allclose(log_sum_exp(PARTS_OF_TWO), np.stack(totals, axis=1))
    np.testing.assert_allclose(MIXTURE.labels(PARTS_OF_TWO), expected)
    for parts, labels in zip(PARTS_OF_TWO.tolist(), expected, strict=True):
        assert MIXTURE.labels_of_one(parts) == pytest.approx(labels.tolist())


def test_parts_far_apart_and_absent_ones_give_numbers() -> None:
    parts = np.array([[0.0] * 3 + [900.0, -1000.0, -1000.0, -1000.0] + [-1000.0] * 3 + [1.0]])
    np.testing.assert_allclose(log_sum_exp(parts), [[900.0, 1.0]])
    assert MIXTURE.labels_of_one(parts[0].tolist()) == pytest.approx(MIXTURE.labels(parts)[0].tolist())


@pytest.mark.parametrize("label", range(len(LABELS)))
def test_slopes_are_how_a_decision_value_rises_with_each_part(label: int) -> None:
    slopes = MIXTURE.slopes(PARTS_OF_TWO, np.array([label, label]))
    np.testing.assert_allclose([MIXTURE.slopes_of_one(parts, label) for parts in PARTS_OF_TWO.tolist()], slopes)
    for part in range(len(PARTS)):
        step = 1e-6 * (np.arange(len(PARTS)) == part)
        rise = MIXTURE.labels(PARTS_OF_TWO + step) - MIXTURE.labels(PARTS_OF_TWO - step)
        np.testing.assert_allclose(slopes[:, part], rise[:, label] / 2e-6, atol=1e-6)
