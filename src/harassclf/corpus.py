"""The corpus: reading it, proving its rules, splitting it by voice.

``messages*.csv`` hold ``id, text, label, categories, voice, register, pair, second_label, second_categories, slice,
tags``; ``voices.csv`` holds ``voice, split, description``; ``readings.csv`` both blind readings before
settling. Voices whose split is ``reserved`` are never trained on, and no writing round has looked at them. Those of ``independent``
neither: their writers knew the guide and the recipe, and nothing of the corpus, its rounds and its models.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harassclf.errors import CorpusError
from harassclf.labels import CATEGORIES, HARASSMENT, LABELS
from harassclf.settings import MAX_TEXT

COLUMNS = (
    "id", "text", "label", "categories", "voice", "register", "pair", "second_label", "second_categories", "slice", "tags",
)  # fmt: skip
RUN = 12  # characters; two messages that share a run this long are one message written twice
MAX_PER_VOICE = 300
TRAIN, RESERVED, INDEPENDENT = SPLITS = ("train", "reserved", "independent")


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule of the corpus that a message breaks. Names the message by its id, never by its text."""

    message: str
    rule: str


def read_corpus(folder: Path) -> pd.DataFrame:
    """Read ``messages*.csv`` and ``voices.csv``; all columns are strings, ``split`` comes from the voice.

    Raises :class:`CorpusError` when a file or a column is missing.
    """
    paths = sorted(folder.glob("messages*.csv"))
    if not paths:
        raise CorpusError(f"{folder}: no messages*.csv; expected the data folder of a harassclf checkout")
    messages = pd.concat([_read(path, COLUMNS) for path in paths], ignore_index=True)
    voices = _read(folder / "voices.csv", ("voice", "split", "description"))
    return messages.merge(voices[["voice", "split"]], on="voice", how="left", validate="many_to_one")


def read_readings(folder: Path) -> pd.DataFrame:
    """Both readings of every message ever kept or dropped, before anything was settled: ``id, first_label,
    first_categories, second_label, second_categories, settled`` (agreed, first, second or dropped)."""
    columns = ("id", "first_label", "first_categories", "second_label", "second_categories", "settled")
    return _read(folder / "readings.csv", columns)


def _read(path: Path, columns: Iterable[str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise CorpusError(f"{path}: missing") from None
    except (UnicodeDecodeError, pd.errors.ParserError) as error:
        raise CorpusError(f"{path}: not a UTF-8 CSV file ({type(error).__name__})") from None
    if missing := [column for column in columns if column not in frame.columns]:
        raise CorpusError(f"{path}: lacks {', '.join(missing)}; found {', '.join(frame.columns)}")
    return frame


def categories_of(cell: str) -> list[str]:
    """The category names in one ``;``-separated cell."""
    return [name for name in cell.split(";") if name]


def category_matrix(cells: Iterable[str]) -> np.ndarray:
    """0/1 matrix of shape ``(n, 7)``, columns as ``CATEGORIES``."""
    return np.array([[name in categories_of(cell) for name in CATEGORIES] for cell in cells], dtype=np.int8).reshape(
        -1, len(CATEGORIES)
    )


def check_corpus(corpus: pd.DataFrame) -> list[Problem]:
    """Every broken rule; an empty list means the corpus keeps them all."""
    return [
        *_check_identity(corpus),
        *chain.from_iterable(_check_message(row) for row in corpus.to_dict("records")),
        *_check_voices(corpus),
        *_check_pairs(corpus),
        *_check_runs(corpus),
    ]


def _check_identity(corpus: pd.DataFrame) -> Iterator[Problem]:
    for name in ("id", "text"):
        for message in corpus.loc[corpus[name].duplicated(), "id"]:
            yield Problem(str(message), f"{name} occurs twice")


def _check_message(row: dict[Hashable, Any]) -> Iterator[Problem]:
    text, label, second = row["text"], row["label"], row["second_label"]
    if not text.strip() or len(text) > MAX_TEXT:
        yield Problem(row["id"], f"text is blank or over {MAX_TEXT} characters")
    if label not in LABELS or second not in LABELS:
        yield Problem(row["id"], "label or second_label is unknown")
    for cell, of in ((row["categories"], label), (row["second_categories"], second)):
        names = categories_of(cell)
        if set(names) - set(CATEGORIES) or bool(names) != (of == HARASSMENT):
            yield Problem(row["id"], "categories do not fit the label")
    if any(_is_identity_number(found) for found in re.findall(r"(?<!\d)\d{17}[\dXx](?!\d)", text)):
        yield Problem(row["id"], "holds an identity number with a right check digit")
    if re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", text):
        yield Problem(row["id"], "holds an unmasked mobile number")


def _is_identity_number(digits: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(w * int(d) for w, d in zip(weights, digits, strict=False)) % 11] == digits[-1].upper()


def _check_voices(corpus: pd.DataFrame) -> Iterator[Problem]:
    for voice, size in corpus["voice"].value_counts().items():
        if size > MAX_PER_VOICE:
            yield Problem(str(voice), f"voice has {size} messages, the limit is {MAX_PER_VOICE}")
    for voice in sorted(set(corpus.loc[~corpus["split"].isin(SPLITS), "voice"])):
        yield Problem(voice, f"voice is not in voices.csv with a split of {', '.join(SPLITS)}")


def _check_pairs(corpus: pd.DataFrame) -> Iterator[Problem]:
    paired = corpus[corpus["pair"] != ""]
    for pair, group in paired.groupby("pair"):
        if len(group) < 2:
            yield Problem(str(pair), "minimal pair has one member")
        if group["split"].nunique() > 1:
            yield Problem(str(pair), "minimal pair crosses the split")


def _check_runs(corpus: pd.DataFrame) -> Iterator[Problem]:
    owner: dict[str, tuple[str, str]] = {}
    for message, text, pair in zip(corpus["id"], corpus["text"], corpus["pair"], strict=True):
        for run in runs(text):
            other, other_pair = owner.setdefault(run, (message, pair))
            if other != message and not (pair and pair == other_pair):
                yield Problem(message, f"shares a run of {RUN} characters with {other}")
                break


def runs(text: str) -> set[str]:
    """All runs of 12 characters of ``text``, without blanks, and once more without punctuation and symbols."""
    unspaced = "".join(text.split())
    bare = "".join(c for c in unspaced if unicodedata.category(c)[0] in "LN")
    return {t[i : i + RUN] for t in (unspaced, bare) for i in range(len(t) - RUN + 1)}


def corpus_hash(corpus: pd.DataFrame) -> str:
    """SHA-256 of what training reads: id, text, label, categories, voice and split, in id order."""
    columns = ["id", "text", "label", "categories", "voice", "split"]
    rows = corpus.sort_values("id")[columns].itertuples(index=False, name=None)
    return hashlib.sha256("\x1e".join("\x1f".join(row) for row in rows).encode("utf-8")).hexdigest()


def voice_folds(voices: Iterable[str], folds: int, seed: int) -> np.ndarray:
    """Fold number of every message, shape ``(n,)``: whole voices, shuffled by ``seed``, largest voices first, each to
    the fold that is smallest so far."""
    series = pd.Series(list(voices))
    sizes = series.value_counts().sort_index()
    order = np.random.default_rng(seed).permutation(len(sizes))
    sizes = sizes.iloc[order].sort_values(ascending=False, kind="stable")
    filled = np.zeros(folds, dtype=int)
    fold_of: dict[str, int] = {}
    for voice, size in sizes.items():
        fold_of[str(voice)] = int(filled.argmin())
        filled[filled.argmin()] += size
    return series.map(fold_of).to_numpy()
