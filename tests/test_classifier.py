from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from conftest import load_cases
from hypothesis import given, settings
from hypothesis import strategies as st

from harassclf import Classifier
from harassclf.errors import LabelError, TextEmptyError, TextEncodingError, TextTooLongError, TextTypeError
from harassclf.labels import CATEGORIES, COLLECTION, HARASSMENT, LABELS, OTHER


def _parameters() -> list:
    marks = {True: [pytest.mark.xfail(reason="known failure", strict=True)], False: []}
    return [pytest.param(case, id=f"{case['kind']}-{i}", marks=marks[case.get("known_failure", False)])
            for i, case in enumerate(load_cases())]  # fmt: skip


@pytest.mark.parametrize("case", _parameters())
def test_case(classifier: Classifier, case: dict) -> None:
    prediction = classifier.classify(case["text"])
    assert prediction.label == case["label"]
    assert set(case.get("categories", [])) <= {category.name for category in prediction.categories}


def test_prediction_has_the_contract_fields(classifier: Classifier) -> None:
    prediction = classifier.classify("今天再不还钱，我就给你通讯录里的人挨个打电话")
    plain = json.loads(json.dumps(prediction.to_dict()))
    assert list(plain) == ["label", "probabilities", "needs_review", "categories", "evidence", "model"]
    assert sum(plain["probabilities"].values()) == pytest.approx(1)
    assert list(plain["probabilities"]) == list(LABELS)
    assert plain["categories"][0].keys() == {"name", "name_zh", "probability", "legal_basis"}
    assert plain["categories"][0]["legal_basis"][0].keys() == {"law", "article", "in_force", "summary"}
    assert plain["evidence"][0].keys() == {"start", "end", "text", "weight"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        prediction.label = OTHER  # type: ignore[misc]


def test_only_harassment_has_categories(classifier: Classifier, corpus: pd.DataFrame) -> None:
    for prediction in classifier.classify_many(corpus["text"].tolist()[::50]):
        assert bool(prediction.categories) == (prediction.label == HARASSMENT)
        probabilities = [category.probability for category in prediction.categories]
        assert probabilities == sorted(probabilities, reverse=True)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=80).filter(lambda text: not text.isspace()))
def test_evidence_lies_on_the_raw_text(classifier: Classifier, text: str) -> None:
    try:
        prediction = classifier.classify("再不还钱就💥你通-讯-录" + text)
    except TextEncodingError:
        return
    raw = "再不还钱就💥你通-讯-录" + text
    covered: set[int] = set()
    for span in prediction.evidence:
        assert span.text == raw[span.start : span.end]
        assert span.text.strip()
        assert span.weight > 0
        assert covered.isdisjoint(range(span.start, span.end))
        covered.update(range(span.start, span.end))


def test_evidence_is_where_the_weight_is(classifier: Classifier) -> None:
    text = "今天天气不错，顺便说一句，再不还钱就把你的裸照发给你全家"
    prediction = classifier.classify(text)
    assert prediction.label == HARASSMENT
    strongest = prediction.evidence[0]
    assert strongest.start >= text.index("再不")


def test_evidence_neither_begins_nor_ends_with_a_phrase_mark(classifier: Classifier, corpus: pd.DataFrame) -> None:
    """Pairs of sounds reach over a comma: evidence once began with one."""
    for prediction in classifier.classify_many(corpus["text"].tolist()[::100]):
        for span in prediction.evidence:
            assert span.text.strip("，。！？") in (span.text, "")


def test_taking_the_evidence_away_lowers_the_score(classifier: Classifier, corpus: pd.DataFrame) -> None:
    """The explanation is about the verdict: without the marked characters, harassment is less probable."""
    texts = corpus.loc[corpus["label"] == HARASSMENT, "text"].tolist()[::40]
    lower = []
    for text in texts:
        prediction = classifier.classify(text)
        marked = {i for span in prediction.evidence for i in range(span.start, span.end)}
        rest = "".join(c for i, c in enumerate(text) if i not in marked)
        if prediction.label == HARASSMENT and rest.strip():
            lower.append(classifier.predict_proba([rest])[0, 0] < prediction.probabilities[HARASSMENT])
    assert np.mean(lower) > 0.95


@pytest.mark.parametrize(
    ("text", "error"),
    [("", TextEmptyError), (" \n\t\u3000", TextEmptyError), (None, TextTypeError), (7, TextTypeError),
     (b"text", TextTypeError), ("长" * 10_001, TextTooLongError), ("还\ud800钱", TextEncodingError)],
)  # fmt: skip
def test_what_is_no_message_is_refused(classifier: Classifier, text: object, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        classifier.classify(text)  # type: ignore[arg-type]
    assert "还" not in str(caught.value)  # an error never repeats the message


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "a\x00b",
        "\u200b",
        "😀😀😀",
        "1234567",
        "啊" * 10_000,
        "还*" * 5_000,
        "\n.\n",
        "ﷺ",
        "\U0010ffff",
        "亻" * 9_999,
    ],
)
def test_strange_text_gets_a_verdict(classifier: Classifier, text: str) -> None:
    assert classifier.classify(text).label in LABELS


def test_a_string_is_not_a_list_of_strings(classifier: Classifier) -> None:
    with pytest.raises(TextTypeError):
        classifier.classify_many("还钱")
    with pytest.raises(TextTypeError):
        classifier.predict_proba("还钱")


def test_empty_list_gives_empty_results(classifier: Classifier) -> None:
    assert classifier.classify_many([]) == []
    assert classifier.predict_proba([]).shape == (0, 3)


def test_probability_columns(classifier: Classifier) -> None:
    assert classifier.labels == (HARASSMENT, COLLECTION, OTHER)
    assert classifier.predict_proba(["在吗", "还钱"]).shape == (2, 3)
    assert classifier.decision_function(["在吗"]).shape == (1, len(LABELS) + len(CATEGORIES))


def test_label_that_does_not_exist_is_named_by_those_that_do(classifier: Classifier) -> None:
    """Once a ``tuple.index(x)``; who asked for ValueError still gets one."""
    with pytest.raises(LabelError, match="expected one of harassment, collection, other, threat") as caught:
        classifier.explain("还钱", "骚扰")
    assert "骚扰" not in str(caught.value)
    assert isinstance(caught.value, ValueError)
