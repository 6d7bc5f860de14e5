"""A model folder: fixed names, a format number, and every check before anything is read or unpickled.

Format 2
    ``metadata.json``, ``weights.npz`` (plain arrays, loaded without pickle), ``vocabulary.json.xz`` (terms per block, in
    array order, separated by line feeds), ``pipeline.joblib`` (the scikit-learn label pipeline), ``categories.joblib`` (the category heads over
    the features of that pipeline), ``MODEL_CARD.md``.

Format 1
    Had ``vocabulary.json``, lists of terms, and no ``mixture`` in ``weights.npz``: a column a label, none for the subclasses
    (:mod:`harassclf.subclasses`).

A folder of another format is refused. From 1 to 2: train again with ``harassclf train`` on the same corpus. The features changed
with the format, so that weights of format 1 would be read with other terms than they were trained on.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from harassclf.errors import ModelError
from harassclf.labels import CATEGORIES, LABELS
from harassclf.subclasses import PARTS, SUBCLASSES, Mixture

if TYPE_CHECKING:
    import numpy as np

FORMAT = 2
METADATA = "metadata.json"
WEIGHTS = "weights.npz"
VOCABULARY = "vocabulary.json.xz"
PIPELINE = "pipeline.joblib"
CATEGORY_HEADS = "categories.joblib"
MODEL_CARD = "MODEL_CARD.md"
HASHED_FILES = (WEIGHTS, VOCABULARY, PIPELINE, CATEGORY_HEADS, MODEL_CARD)
_REQUIRED_KEYS = ("format", "name", "version", "libraries", "labels", "categories", "blocks", "thresholds",
                  "calibration", "segmenter_fingerprint", "corpus", "seed", "metrics", "sha256")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a block in array order: one text, since as many objects take 60 MB while a model is loaded."""

    joined: str  # by line feeds, which no term has

    def __post_init__(self) -> None:
        if not isinstance(self.joined, str):
            raise TypeError("expected text")

    def __len__(self) -> int:
        return self.joined.count("\n") + 1 if self.joined else 0

    def split(self) -> list[str]:
        return self.joined.split("\n") if self.joined else []


@dataclass(frozen=True, slots=True)
class Artifact:
    """A checked model folder, its arrays loaded.

    ``idf[block]`` (times the block's weight) has shape ``(terms,)``, ``coef[block]`` shape ``(terms, parts + categories)``, ``intercept`` shape
    ``(parts + categories,)``; columns are ``PARTS`` followed by ``CATEGORIES``. ``mixture`` makes decision values of the labels of the parts.
    """

    folder: Path
    metadata: Mapping[str, Any]
    vocabulary: Mapping[str, Terms]
    idf: Mapping[str, np.ndarray]
    coef: Mapping[str, np.ndarray]
    intercept: np.ndarray
    mixture: Mixture

    @property
    def model_id(self) -> str:
        return f"{self.metadata['name']}-{self.metadata['version']}"


def read_metadata(folder: Path, *, fingerprint: str | None = None) -> dict[str, Any]:
    """Check a folder from the outside in, and return its metadata.

    Checked in this order: JSON, format (one of another format has other files), files, labels, segmenter, hashes. Raises :class:`ModelError` naming the file
    and the reason.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder; expected a folder written by 'harassclf train'")
    _check_files(folder, (METADATA,))
    metadata = _parse(folder / METADATA)
    _check_format(folder / METADATA, metadata)
    _check_files(folder, HASHED_FILES)
    _check_contents(folder, metadata, fingerprint)
    for name in HASHED_FILES:
        expected = metadata["sha256"].get(name)
        if sha256_of(folder / name) != expected:
            raise ModelError(
                f"{folder / name}: the file is not the one this model was saved with (SHA-256 differs from "
                f"{METADATA}); restore the folder or train again with 'harassclf train'"
            )
    return metadata


def _check_files(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name}: missing; a model folder holds {METADATA} and {', '.join(HASHED_FILES)}")


def _parse(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read as JSON ({type(error).__name__}); restore the folder") from None
    if not isinstance(value, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def _check_format(path: Path, metadata: dict[str, Any]) -> None:
    if metadata.get("format") != FORMAT:
        raise ModelError(f"{path}: format {metadata.get('format')!r}, this version reads {FORMAT}; train again or use "
                         "the harassclf version that wrote it")  # fmt: skip


def _check_contents(folder: Path, metadata: dict[str, Any], fingerprint: str | None) -> None:
    path = folder / METADATA
    if missing := [key for key in _REQUIRED_KEYS if key not in metadata]:
        raise ModelError(f"{path}: lacks {', '.join(missing)}; this is not a harassclf model of format {FORMAT}")
    for key in ("sha256", "thresholds", "libraries"):
        if not isinstance(metadata[key], dict):
            raise ModelError(f"{path}: {key!r} is not a JSON object")
    if not all(isinstance(metadata[key], str) and metadata[key] for key in ("name", "version")):
        raise ModelError(f"{path}: 'name' and 'version' are not text")
    if metadata["labels"] != list(LABELS) or metadata["categories"] != list(CATEGORIES):
        raise ModelError(f"{path}: labels or categories are not those of this version ({', '.join(LABELS)}; "
                         f"{', '.join(CATEGORIES)})")  # fmt: skip
    if fingerprint is not None and metadata["segmenter_fingerprint"] != fingerprint:
        raise ModelError(f"{path}: trained with another word segmenter than the one installed; install the jieba "
                         f"version it names ({metadata['libraries'].get('jieba')}) or train again")  # fmt: skip


def read(folder: Path, *, fingerprint: str | None = None) -> Artifact:
    """Check a folder and load what scoring needs; nothing is unpickled."""
    metadata = read_metadata(folder, fingerprint=fingerprint)
    try:
        artifact = _read_arrays(folder, metadata)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        EOFError,
        BadZipFile,
        lzma.LZMAError,
    ) as error:
        raise ModelError(f"{folder}: {WEIGHTS} or {VOCABULARY} does not hold what {METADATA} says "
                         f"({type(error).__name__}); restore the folder or train again") from None  # fmt: skip
    _check_shapes(artifact)
    return artifact


def _read_arrays(folder: Path, metadata: dict[str, Any]) -> Artifact:
    import numpy as np

    with lzma.open(folder / VOCABULARY, "rt", encoding="utf-8") as file:
        vocabulary = json.load(file)
    with np.load(folder / WEIGHTS, allow_pickle=False) as arrays:
        blocks = [block["name"] for block in metadata["blocks"] if "name" in block]
        return Artifact(
            folder=folder,
            metadata=metadata,
            vocabulary={name: Terms(vocabulary[name]) for name in blocks},
            idf={name: arrays[f"idf_{name}"] for name in blocks},
            # left in half precision: 80 MB less while a model is loaded
            coef={name: arrays[f"coef_{name}"] for name in blocks},
            intercept=arrays["intercept"],
            mixture=Mixture(arrays["mixture"]),
        )


def _check_shapes(artifact: Artifact) -> None:
    import numpy as np

    width = len(PARTS) + len(CATEGORIES)
    weights = artifact.mixture.weights
    if weights.shape != (len(LABELS), len(SUBCLASSES)) or not np.isfinite(weights).all():
        raise ModelError(
            f"{artifact.folder / WEIGHTS}: 'mixture' is not {len(LABELS)} x {len(SUBCLASSES)} finite numbers"
        )
    if artifact.intercept.shape != (width,):
        raise ModelError(
            f"{artifact.folder / WEIGHTS}: intercept has shape {artifact.intercept.shape}, expected ({width},)"
        )
    for name, idf in artifact.idf.items():
        size = len(artifact.vocabulary[name])
        if not (
            np.isfinite(idf).all() and np.isfinite(artifact.coef[name]).all() and np.isfinite(artifact.intercept).all()
        ):
            raise ModelError(f"{artifact.folder / WEIGHTS}: holds values that are no finite numbers")
        if idf.shape != (size,) or artifact.coef[name].shape != (size, width):
            raise ModelError(f"{artifact.folder / WEIGHTS}: arrays of block {name!r} do not fit {VOCABULARY}")


def read_pipeline(folder: Path) -> tuple[Any, Any]:
    """Unpickle the scikit-learn pipeline and the category heads, after all checks and a version check."""
    metadata = read_metadata(folder)
    import joblib
    import sklearn

    if sklearn.__version__ != metadata["libraries"]["scikit-learn"]:
        raise ModelError(f"{folder / PIPELINE}: saved with scikit-learn {metadata['libraries']['scikit-learn']}, "
                         f"installed is {sklearn.__version__}; install that version or train again")  # fmt: skip
    return joblib.load(folder / PIPELINE), joblib.load(folder / CATEGORY_HEADS)


def write_metadata(folder: Path, metadata: dict[str, Any]) -> None:
    """Hash the other files and write ``metadata.json``, always last, so that a broken save is never loadable."""
    complete = {**metadata, "format": FORMAT, "sha256": {name: sha256_of(folder / name) for name in HASHED_FILES}}
    text = json.dumps(complete, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / METADATA).write_text(text + "\n", "utf-8")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
