from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from harassclf.features import (
    BLOCKS,
    END,
    LENGTH,
    PAIR_MARK,
    START,
    Document,
    bounded,
    columns,
    fold,
    fold_table,
    length_scale,
    speaks_of_debt,
)
from harassclf.normalize import normalize
from harassclf.segment import Segmenter
from harassclf.sounds import sounds
from harassclf.word_classes import classes

_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


def _document(text: str) -> Document:
    folded = bounded(fold(normalize(text).text))
    return Document.from_folded(folded, Segmenter().words(folded))


def test_fold_hides_amounts_case_and_punctuation_width() -> None:
    assert fold("欠ABC３，5.2元！") == "欠abc３,0.0元!"


@given(st.text())
def test_fold_keeps_the_length(text: str) -> None:
    assert len(fold(text)) == len(text)


def test_table_folds_like_fold() -> None:
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert fold_table()[[ord(c) for c in every]].astype(np.uint32).tobytes().decode("utf-32-le") == fold(every)


def test_ngrams_point_at_their_characters() -> None:
    document = _document("你  再不还\n\n钱")
    for block in BLOCKS:
        for n in block.lengths:
            starts, ends = document.bounds(block, n)
            for term, start, end in zip(document.ngrams(block, n), starts, ends, strict=True):
                written = "".join(document.folded[start:end].split())
                if block.of_classes:
                    words = [word for word in Segmenter().words(document.folded[start:end]) if not word.isspace()]
                    said = term.replace(PAIR_MARK, " ").split(" ")
                    assert classes([words[0], words[-1]]) == [said[0], said[-1]]
                    continue
                first, mark, last = "".join(term.split()).partition(PAIR_MARK)
                said = sounds(written) if block.name.endswith("sounds") else written
                assert said == first or (
                    mark and said.startswith(first) and said.endswith(last) and len(said) > len(term) - 1
                )


@given(_TEXT)
def test_terms_are_those_of_scikit_learn(text: str) -> None:
    """Serving looks up ngrams(), training hands columns() to the vectorizers: both must count the same."""
    row = columns([text], Segmenter()).iloc[0]
    document = _document(text)
    for block in BLOCKS:
        analyze = TfidfVectorizer(
            analyzer=block.analyzer,
            token_pattern=r"\S+" if block.analyzer == "word" else None,
            ngram_range=block.ngram_range,
            lowercase=False,
        ).build_analyzer()
        counts = not block.about_debt or speaks_of_debt(document.folded)
        ours = Counter(term for n in block.lengths for term in document.ngrams(block, n) if counts)
        if block.name == "debt_words" and counts:
            ours -= Counter([START, END])  # would say again that the message speaks of a debt
        if block.gaps:  # a pair that holds a message's own mark is written nowhere, and known to no model
            ours = Counter({term: n for term, n in ours.items() if term.count(PAIR_MARK) == 1})
        assert ours == Counter(analyze(row[block.name]))


def test_pairs_of_words_skip_one_to_three_words() -> None:
    row = columns(["你不还钱试试"], Segmenter()).iloc[0]
    assert row["words"] == "⊢ 你 不 还 钱 试试 ⊣"
    pairs = "你…还 不…钱 还…试试 你…钱 不…试试 你…试试"
    of_edges = "⊢…不 ⊢…还 ⊢…钱 钱…⊣ 还…⊣ 不…⊣"
    assert sorted(row["word_pairs"].split(" ")) == sorted(f"{pairs} {of_edges}".split(" "))


def test_evidence_of_a_long_message_counts_less() -> None:
    assert length_scale(30.0) == 0.5
    assert length_scale(90.0) == 0.25
    of = columns(["还钱", "还   钱", "还" * 88], Segmenter())[LENGTH]
    assert of.tolist() == [length_scale(4.0), length_scale(5.0), 0.25]  # marks count, blanks in a row are one


def test_how_a_message_begins_and_ends_is_read_in_words_and_sounds() -> None:
    row = columns(["钱还我"], Segmenter()).iloc[0]
    assert row["classes"].startswith(f"{START} ")
    assert row["sounds"] == bounded(sounds("钱还我"))
    assert row["debt_words"] == "钱 还 我"
    assert row["debt_sounds"] == row["sounds"]


def test_no_pair_holds_the_mark() -> None:
    """Else 你 … 的 and the pair of 你… would be one term."""
    pairs = columns(["你…我他…你"], Segmenter()).iloc[0]["word_pairs"].split(" ")
    assert all(pair.count(PAIR_MARK) == 1 for pair in pairs)
