from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harassclf import Classifier
from harassclf.artifact import read_pipeline
from harassclf.classifier import default_model_folder
from harassclf.decision import softmax
from harassclf.evidence import spans, spans_of_joined
from harassclf.features import columns
from harassclf.kernel_library import SWITCH, load_library
from harassclf.labels import CATEGORIES, LABELS
from harassclf.normalize import normalize
from harassclf.passages import LONG_TEXT
from harassclf.segment import Segmenter


@pytest.fixture(scope="module")
def saved():
    return read_pipeline(default_model_folder())


@pytest.fixture(scope="module", params=["kernel", "arrays"])
def classifier(request: pytest.FixtureRequest) -> Iterator[Classifier]:
    """With the compiled kernel, and as it is on a machine without a compiler: both must give the same numbers."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "arrays":
            patch.setenv(SWITCH, "off")
        elif load_library() is None:
            pytest.skip("no compiled kernel here: it needs a C compiler when the package is installed")
        yield Classifier.load()


@pytest.fixture(scope="module")
def of_corpus(corpus: pd.DataFrame, saved) -> tuple[list[str], np.ndarray]:
    """Every fourth message, and what the saved pipeline says of it: all of them took two of the suite's eleven minutes."""
    texts = corpus["text"].tolist()[::4]
    return texts, _saved_decisions(saved, texts)


def _saved_decisions(saved, texts: list[str]) -> np.ndarray:
    pipeline, heads = saved
    features = pipeline[:-1].transform(columns(texts, Segmenter()))
    order = [list(pipeline.classes_).index(label) for label in LABELS]
    return np.hstack([pipeline[-1].decision_function(features)[:, order], heads.decision_function(features)])


def test_arrays_give_the_saved_pipelines_numbers_on_the_corpus(
    classifier: Classifier, saved, of_corpus: tuple[list[str], np.ndarray]
) -> None:
    texts, decisions = of_corpus
    assert np.abs(classifier.decision_function(texts) - decisions).max() < 1e-9
    order = [list(saved[0].classes_).index(label) for label in LABELS]
    short = [text for text in texts if len(text) <= LONG_TEXT][:500]  # longer ones are judged by their passages, too
    probabilities = saved[0].predict_proba(columns(short, Segmenter()))[:, order]
    assert np.abs(classifier.predict_proba(short) - probabilities).max() < 1e-9


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda t: not t.isspace()),
        min_size=1,
        max_size=4,
    )
)
def test_arrays_give_the_saved_pipelines_numbers_on_anything(classifier: Classifier, saved, texts: list[str]) -> None:
    assert np.abs(classifier.decision_function(texts) - _saved_decisions(saved, texts)).max() < 1e-9


def test_one_by_one_is_what_many_give(classifier: Classifier, corpus: pd.DataFrame) -> None:
    texts = [*corpus["text"].tolist()[:300], *corpus.loc[corpus["text"].str.len() > LONG_TEXT, "text"].tolist()[:100]]
    many = classifier.classify_many(texts)
    for one, of_many in zip(map(classifier.classify, texts), many, strict=True):
        assert one.probabilities == pytest.approx(of_many.probabilities, abs=1e-12)  # sums in another order
        assert (one.label, one.needs_review) == (of_many.label, of_many.needs_review)
        assert [(e.start, e.end) for e in one.evidence] == [(e.start, e.end) for e in of_many.evidence]
        assert [e.weight for e in one.evidence] == pytest.approx([e.weight for e in of_many.evidence], abs=1e-9)
        assert [c.name for c in one.categories] == [c.name for c in of_many.categories]
    probabilities = np.array([list(p.probabilities.values()) for p in many])
    assert np.abs(probabilities - classifier.predict_proba(texts)).max() < 1e-12
    short = np.array([len(text) <= LONG_TEXT for text in texts])  # longer ones are judged by their passages, too
    assert np.abs(probabilities - softmax(classifier.decision_function(texts)))[short].max() < 1e-12


def test_contributions_and_intercept_are_the_decision_value(classifier: Classifier, corpus: pd.DataFrame) -> None:
    for text in corpus["text"].tolist()[:200]:
        decision = classifier.decision_function([text])[0]
        for column, name in enumerate((*LABELS, *CATEGORIES)):
            explanation = classifier.explain(text, name)
            total = explanation.intercept + sum(c.value for c in explanation.contributions)
            assert total == pytest.approx(explanation.decision_value, abs=1e-9)
            assert explanation.decision_value == pytest.approx(decision[column], abs=1e-9)
            length = len(normalize(text).text)  # the marks of start and end have no place in it
            assert all(0 <= start < end <= length for c in explanation.contributions for start, end in c.spans)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_one_rule_for_evidence_of_one_and_of_many(weights: list[float]) -> None:
    many = spans_of_joined(np.array(weights * 2), np.array([0, len(weights)]), np.array([True, True]))
    for found in many:
        assert [(s, e) for s, e, _ in found] == [(s, e) for s, e, _ in spans(weights)]
        assert [w for *_, w in found] == pytest.approx([w for *_, w in spans(weights)], abs=1e-9)
