"""Decision values of many messages at once: arrays instead of dictionaries, the same numbers.

One rjieba call cuts thousands of messages; words become ids through one dictionary, everything after that is numpy:
word pairs and character n-grams are integer keys looked up in sorted tables, a term of a row is one integer, sorting
gives term frequencies as run lengths. Ratios to the naive pipeline are in ``benchmarks/README.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from harassclf.artifact import Artifact
from harassclf.features import BLOCKS, Block, fold_table
from harassclf.normalize import changed_by_normalizing, normalize
from harassclf.segment import JOINT, Segmenter

_CHUNK = 2_048  # messages at once; 1,024 to 4,096 differ by 5%
_CHUNK_CHARACTERS = 200_000
_UNKNOWN, _BLANK, _JOINT = -1, -2, -3
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing (Knuth, TAOCP 3, 6.4)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """A hash table from the pair (left, right) of small integers to another integer, -1 where it is absent.

    Open addressing with linear probing, all keys looked up at once: a third of the time of ``np.searchsorted``.
    """

    keys: np.ndarray  # uint64, one more than left * width + right; 0 is an empty slot
    values: np.ndarray
    width: int
    shift: np.uint64

    @classmethod
    def build(cls, pairs: dict[tuple[int, int], int], width: int) -> _Pairs:
        bits = max(4, (8 * len(pairs)).bit_length())
        keys, values = np.zeros(1 << bits, dtype=np.uint64), np.full(1 << bits, -1, dtype=np.int32)
        table = cls(keys, values, width, np.uint64(64 - bits))
        for (left, right), value in pairs.items():
            key = np.uint64(left * width + right + 1)
            slot = int(table._slots(np.array([key]))[0])
            while keys[slot]:
                slot = (slot + 1) & (len(keys) - 1)
            keys[slot], values[slot] = key, value
        return table

    def _slots(self, keys: np.ndarray) -> np.ndarray:
        return ((keys * _MULTIPLIER) >> self.shift).astype(np.int64)

    def lookup(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        found = np.full(len(left), -1, dtype=np.int32)
        open_ = np.flatnonzero((left >= 0) & (right >= 0))
        keys = (left[open_].astype(np.int64) * self.width + right[open_] + 1).astype(np.uint64)
        slots = self._slots(keys)
        while len(open_):
            there = self.keys[slots]
            hit = there == keys
            found[open_[hit]] = self.values[slots[hit]]
            going_on = ~hit & (there != 0)
            open_, keys = open_[going_on], keys[going_on]
            slots = (slots[going_on] + 1) & (len(self.keys) - 1)
        return found


@dataclass(frozen=True, slots=True)
class _Grams:
    """n-grams of one block as a chain of prefixes: symbol, pair of symbols, triple, ...

    ``levels[k]`` extends a prefix of ``k + 1`` symbols by one; ``columns[k]`` gives the term's column for a prefix of
    ``k + 1`` symbols, -1 where the prefix is no term itself.
    """

    levels: list[_Pairs]
    columns: list[np.ndarray]

    @classmethod
    def build(cls, terms: list[list[int]], symbols: int) -> _Grams:
        longest = max(map(len, terms), default=1)
        prefixes: list[dict[tuple[int, int], int]] = [{} for _ in range(longest - 1)]
        columns: list[dict[int, int]] = [{} for _ in range(longest)]
        for column, term in enumerate(terms):
            prefix = term[0]
            for depth, symbol in enumerate(term[1:]):
                prefix = prefixes[depth].setdefault((prefix, symbol), len(prefixes[depth]))
            columns[len(term) - 1][prefix] = column
        sizes = [symbols, *map(len, prefixes)]
        return cls(
            [_Pairs.build(p, symbols) for p in prefixes], [_dense(c, n) for c, n in zip(columns, sizes, strict=True)]
        )

    def occurrences(self, symbols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of every occurrence of a term in a sequence of symbols; n-grams do not cross rows."""
        found_rows, found_columns = [], []
        prefix = symbols
        for depth, columns in enumerate(self.columns):
            if depth:  # a joint between two messages is no symbol, so no prefix crosses it
                prefix = self.levels[depth - 1].lookup(prefix[:-1], symbols[depth:])
            column = columns[prefix]  # the last column belongs to prefix -1, which is no term
            hit = np.flatnonzero((column >= 0) & (prefix >= 0))
            found_rows.append(rows[hit])
            found_columns.append(column[hit])
        return np.concatenate(found_rows), np.concatenate(found_columns)


def _dense(columns: dict[int, int], size: int) -> np.ndarray:
    dense = np.full(max(size, 1), -1, dtype=np.int64)
    dense[list(columns.keys())] = list(columns.values())
    return dense


class BulkScorer:
    """Decision values of many messages, shape ``(n, labels + categories)``; stateless, safe to share."""

    def __init__(self, artifact: Artifact, segmenter: Segmenter) -> None:
        self._artifact, self._segmenter = artifact, segmenter
        self._coef = {name: np.ascontiguousarray(coef.T) for name, coef in artifact.coef.items()}
        self._fold = fold_table()
        self._words: dict[str, int] = {" ": _BLANK, JOINT: _JOINT}
        self._alphabet = np.full(0x110000, _UNKNOWN, dtype=np.int32)
        self._grams = {block.name: self._build(block) for block in BLOCKS}

    def _build(self, block: Block) -> _Grams:
        terms = self._artifact.vocabulary[block.name]
        if block.analyzer == "word":
            ids = [[self._words.setdefault(word, len(self._words) - 2) for word in term.split(" ")] for term in terms]
            return _Grams.build(ids, len(self._words) - 2)
        letters = sorted({ord(character) for term in terms for character in term})
        self._alphabet[letters] = np.arange(len(letters))
        return _Grams.build([self._alphabet[list(map(ord, term))].tolist() for term in terms], len(letters))

    def decisions(self, texts: Sequence[str], width: int | None = None) -> np.ndarray:
        """Shape ``(n, width)``: the first ``width`` decision values (the labels come first), all of them without."""
        width = width or len(self._artifact.intercept)
        out = [self._chunk(chunk, width) for chunk in _chunks(texts)]
        return np.concatenate(out) if out else np.empty((0, width))

    def _chunk(self, texts: Sequence[str], width: int) -> np.ndarray:
        codes = self._fold[_codes(JOINT.join(_normalized(texts)))]
        total = np.tile(self._artifact.intercept[:width], (len(texts), 1))
        for block in BLOCKS:
            symbols, rows = self._word_symbols(codes) if block.analyzer == "word" else self._character_symbols(codes)
            self._add(total, block, *self._grams[block.name].occurrences(symbols, rows))
        return total

    def _word_symbols(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tokens = self._segmenter.words_joined(codes.tobytes().decode("utf-32-le"))
        ids = np.fromiter(map(self._words.get, tokens, repeat(_UNKNOWN)), dtype=np.int32, count=len(tokens))
        kept = ids != _BLANK
        return ids[kept], np.cumsum(ids == _JOINT, dtype=np.int32)[kept]

    def _character_symbols(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        blank = codes == 32
        kept = ~(blank & np.concatenate(([False], blank[:-1])))  # runs of blanks as one, as scikit-learn reads text
        symbols, joints = self._alphabet[codes], codes == ord(JOINT)
        symbols[joints] = _UNKNOWN
        return symbols[kept], np.cumsum(joints, dtype=np.int32)[kept]

    def _add(self, total: np.ndarray, block: Block, rows: np.ndarray, columns: np.ndarray) -> None:
        """Add one block's share: tf as run lengths of sorted (row, column), then idf and coefficients."""
        idf = self._artifact.idf[block.name]
        packed = rows.astype(np.int64) * len(idf) + columns
        if len(total) * len(idf) < 2**31:  # half the width sorts in half the time
            packed = packed.astype(np.int32)
        packed.sort()
        starts = np.flatnonzero(np.diff(packed, prepend=-1))
        tf = np.diff(starts, append=len(packed))
        rows, columns = np.divmod(packed[starts], len(idf))
        values = idf[columns] * (1.0 + np.log(tf))
        for k in range(total.shape[1]):  # one column at a time: 3 to 5 times faster than rows of ten
            total[:, k] += np.bincount(rows, values * self._coef[block.name][k][columns], len(total))


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _normalized(texts: Sequence[str]) -> list[str]:
    """Normalised texts; one search over all of them finds the few that need it. A joint inside a message is dropped
    for a character that no term holds."""
    joined = JOINT.join(texts)
    if joined.count(JOINT) >= len(texts):
        texts = [text.replace(JOINT, "\uf8fd") for text in texts]
    ends = np.cumsum([len(text) + 1 for text in texts])
    changed = np.unique(np.searchsorted(ends, sorted(changed_by_normalizing(joined)), side="right"))
    out = list(texts)
    for row in changed:
        out[row] = normalize(texts[row]).text
    return out


def _chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    chunks: list[Sequence[str]] = []
    start = size = 0
    for i, text in enumerate(texts):
        if i > start and (i - start >= _CHUNK or size + len(text) > _CHUNK_CHARACTERS):
            chunks.append(texts[start:i])
            start, size = i, 0
        size += len(text)
    return [*chunks, texts[start:]] if texts else []
