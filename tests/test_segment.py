from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harassclf import segment
from harassclf.segment import GOLDEN_FINGERPRINT, Segmenter, default_cut, fingerprint, jieba_cut

TEXTS = ["再不还钱就爆你通讯录", "", "a\uf8feb", "哈哈哈哈哈哈", "第二条\n换行 blank", "𠮷野家"]


def test_jieba_and_its_twin_have_the_golden_fingerprint() -> None:
    assert fingerprint(jieba_cut()) == GOLDEN_FINGERPRINT
    assert fingerprint(default_cut()) == GOLDEN_FINGERPRINT


def test_many_gives_what_one_by_one_gives() -> None:
    segmenter = Segmenter()
    assert segmenter.words_many(TEXTS) == [segmenter.words(text) for text in TEXTS]


def test_many_of_one_empty_text() -> None:
    assert Segmenter().words_many([""]) == [[]]  # once an IndexError: nothing opened the first chunk


def test_many_chunks_long_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "_JOINED_CHARACTERS", 10)
    segmenter = Segmenter()
    assert segmenter.words_many(TEXTS * 3) == [segmenter.words(text) for text in TEXTS * 3]


def test_falls_back_to_jieba_without_rjieba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    default_cut.cache_clear()
    try:
        assert Segmenter().words("爆你通讯录") == ["爆", "你", "通讯录"]
        assert default_cut() is jieba_cut()
    finally:
        default_cut.cache_clear()


def test_falls_back_when_the_twin_cuts_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    import rjieba

    monkeypatch.setattr(rjieba, "cut", lambda text, hmm: list(text))
    default_cut.cache_clear()
    try:
        assert default_cut() is jieba_cut()
    finally:
        default_cut.cache_clear()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_words_join_to_the_text(text: str) -> None:
    assert "".join(Segmenter().words(text)) == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_twin_cuts_like_jieba(text: str) -> None:
    assert default_cut()(text) == jieba_cut()(text)
