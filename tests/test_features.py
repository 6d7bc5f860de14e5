from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from harassclf.features import BLOCKS, Document, columns, fold, terms
from harassclf.normalize import normalize
from harassclf.segment import Segmenter

_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


def _document(text: str) -> Document:
    folded = fold(normalize(text).text)
    return Document.from_folded(folded, Segmenter().words(folded))


def test_fold_hides_amounts_case_and_punctuation_width() -> None:
    assert fold("欠ABC３，5.2元！") == "欠abc３,0.0元!"


@given(st.text())
def test_fold_keeps_the_length(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_terms_point_at_their_characters() -> None:
    document = _document("你  再不还\n\n钱")
    for block in BLOCKS:
        for term, start, end in terms(document, block):
            bare = "".join(document.folded[start:end].split())
            assert bare == "".join(term.split())


@given(_TEXT)
def test_terms_are_those_of_scikit_learn(text: str) -> None:
    """Serving walks terms(), training hands columns() to the vectorizers: both must count the same."""
    row = columns([text], Segmenter()).iloc[0]
    document = _document(text)
    for block in BLOCKS:
        analyze = TfidfVectorizer(
            analyzer=block.analyzer,
            token_pattern=r"\S+" if block.analyzer == "word" else None,
            ngram_range=block.ngram_range,
            lowercase=False,
        ).build_analyzer()
        assert Counter(term for term, _, _ in terms(document, block)) == Counter(analyze(row[block.name]))
