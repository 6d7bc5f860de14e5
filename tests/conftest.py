"""Fixtures: the shipped classifier, the corpus, and a small model trained once per session."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harassclf import Classifier
from harassclf.classifier import default_model_folder
from harassclf.corpus import read_corpus

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def corpus() -> pd.DataFrame:
    return read_corpus(ROOT / "data")


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture
def model_copy(tmp_path: Path) -> Path:
    """A copy of the shipped model folder that a test may damage."""
    return Path(shutil.copytree(default_model_folder(), tmp_path / "model"))


def load_cases() -> list[dict[str, Any]]:
    return json.loads((Path(__file__).parent / "cases.json").read_text("utf-8"))
