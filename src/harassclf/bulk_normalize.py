"""Normalising and folding many messages at once, on code points.

Most messages need nothing or only characters replaced one by one (Traditional, full width): a table does that for all of
them together. The others, found by a few array tests that may name too many but never too few, go through
:func:`harassclf.normalize.normalize` one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters

import numpy as np

from harassclf.features import END, START, bounded, fold_table
from harassclf.normalize import (
    HAN_RANGES,
    LOOSE_CLASS,
    MASKING_CLASS,
    TIGHT_CLASS,
    Normalized,
    hidden_pairs,
    normalize,
    other_replacements,
    single_replacements,
    spaced_pairs,
    split_pairs,
)
from harassclf.pinyin import SPELLED
from harassclf.segment import JOINT

_HAN, _TIGHT, _LOOSE, _SPLIT, _SLOW, _LATIN, _MASKING = 1, 2, 4, 8, 16, 32, 64
_CODE_POINTS = 0x110000


@dataclass(frozen=True, slots=True)
class FoldedTexts:
    """Folded code points of messages between their marks (:func:`harassclf.features.bounded`), joined by ``JOINT``, shape
    ``(characters,)``; where each message, its mark, starts, shape ``(messages,)``; and the messages whose characters are not the raw ones one for one, by row."""

    codes: np.ndarray
    starts: np.ndarray
    changed: dict[int, Normalized]


@dataclass(frozen=True, slots=True)
class CodePointTables:
    """What is known of each code point, shapes ``(0x110000,)``: which one stands for it, what it folds to, its flags;
    and pairs of code points, ``left << 21 | right``: hidden words of two characters, neighbours in any hidden word, and
    the first two parts of split characters."""

    single: np.ndarray
    fold: np.ndarray
    flags: np.ndarray
    spaced: np.ndarray
    hidden: np.ndarray
    split: np.ndarray


def code_point_tables() -> CodePointTables:
    """The tables that :func:`harassclf.normalize.normalize` and :func:`harassclf.features.fold` imply."""
    singles = single_replacements()
    single = np.arange(_CODE_POINTS, dtype=np.uint32)
    single[list(singles)] = list(singles.values())
    return CodePointTables(
        single, fold_table(), _flags(), *map(_pair_keys, (spaced_pairs(), hidden_pairs(), split_pairs()))
    )


_CHUNK = 1_024  # messages at once; 1,024 to 4,096 differ by 5%
_CHUNK_CHARACTERS = 50_000  # a kernel buffer of 13 MB


def split_into_chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    """The texts in order, as many together as are worth one pass."""
    chunks: list[Sequence[str]] = []
    start = size = 0
    for i, text in enumerate(texts):
        if i > start and (i - start >= _CHUNK or size + len(text) > _CHUNK_CHARACTERS):
            chunks.append(texts[start:i])
            start, size = i, 0
        size += len(text)
    return [*chunks, texts[start:]] if texts else []


IN_PLACE_OF_JOINT = "\uf8fd"  # a character that no term holds


def join(texts: Sequence[str]) -> tuple[Sequence[str], str]:
    """The texts, without joints of their own, and all of them joined, each between its marks."""
    joined = _joined(texts)
    if joined.count(JOINT) >= len(texts):
        texts = [text.replace(JOINT, IN_PLACE_OF_JOINT) for text in texts]
        joined = _joined(texts)
    return texts, joined


def _joined(texts: Iterable[str]) -> str:
    return bounded(f"{END}{JOINT}{START}".join(texts))


def rejoin(texts: Sequence[str], changed: Mapping[int, Normalized]) -> str:
    """The texts joined, those that were normalised in their new form; by row."""
    return _joined([changed[i].text if i in changed else text for i, text in enumerate(texts)])


class BulkNormalizer:
    """Texts to one array of folded code points; stateless, safe to share."""

    def __init__(self) -> None:
        tables = code_point_tables()
        self._single, self._fold, self._flags = tables.single, tables.fold, tables.flags
        self._spaced, self._split = tables.spaced, tables.split

    def fold(self, texts: Sequence[str]) -> FoldedTexts:
        """Normalise and fold all texts."""
        texts, joined = join(texts)
        codes = codes_of(joined)
        slow = self._slow_rows(codes, self._single[codes]).tolist()
        changed = {row: normalized for row in slow if (normalized := normalize(texts[row])).text != texts[row]}
        if changed:
            codes = codes_of(rejoin(texts, changed))
        starts = np.concatenate(([0], np.flatnonzero(codes == ord(JOINT)) + 1))
        return FoldedTexts(np.asarray(self._fold[self._single[codes]]), starts, changed)

    def _slow_rows(self, raw: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Rows that more than single replacements may change."""
        flags = np.concatenate(([0], self._flags[codes] | (self._flags[raw] & _SLOW), [0])).astype(np.uint8)
        before, here, after = flags[:-2], flags[1:-1], flags[2:]
        separator = _TIGHT | _LOOSE
        found = (here & _SLOW) > 0
        found |= ((here & _TIGHT) > 0) & ((before & _HAN) > 0) & ((after & (_HAN | separator)) > 0)
        found |= ((here & _HAN) > 0) & ((before & separator) > 0) & ((after & separator) > 0)
        found |= ((here & _LATIN) > 0) & (((before | after) & _HAN) > 0)
        found |= ((here & after) & _MASKING) > 0
        found[2:] |= (((here[2:] & here[:-2]) & _LATIN) > 0) & (codes[1:-1] == 32)
        letters = np.concatenate((np.zeros(SPELLED - 1, bool), (here & _LATIN) > 0))
        found |= np.logical_and.reduce([letters[i : i + len(found)] for i in range(SPELLED)])
        positions = [np.flatnonzero(found), self._spaced_words(codes, before, after), self._splits(codes, here)]
        ends = np.flatnonzero(codes == ord(JOINT))
        return np.unique(np.searchsorted(ends, np.concatenate(positions)))

    def _spaced_words(self, codes: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        at = np.flatnonzero((codes == 32) & ((before & _HAN) > 0) & ((after & _HAN) > 0))
        return at[np.isin(_keys(codes[at - 1], codes[at + 1]), self._spaced)]

    def _splits(self, codes: np.ndarray, here: np.ndarray) -> np.ndarray:
        at = np.flatnonzero((here[:-1] & _SPLIT) > 0)
        return at[np.isin(_keys(codes[at], codes[at + 1]), self._split)]


def codes_of(text: str) -> np.ndarray:
    """Code points of ``text``, shape ``(len(text),)``."""
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _flags() -> np.ndarray:
    flags = np.zeros(_CODE_POINTS, dtype=np.uint8)
    for first, last in HAN_RANGES:
        flags[first : last + 1] |= _HAN
    # Only what the classes spell out, and blanks, can match them: a tenth of the time of looking at every code point.
    classes = ((TIGHT_CLASS, _TIGHT), (LOOSE_CLASS, _LOOSE), (MASKING_CLASS, _MASKING))
    spelled = {*"".join(pattern.pattern for pattern, _ in classes), *filter(str.isspace, map(chr, range(0x3001)))}
    for pattern, flag in classes:
        flags[[ord(character) for character in spelled if pattern.fullmatch(character)]] |= flag
    flags[[ord(parts[0]) for parts in split_pairs()]] |= _SPLIT
    flags[other_replacements()] |= _SLOW
    flags[list(map(ord, ascii_letters))] |= _LATIN
    return flags


def _keys(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.asarray(left.astype(np.int64) << 21 | right)


def _pair_keys(pairs: Iterable[str]) -> np.ndarray:
    return np.array(sorted(ord(pair[0]) << 21 | ord(pair[1]) for pair in pairs), dtype=np.int64)
