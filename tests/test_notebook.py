"""The training notebook runs from top to bottom and writes the model folder that the command writes."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harassclf import Classifier, artifact
from harassclf.training import TrainingConfig, train

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("zhplot")

PER_VOICE = 1


def test_notebook_runs_and_writes_the_commands_model(
    root: Path, corpus: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARASSCLF_NOTEBOOK_MODEL", str(tmp_path / "notebook"))
    monkeypatch.setenv("HARASSCLF_NOTEBOOK_PER_VOICE", str(PER_VOICE))
    notebook = nbformat.read(root / "notebooks" / "train.ipynb", as_version=4)
    with warnings.catch_warnings():  # jupyter's own deprecations
        warnings.simplefilter("ignore")
        nbclient.NotebookClient(notebook, timeout=600, resources={"metadata": {"path": root / "notebooks"}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 4
    assert not any("missing from" in output.get("text", "") for output in outputs), "a glyph has no font"
    assert Classifier.load(tmp_path / "notebook").classify("在吗")

    small = corpus.groupby("voice").head(PER_VOICE).reset_index(drop=True)
    config = replace(TrainingConfig(), folds=3, background=500)  # what the notebook takes for a quick run
    train(small, tmp_path / "command", config, lambda line: None)
    for name in (artifact.WEIGHTS, artifact.VOCABULARY):
        assert (tmp_path / "notebook" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()
