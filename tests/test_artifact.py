from __future__ import annotations

import json
import lzma
from pathlib import Path

import numpy as np
import pytest

from harassclf import Classifier, artifact
from harassclf.classifier import default_model_folder
from harassclf.errors import ModelError

FILES = (artifact.METADATA, *artifact.HASHED_FILES)


def _edit(folder: Path, **changes: object) -> None:
    path = folder / artifact.METADATA
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_shipped_model_is_small_and_complete() -> None:
    folder = default_model_folder()
    assert {path.name for path in folder.iterdir()} == set(FILES)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 20_000_000


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_named(model_copy: Path, name: str) -> None:
    (model_copy / name).unlink()
    with pytest.raises(ModelError, match=name):
        Classifier.load(model_copy)


@pytest.mark.parametrize("name", artifact.HASHED_FILES)
def test_changed_file_is_refused(model_copy: Path, name: str) -> None:
    path = model_copy / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"{name}.*SHA-256"):
        Classifier.load(model_copy)


def test_changed_pickle_is_never_unpickled(model_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import joblib

    (model_copy / artifact.PIPELINE).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    monkeypatch.setattr(joblib, "load", lambda path: pytest.fail("unpickled"))
    with pytest.raises(ModelError, match="SHA-256"):
        artifact.read_pipeline(model_copy)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 1}, "format 1"),
        ({"format": 3}, "format 3"),
        ({"format": None}, "format None"),
        ({"labels": ["spam", "ham"]}, "labels"),
        ({"categories": []}, "categories"),
        ({"segmenter_fingerprint": "0"}, "segmenter"),
        ({"sha256": []}, "sha256"),
        ({"sha256": {}}, "SHA-256"),
    ],
)
def test_foreign_metadata_is_refused(model_copy: Path, changes: dict, reason: str) -> None:
    _edit(model_copy, **changes)
    with pytest.raises(ModelError, match=reason):
        Classifier.load(model_copy)


def test_a_folder_of_the_first_format_is_told_so_and_not_which_files_it_lacks(model_copy: Path) -> None:
    _edit(model_copy, format=1)
    (model_copy / artifact.VOCABULARY).rename(model_copy / "vocabulary.json")
    with pytest.raises(ModelError, match="format 1, this version reads 2"):
        Classifier.load(model_copy)


def test_weights_of_the_mixture_have_to_fit(model_copy: Path) -> None:
    metadata = json.loads((model_copy / artifact.METADATA).read_text("utf-8"))
    with np.load(model_copy / artifact.WEIGHTS) as arrays:
        changed = {**arrays, "mixture": np.zeros((3, 3))}
    np.savez(model_copy / artifact.WEIGHTS, **changed)
    artifact.write_metadata(model_copy, metadata)
    with pytest.raises(ModelError, match="'mixture' is not 3 x 2"):
        Classifier.load(model_copy)


@pytest.mark.parametrize("thresholds", [{}, {"harassment": "x"}, {"harassment": 2, "review": [0, 1], "categories": {}}])
def test_unusable_thresholds_are_refused(model_copy: Path, thresholds: dict) -> None:
    _edit(model_copy, thresholds=thresholds)
    with pytest.raises(ModelError, match="thresholds"):
        Classifier.load(model_copy)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (artifact.VOCABULARY, lzma.compress(b"[]")),
        (artifact.VOCABULARY, lzma.compress(b"{")),
        (artifact.VOCABULARY, b"junk"),
        (artifact.VOCABULARY, lzma.compress(b"{}")[:-9]),
        ("weights.npz", b"junk"),
    ],
)
def test_foreign_file_with_a_right_hash_is_refused(model_copy: Path, name: str, content: bytes) -> None:
    metadata = json.loads((model_copy / artifact.METADATA).read_text("utf-8"))
    (model_copy / name).write_bytes(content)
    artifact.write_metadata(model_copy, metadata)
    with pytest.raises(ModelError, match=r"weights\.npz"):
        Classifier.load(model_copy)


def test_model_of_other_features_is_refused(model_copy: Path) -> None:
    metadata = json.loads((model_copy / artifact.METADATA).read_text("utf-8"))
    metadata["blocks"][0]["ngram_range"] = [1, 3]
    _edit(model_copy, blocks=metadata["blocks"])
    with pytest.raises(ModelError, match="other features"):
        Classifier.load(model_copy)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": 1}'])
def test_unreadable_metadata_is_refused(model_copy: Path, content: bytes) -> None:
    (model_copy / artifact.METADATA).write_bytes(content)
    with pytest.raises(ModelError, match=r"metadata\.json"):
        Classifier.load(model_copy)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model folder"):
        Classifier.load(tmp_path / "nowhere")


def test_arrays_that_do_not_fit_are_refused(model_copy: Path) -> None:
    metadata = json.loads((model_copy / artifact.METADATA).read_text("utf-8"))
    with np.load(model_copy / artifact.WEIGHTS) as arrays:
        changed = {name: array[:-1] if name == "idf_words" else array for name, array in arrays.items()}
    np.savez(model_copy / artifact.WEIGHTS, **changed)
    artifact.write_metadata(model_copy, metadata)
    with pytest.raises(ModelError, match="do not fit"):
        Classifier.load(model_copy)


def test_pipeline_of_another_scikit_learn_is_refused(model_copy: Path) -> None:
    libraries = artifact.read_metadata(model_copy)["libraries"]
    _edit(model_copy, libraries=libraries | {"scikit-learn": "0.1"})
    with pytest.raises(ModelError, match=r"scikit-learn 0\.1"):
        artifact.read_pipeline(model_copy)


def test_copy_of_a_model_gives_the_same_verdict(model_copy: Path, classifier: Classifier) -> None:
    assert Classifier.load(model_copy).classify("再不还钱试试") == classifier.classify("再不还钱试试")
