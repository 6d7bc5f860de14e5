"""The regression set against the shipped model, and the set itself."""

from __future__ import annotations

import pytest

from harassclf import Classifier
from harassclf.labels import CATEGORIES, LABELS
from harassclf.regression import added_threats, broken_rules, expectations, mended_failures


def test_shipped_model_keeps_every_rule(classifier: Classifier) -> None:
    assert broken_rules(classifier) == []
    assert mended_failures(classifier) == []  # strict: a known failure that is none any more loses its mark


def test_set_is_well_formed() -> None:
    wanted = expectations()
    assert {expectation.label for expectation in wanted} == set(LABELS)
    assert all(set(expectation.categories) <= set(CATEGORIES) for expectation in wanted)
    assert len({expectation.text for expectation in wanted}) == len(wanted)
    assert all(base in worse for _, base, worse in added_threats())


@pytest.mark.parametrize("label", LABELS)
def test_model_of_one_answer_is_refused(classifier: Classifier, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    same = next(p for p in classifier.classify_many(["在吗", "还钱", "再不还钱就爆你通讯录"]) if p.label == label)
    monkeypatch.setattr(Classifier, "classify_many", lambda self, texts: [same for _ in texts])
    rules = {broken.rule for broken in broken_rules(classifier)}
    assert {"p01", "t01"} <= rules  # one side of every pair is wrong, nothing raises the score
