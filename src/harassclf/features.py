"""Normalised text to the terms of each TF-IDF block.

Two users share this module and must agree to the last bit: training hands :func:`columns` to scikit-learn's
vectorizers, serving looks up :meth:`Document.ngrams`. A test compares them on the whole corpus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from harassclf.normalize import normalize
from harassclf.segment import Segmenter

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Block:
    """One TF-IDF block: n-grams over words or over characters.

    ``weight`` scales the block. It stands in for an L2 norm, which is left out: dividing by the norm of the *known*
    terms makes a verdict out of the few known words of a strange message. Without it little evidence stays close to the
    intercept, which says "other"; at recall 0.85, false alarms on everyday SMS fall from 3.8% to 2.3%
    (``benchmarks/ablation.py``).
    """

    name: str
    analyzer: str  # scikit-learn's: "word" or "char"
    ngram_range: tuple[int, int]
    weight: float


BLOCKS: tuple[Block, ...] = (
    Block("words", "word", (1, 2), 0.05),
    Block("characters", "char", (1, 2), 0.05),
)

_WHITESPACE = re.compile(r"\s\s+")
_PUNCTUATION = {
    "，": ",", "。": ".", "！": "!", "？": "?", "：": ":", "；": ";", "（": "(", "）": ")", "、": ",", "～": "~",
    "“": '"', "”": '"', "「": '"', "」": '"', "『": '"', "』": '"', "‘": "'", "’": "'", "《": "<", "》": ">",
    "【": "[", "】": "]", "［": "[", "］": "]", "—": "-", "–": "-", "．": ".", "｡": ".", "､": ",", "＊": "*",
    "＋": "+", "－": "-", "／": "/", "＝": "=", "＃": "#", "＠": "@", "＆": "&", "％": "%", "＄": "$", "￥": "¥",
}  # fmt: skip


# str.isspace() holds for exactly these; digits say nothing about the act, nor does their number change it.
_BLANKS = (*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F,
           0x205F, 0x3000)  # fmt: skip
_FOLDED = {ord(k): v for k, v in _PUNCTUATION.items()} | dict.fromkeys(_BLANKS, " ") | dict.fromkeys(range(48, 58), "0")


def fold(text: str) -> str:
    """Fold case, digits, punctuation width and blanks of normalised text; the result has the same length."""
    lowered = text.lower()
    # U+0130 becomes two characters, and what sigma becomes depends on what follows it
    if len(lowered) != len(text) or "\u03a3" in text:
        lowered = "".join(map(_lower, text))
    return lowered.translate(_FOLDED)


def _lower(character: str) -> str:
    return lower if len(lower := character.lower()) == 1 else character


def fold_table() -> np.ndarray:
    """What :func:`fold` does to each code point, shape ``(0x110000,)``: for folding many messages at once."""
    table = np.arange(0x110000, dtype=np.uint32)
    cased = "".join(map(chr, range(0x1E944)))  # no letter above has another case
    lowered = "".join(map(_lower, cased)).encode("utf-32-le", "surrogatepass")
    table[: len(cased)] = np.frombuffer(lowered, np.uint32)
    for code, folded in _FOLDED.items():
        table[code] = ord(folded)
    return table


@dataclass(frozen=True, slots=True)
class Document:
    """Folded text cut into words; positions count characters of the normalised text."""

    folded: str
    words: list[str]  # blanks left out
    word_starts: list[int]
    characters: str  # folded text with runs of blanks collapsed, as scikit-learn's char analyzer does
    character_starts: Sequence[int]

    @classmethod
    def from_folded(cls, folded: str, tokens: list[str]) -> Document:
        starts = accumulate(map(len, tokens), initial=0)
        kept = [(token, start) for token, start in zip(tokens, starts, strict=False) if not token.isspace()]
        characters, character_starts = _collapse(folded)
        return cls(folded, [t for t, _ in kept], [s for _, s in kept], characters, character_starts)

    def ngrams(self, block: Block, n: int) -> list[str]:
        """The n-grams of ``block`` in order, as scikit-learn writes them."""
        if block.analyzer == "char":
            return [self.characters[i : i + n] for i in range(len(self.characters) - n + 1)]
        return (
            self.words
            if n == 1
            else [" ".join(gram) for gram in zip(*(self.words[k:] for k in range(n)), strict=False)]
        )

    def bounds(self, block: Block, n: int) -> tuple[Sequence[int], Sequence[int]]:
        """Where each of :meth:`ngrams` starts and ends in the normalised text."""
        if block.analyzer == "char":
            starts = self.character_starts
            return starts[: max(0, len(starts) - n + 1)], [i + 1 for i in starts[n - 1 :]]
        lasts = zip(self.word_starts[n - 1 :], self.words[n - 1 :], strict=True)
        return self.word_starts[: max(0, len(self.words) - n + 1)], [start + len(word) for start, word in lasts]


def _collapse(folded: str) -> tuple[str, Sequence[int]]:
    if "  " not in folded:
        return folded, range(len(folded))
    pairs = [(c, i) for i, c in enumerate(folded) if not (c == " " and i and folded[i - 1] == " ")]
    return "".join(c for c, _ in pairs), [i for _, i in pairs]


def columns(texts: Sequence[str], segmenter: Segmenter) -> pd.DataFrame:
    """What the vectorizers read: one row a message, one column a block, shape ``(len(texts), len(BLOCKS))``."""
    import pandas as pd

    folded = [fold(normalize(text).text) for text in texts]
    words = [" ".join(t for t in tokens if not t.isspace()) for tokens in segmenter.words_many(folded)]
    characters = [_WHITESPACE.sub(" ", text) for text in folded]
    return pd.DataFrame({"words": words, "characters": characters}, dtype=object)
