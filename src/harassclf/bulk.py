"""Decision values of many messages at once: arrays instead of dictionaries, the same numbers.

One rjieba call cuts thousands of messages; words become ids through one dictionary, everything after that is numpy:
word pairs and character n-grams are integer keys looked up in sorted tables, a term of a row is one integer, sorting
gives term frequencies as run lengths. Ratios to the naive pipeline are in ``benchmarks/README.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np

from harassclf.artifact import Artifact
from harassclf.features import BLOCKS, Block, collapse_blanks, fold
from harassclf.normalize import normalize
from harassclf.segment import Segmenter

_CHUNK = 4_096  # messages at once: 1.6 times faster than one by one, and no more memory than a few dozen megabytes
_CHUNK_CHARACTERS = 400_000
_UNKNOWN, _BLANK = -1, -2


@dataclass(frozen=True, slots=True)
class _Pairs:
    """A sorted table from the pair (left, right) of small integers to another integer, -1 where it is absent."""

    keys: np.ndarray
    values: np.ndarray
    width: int

    @classmethod
    def build(cls, pairs: dict[tuple[int, int], int], width: int) -> _Pairs:
        keys = np.array([left * width + right for left, right in pairs], dtype=np.int64)
        order = np.argsort(keys)
        return cls(keys[order], np.array(list(pairs.values()), dtype=np.int64)[order], width)

    def lookup(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        wanted = np.where((left >= 0) & (right >= 0), left * self.width + right, -1)
        if not len(self.keys):
            return np.full(len(wanted), -1)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[at] == wanted, self.values[at], -1)


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
            if depth:
                following = np.where(rows[depth:] == rows[: len(rows) - depth], symbols[depth:], _UNKNOWN)
                prefix = self.levels[depth - 1].lookup(prefix[: len(following)], following)
            column = np.where(prefix >= 0, columns[prefix], -1)
            hit = np.flatnonzero(column >= 0)
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
        self._words: dict[str, int] = {" ": _BLANK}
        self._alphabet = np.full(0x110000, _UNKNOWN, dtype=np.int32)
        self._grams = {block.name: self._build(block) for block in BLOCKS}

    def _build(self, block: Block) -> _Grams:
        terms = self._artifact.vocabulary[block.name]
        if block.analyzer == "word":
            ids = [[self._words.setdefault(word, len(self._words) - 1) for word in term.split(" ")] for term in terms]
            return _Grams.build(ids, len(self._words))
        letters = sorted({ord(character) for term in terms for character in term})
        self._alphabet[letters] = np.arange(len(letters))
        return _Grams.build([self._alphabet[list(map(ord, term))].tolist() for term in terms], len(letters))

    def decisions(self, texts: Sequence[str]) -> np.ndarray:
        out = [self._chunk(chunk) for chunk in _chunks(texts)]
        return np.concatenate(out) if out else np.empty((0, len(self._artifact.intercept)))

    def _chunk(self, texts: Sequence[str]) -> np.ndarray:
        folded = [fold(normalize(text).text) for text in texts]
        total = np.tile(self._artifact.intercept, (len(texts), 1))
        for block in BLOCKS:
            symbols, rows = self._word_symbols(folded) if block.analyzer == "word" else self._character_symbols(folded)
            self._add(total, block, *self._grams[block.name].occurrences(symbols, rows))
        return total

    def _word_symbols(self, folded: list[str]) -> tuple[np.ndarray, np.ndarray]:
        tokens = self._segmenter.words_many(folded)
        lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
        ids = np.fromiter(
            map(self._words.get, chain.from_iterable(tokens), repeat(_UNKNOWN)),
            dtype=np.int64,
            count=int(lengths.sum()),
        )
        rows = np.repeat(np.arange(len(tokens)), lengths)
        kept = ids != _BLANK
        return ids[kept], rows[kept]

    def _character_symbols(self, folded: list[str]) -> tuple[np.ndarray, np.ndarray]:
        collapsed = [collapse_blanks(text) for text in folded]
        lengths = np.fromiter(map(len, collapsed), dtype=np.int64, count=len(collapsed))
        codes = np.frombuffer("".join(collapsed).encode("utf-32-le"), dtype=np.uint32)
        return self._alphabet[codes].astype(np.int64), np.repeat(np.arange(len(collapsed)), lengths)

    def _add(self, total: np.ndarray, block: Block, rows: np.ndarray, columns: np.ndarray) -> None:
        """Add one block's share: tf as run lengths of sorted (row, column), then idf, norm and coefficients."""
        idf, coef = self._artifact.idf[block.name], self._artifact.coef[block.name]
        packed = rows * len(idf) + columns
        packed.sort()
        starts = np.flatnonzero(np.diff(packed, prepend=-1))
        tf = np.diff(starts, append=len(packed))
        rows, columns = np.divmod(packed[starts], len(idf))
        values = idf[columns] * (1.0 + np.log(tf))
        values /= np.sqrt(np.bincount(rows, values * values, len(total)))[rows]
        boundaries = np.flatnonzero(np.diff(rows, prepend=-1))
        if len(boundaries):
            total[rows[boundaries]] += np.add.reduceat(coef[columns] * values[:, None], boundaries, axis=0)


def _chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    chunks: list[Sequence[str]] = []
    start = size = 0
    for i, text in enumerate(texts):
        if i > start and (i - start >= _CHUNK or size + len(text) > _CHUNK_CHARACTERS):
            chunks.append(texts[start:i])
            start, size = i, 0
        size += len(text)
    return [*chunks, texts[start:]] if texts else []
