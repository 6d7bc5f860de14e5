"""The walls: what is public, which module may import which, what happens at import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import harassclf

SOURCE = Path(harassclf.__file__).parent
LAYERS = {
    "errors": 0, "labels": 0, "pinyin": 0,
    "normalize": 1, "character_table": 1, "keys": 1, "legal": 1, "settings": 1, "decision": 1,
    "attacks": 1, "sounds": 1, "word_classes": 1, "subclasses": 1, "background": 1,
    "phrase_rules": 2, "segment": 2, "corpus": 2, "evaluation": 2,
    "features": 3, "artifact": 3, "data_card": 3, "model_card": 3, "pinyin_table": 3,
    "weights": 4, "scorer": 5, "stacking": 6,
    "bulk": 5, "kernel_library": 1, "kernel": 5,
    "evidence": 1, "passages": 1,
    "bulk_normalize": 4,
    "classifier": 6,
    "training": 7, "regression": 7, "comparison": 8, "text_encoding": 1, "tables": 2, "table_output": 3, "labelled": 7, "batch": 7, "masking": 1, "timeline": 8, "service": 9,
    "precheck": 7, "precheck_table": 8, "feedback": 1, "label_studio": 2, "drift": 4, "drift_table": 9,
    "distributed": 8, "word_class_table": 8, "commands": 10, "cli": 11, "__main__": 12, "__init__": 13,
}  # fmt: skip


def _module(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("harassclf"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return found & set(LAYERS)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_only_point_down(path: Path) -> None:
    module = _module(path)
    for imported in _imports(path) - {module}:
        assert LAYERS[imported] < LAYERS[module], f"{module} imports {imported}"


def test_public_surface() -> None:
    assert sorted(harassclf.__all__) == [
        "Category",
        "Classifier",
        "Evidence",
        "Explanation",
        "HarassclfError",
        "Prediction",
        "__version__",
    ]
    for name in harassclf.__all__:
        assert getattr(harassclf, name) is not None
    with pytest.raises(AttributeError):
        harassclf.nothing  # noqa: B018


def test_import_creates_nothing_and_warns_nothing(tmp_path: Path) -> None:
    code = "import harassclf.cli, harassclf.classifier, harassclf.service.run, harassclf.training, harassclf.batch; import threading; assert threading.active_count() == 1"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_law_cards_cover_every_category_and_promise_nothing() -> None:
    from harassclf.labels import CATEGORIES
    from harassclf.legal import law_cards

    cards = law_cards()
    assert list(cards) == list(CATEGORIES)
    for card in (card for of_category in cards.values() for card in of_category):
        assert card.summary.startswith("可能涉及")
        assert card.in_force
        assert "二百九十三" not in card.article  # by the project's legal basis: do not cite
    fifty = [card for card in cards["threat"] if "治安管理处罚法" in card.law and "五十条" in card.article]
    assert fifty
    assert all(card.in_force == "2026-01-01" for card in fifty)
