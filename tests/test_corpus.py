from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harassclf.corpus import (
    RESERVED,
    SPLITS,
    TRAIN,
    category_matrix,
    check_corpus,
    corpus_hash,
    read_corpus,
    read_readings,
    runs,
    voice_folds,
)
from harassclf.data_card import counts
from harassclf.errors import CorpusError
from harassclf.labels import LABELS

GOOD = {"id": "a", "text": "在吗", "label": "other", "categories": "", "voice": "v", "register": "wx", "pair": "",
        "second_label": "other", "second_categories": "", "slice": "s", "tags": "", "split": TRAIN}  # fmt: skip


def _rules(*rows: dict) -> list[str]:
    return [problem.rule for problem in check_corpus(pd.DataFrame([GOOD | row for row in rows]))]


def test_shipped_corpus_keeps_its_rules(corpus: pd.DataFrame) -> None:
    assert check_corpus(corpus) == []


def test_shipped_corpus_has_what_was_promised(root: Path, corpus: pd.DataFrame) -> None:
    readings = read_readings(root / "data")
    found = counts(corpus, readings)
    assert set(corpus["id"]) <= set(readings["id"])  # every message has had its blind second reading
    assert found["messages"] >= 4_000
    assert all(count >= 200 for count in found["categories"].values())
    assert found["kappa"]["label"] > 0.9
    assert set(corpus["split"]) == set(SPLITS)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"text": "  "}, "blank"),
        ({"label": "spam"}, "label or second_label is unknown"),
        ({"label": "harassment"}, "do not fit"),
        ({"categories": "threat"}, "do not fit"),
        ({"second_label": "harassment", "second_categories": "rude"}, "do not fit"),
        ({"text": "身份证110101199003070134"}, "identity number"),
        ({"text": "打13800138000"}, "mobile number"),
        ({"split": "test"}, "voices.csv"),
    ],
)
def test_broken_rule_is_found(row: dict, rule: str) -> None:
    assert any(rule in found for found in _rules(row))


def test_shared_runs_are_found_across_blanks_and_punctuation() -> None:
    first = {"id": "a", "text": "你要是今天下午还不把钱打过来"}
    second = {"id": "b", "text": "哼，你要是今天，下午还不把钱 打过来！"}
    assert any("shares a run" in rule for rule in _rules(first, second))
    pair = {"pair": "p1"}
    assert _rules(first | pair, second | pair) == []


def test_lonely_pair_and_pair_across_the_split_are_found() -> None:
    assert "minimal pair has one member" in _rules({"pair": "p1"})
    rules = _rules({"pair": "p1"}, {"id": "b", "text": "走了", "pair": "p1", "voice": "w", "split": RESERVED})
    assert "minimal pair crosses the split" in rules


def test_voice_that_writes_too_much_is_found() -> None:
    rows = [{"id": str(i), "text": chr(0x4E00 + i)} for i in range(301)]
    assert any("limit is 300" in rule for rule in _rules(*rows))


def test_problem_never_repeats_the_text() -> None:
    problems = check_corpus(pd.DataFrame([GOOD | {"text": "独一无二的秘密句子", "label": "x"}]))
    assert problems
    assert all("秘密" not in problem.rule + problem.message for problem in problems)


def test_missing_files_and_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no messages"):
        read_corpus(tmp_path)
    (tmp_path / "messages.csv").write_text("id,text\n1,在吗\n", "utf-8")
    with pytest.raises(CorpusError, match="lacks label"):
        read_corpus(tmp_path)


def test_folds_keep_voices_whole_and_are_repeatable(corpus: pd.DataFrame) -> None:
    folds = voice_folds(corpus["voice"], 5, seed=1)
    assert (pd.Series(folds).groupby(corpus["voice"].to_numpy()).nunique() == 1).all()
    assert (folds == voice_folds(corpus["voice"], 5, seed=1)).all()
    sizes = np.bincount(folds)
    assert sizes.max() < 1.5 * sizes.min()


def test_hash_sees_every_change_that_training_sees() -> None:
    frame = pd.DataFrame([GOOD, GOOD | {"id": "b"}])
    assert corpus_hash(frame) == corpus_hash(frame.iloc[::-1])
    for column, value in (("label", LABELS[0]), ("text", "走了"), ("split", RESERVED)):
        changed = frame.copy()
        changed.loc[0, column] = value
        assert corpus_hash(changed) != corpus_hash(frame)


def test_runs_are_twelve_characters() -> None:
    assert runs("一二三四五六七八九十甲") == set()
    assert runs("一二三四五六七八九十甲乙") == {"一二三四五六七八九十甲乙"}


def test_category_matrix() -> None:
    assert category_matrix(["", "threat;bombardment"]).tolist() == [[0] * 7, [1, 0, 0, 0, 0, 0, 1]]
