from __future__ import annotations

import numpy as np
import pytest

from harassclf import word_class_table
from harassclf.features import PAIR_MARK, columns
from harassclf.segment import Segmenter
from harassclf.word_classes import class_table_text, classes, word_classes


def test_every_word_has_one_class_and_the_first_of_a_class_stands_for_it() -> None:
    lines = [line.split(" ") for line in class_table_text().splitlines()]
    listed = [word for line in lines for word in line]
    assert len(set(listed)) == len(listed) == len(word_classes())
    assert all(word and not word.isspace() and PAIR_MARK not in word for word in listed)
    assert all(word_classes()[word] == line[0] for line in lines for word in line)
    assert classes(classes(listed)) == classes(listed)


@pytest.mark.parametrize(("one", "other"), [("老公", "老婆"), ("检察院", "检察官"), ("无赖", "廉耻")])
def test_words_of_like_use_share_a_class(one: str, other: str) -> None:
    assert classes([one]) == classes([other]) != classes(["天气"])


def test_a_word_in_no_class_stands_for_itself() -> None:
    assert classes(["无人用过之词", "…"]) == ["无人用过之词", "…"]


def test_pairs_of_classes_are_read_beside_pairs_of_words() -> None:
    row = columns(["你老婆不还钱"], Segmenter()).iloc[0]
    wife, you, money = classes(["老婆", "你", "钱"])
    assert row["classes"].split(" ")[1:3] == [you, wife]
    assert f"{wife}{PAIR_MARK}{money}" in row["class_pairs"].split(" ")
    assert "老婆…钱" in row["word_pairs"].split(" ")


def test_a_table_puts_the_most_frequent_word_first_and_leaves_the_mark_out(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["钱", "款", "…", "妈", "爸"]
    vectors = np.array([[1.0, 0.0], [0.99, 0.14], [0.98, 0.2], [0.0, 1.0], [0.14, 0.99]])
    monkeypatch.setattr(word_class_table, "_vectors", lambda documents: (words, vectors))
    assert sorted(word_class_table.build([], classes=2)) == [["妈", "爸"], ["钱", "款"]]
    fewer_words_than_classes = word_class_table.build([], classes=99)
    assert {word for group in fewer_words_than_classes for word in group} == {"妈", "爸", "款", "钱"}


def test_making_the_table_asks_for_the_corpus_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert word_class_table.main([]) == 2
    assert capsys.readouterr().err.count("\n") == 1
