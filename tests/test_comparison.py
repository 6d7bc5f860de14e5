from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from harassclf import Classifier, artifact
from harassclf.cli import main
from harassclf.comparison import compare
from harassclf.labelled import labelled
from harassclf.regression import Broken


@pytest.fixture
def deaf(tmp_path: Path, classifier: Classifier) -> Path:
    """A copy of the shipped model that calls nothing harassment."""
    folder = Path(shutil.copytree(classifier.folder, tmp_path / "deaf"))
    metadata = json.loads((folder / artifact.METADATA).read_text("utf-8"))
    metadata["thresholds"] |= {"harassment": 1.0, "review": [1.0, 1.0]}
    artifact.write_metadata(folder, metadata)
    return folder


def test_same_model_changes_nothing(classifier: Classifier, corpus: pd.DataFrame) -> None:
    found = compare(classifier, classifier, labelled(corpus[::200]))
    assert found.flips == ()
    assert all(old == new for old, new in found.differences.values())


def test_flips_name_row_truth_and_both_labels(classifier: Classifier, deaf: Path, corpus: pd.DataFrame) -> None:
    table = labelled(corpus[::200])
    found = compare(classifier, Classifier.load(deaf), table)
    assert found.differences["harassment recall"][1] == 0
    assert Broken("h01", "expected harassment, found other") in found.broken or found.broken
    assert all(table.texts[flip.row - 1] == flip.text and flip.old == "harassment" for flip in found.flips)
    assert found.flips


def test_command_refuses_a_model_that_breaks_the_set(
    deaf: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("text,label\n再不还钱就爆你通讯录,harassment\n在吗,other\n请还款,collection\n", "utf-8")
    shipped = str(root / "models" / "harassclf-zh")
    assert main(["compare", shipped, str(deaf), "--table", str(table)]) == 1
    assert "breaks rules of the regression set" in capsys.readouterr().out
    assert main(["compare", shipped, str(deaf), "--table", str(table), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["flips"][0]["old"] == "harassment"
    assert main(["compare", shipped, str(tmp_path / "none")]) == 1
    assert "no such model folder" in capsys.readouterr().err
