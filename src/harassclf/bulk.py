"""Decision values of many messages at once: arrays instead of dictionaries, the same numbers.

One rjieba call cuts thousands of messages; words become ids through one dictionary, everything after that is numpy:
word pairs and character n-grams are integer keys looked up in hash tables, a term of a row is one integer, sorting
gives term frequencies as run lengths. Ratios to the naive pipeline are in ``benchmarks/README.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import numpy as np

from harassclf.artifact import Artifact
from harassclf.bulk_normalize import BulkNormalizer, FoldedTexts, split_into_chunks
from harassclf.evidence import spans_of_joined
from harassclf.features import DEBT_CHARACTERS, PAIR_MARK, READ_BLOCKS, Block, length_scale
from harassclf.labels import CATEGORIES, LABELS
from harassclf.segment import JOINT, Segmenter
from harassclf.sounds import sound_table
from harassclf.subclasses import PARTS
from harassclf.weights import term_weights
from harassclf.word_classes import classes, word_classes

_UNKNOWN, _BLANK, _JOINT = -1, -2, -3
# of words or characters: each one's symbol, start, end and message
_Symbols = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
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

    def occurrences(self, symbols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """First symbol, last symbol and column of every occurrence of a term in a sequence of symbols.

        A joint between two messages is no symbol, so no n-gram crosses it: ``rows``, the message of each symbol, is not needed.
        """
        firsts, lasts, found = [], [], []
        prefix = symbols
        for depth, columns in enumerate(self.columns):
            if depth:
                prefix = self.levels[depth - 1].lookup(prefix[:-1], symbols[depth:])
            column = columns[prefix]  # prefix -1, which is no term, reads the last column: left out below
            hit = np.flatnonzero((column >= 0) & (prefix >= 0))
            firsts.append(hit)
            lasts.append(hit + depth)
            found.append(column[hit])
        return np.concatenate(firsts), np.concatenate(lasts), np.concatenate(found)


@dataclass(frozen=True, slots=True)
class _WordPairs:
    """Pairs of words with others between them, which may be anything."""

    pairs: _Pairs
    lengths: tuple[int, ...]

    @classmethod
    def build(cls, terms: list[list[int]], symbols: int, lengths: tuple[int, ...]) -> _WordPairs:
        return cls(_Pairs.build({(left, right): i for i, (left, right) in enumerate(terms)}, symbols), lengths)

    def occurrences(self, symbols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As :meth:`_Grams.occurrences`; both words are of one message."""
        firsts, lasts, found = [], [], []
        for length in self.lengths:
            columns = self.pairs.lookup(symbols[: 1 - length], symbols[length - 1 :])
            hit = np.flatnonzero((columns >= 0) & (rows[: 1 - length] == rows[length - 1 :]))
            firsts.append(hit)
            lasts.append(hit + length - 1)
            found.append(columns[hit])
        return np.concatenate(firsts), np.concatenate(lasts), np.concatenate(found)


def _dense(columns: dict[int, int], size: int) -> np.ndarray:
    dense = np.full(max(size, 1), -1, dtype=np.int64)
    dense[list(columns.keys())] = list(columns.values())
    return dense


@dataclass(frozen=True, slots=True)
class _TermValues:
    """The TF-IDF value of each term of each message of one chunk, one block."""

    name: str
    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    def of_rows(self, wanted: np.ndarray) -> _TermValues:
        keep = wanted[self.rows]
        return _TermValues(self.name, self.rows[keep], self.columns[keep], self.values[keep])


@dataclass(frozen=True, slots=True)
class _BlockTerms:
    """Every occurrence of a known term of one block in one chunk of messages, and the terms' values per message."""

    name: str
    rows: np.ndarray  # per occurrence
    columns: np.ndarray
    starts: np.ndarray  # positions among the chunk's code points
    ends: np.ndarray

    def values(self, width: int, messages: int) -> _TermValues:
        """``1 + ln tf`` of each term of each message: tf as run lengths of sorted (row, column), ``width`` columns."""
        packed = self.rows.astype(np.int64) * width + self.columns
        if messages * width < 2**31:  # half the width sorts in half the time
            packed = packed.astype(np.int32)
        packed.sort()
        starts = np.flatnonzero(np.diff(packed, prepend=-1))
        frequencies = np.diff(starts, append=len(packed))
        rows, columns = np.divmod(packed[starts], width)
        return _TermValues(self.name, rows, columns, 1.0 + np.log(frequencies))

    def of_rows(self, wanted: np.ndarray) -> _BlockTerms:
        keep = wanted[self.rows]
        return _BlockTerms(self.name, self.rows[keep], self.columns[keep], self.starts[keep], self.ends[keep])

    def frequencies(self, width: int) -> np.ndarray:
        """How often each occurrence's term stands in its message."""
        packed = self.rows.astype(np.int64) * width + self.columns
        if len(self.rows) and (int(self.rows.max()) + 1) * width < 2**31:
            packed = packed.astype(np.int32)
        ordered = np.sort(packed)  # without the order itself, which takes five times as long; few terms occur twice
        repeated, counts = np.unique(ordered[1:][ordered[1:] == ordered[:-1]], return_counts=True)
        frequencies = np.ones(len(packed))
        if len(repeated):
            at = np.minimum(np.searchsorted(repeated, packed), len(repeated) - 1)
            hit = repeated[at] == packed
            frequencies[hit] += counts[at[hit]]
        return frequencies


@dataclass(frozen=True)
class ScoredChunk:
    """Some messages scored together; ``scale`` is that of each one's length."""

    messages: int
    folded: FoldedTexts
    scale: np.ndarray
    blocks: list[_BlockTerms]
    values: list[_TermValues]
    weights: BulkScorer

    @cached_property
    def parts(self) -> np.ndarray:
        """Shape ``(messages, parts)``, see :mod:`harassclf.subclasses`."""
        return self._sums(0, len(PARTS))

    @property
    def labels(self) -> np.ndarray:
        """Decision values of the labels, shape ``(messages, labels)``."""
        return self.weights.mixture.labels(self.parts)

    def categories(self, wanted: np.ndarray) -> np.ndarray:
        """Decision values of the categories of the ``wanted`` messages, shape ``(wanted.sum(), categories)``."""
        return np.asarray(self._sums(len(PARTS), len(self.weights.intercept), wanted)[wanted])

    def _sums(self, first: int, last: int, wanted: np.ndarray | None = None) -> np.ndarray:
        """Columns ``first`` up to before ``last`` of all messages, shape ``(messages, last - first)``; of the
        ``wanted`` ones alone where given, the others keep the intercept."""
        out = np.zeros((self.messages, last - first))
        for values in self.values if wanted is None else [values.of_rows(wanted) for values in self.values]:
            coef = self.weights.coef[values.name]
            for k in range(first, last):  # one column at a time: 3 to 5 times faster than rows of ten
                out[:, k - first] += np.bincount(values.rows, values.values * coef[k][values.columns], self.messages)
        return np.asarray(self.weights.intercept[first:last] + out * self.scale[:, None])

    def spans(self, labels: np.ndarray, share: float) -> list[list[tuple[int, int, float]]]:
        """Per message the spans of its raw text, and their weight, on which decision value ``labels[i]`` rests (-1: none
        wanted), by the rule of :func:`harassclf.evidence.spans`."""
        wanted = labels >= 0
        starts = self.folded.starts
        slopes = self.weights.mixture.slopes(self.parts, np.maximum(labels, 0))
        weights = self._character_weights(slopes, wanted)
        weights[starts] = weights[np.append(starts[1:] - 2, len(weights) - 1)] = 0.0  # the marks of start and end
        joined = spans_of_joined(weights, starts, wanted, share)
        found = [[(start - 1, end - 1, weight) for start, end, weight in spans] for spans in joined]
        for row, normalized in self.folded.changed.items():
            found[row] = normalized.raw_spans(found[row])
        return found

    def _character_weights(self, slopes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        steps = np.zeros(len(self.folded.codes) + 1)
        for block in self.blocks:
            terms = block.of_rows(wanted)
            coef = self.weights.coef[terms.name]
            frequencies = terms.frequencies(coef.shape[1])
            share = np.zeros(len(terms.rows))
            for part in range(slopes.shape[1]):  # one at a time, as in _sums
                share += slopes[terms.rows, part] * coef[part][terms.columns]
            share *= (1.0 + np.log(frequencies)) / frequencies
            share *= self.scale[terms.rows] / (terms.ends - terms.starts)
            steps += np.bincount(terms.starts, share, len(steps)) - np.bincount(terms.ends, share, len(steps))
        return np.asarray(np.cumsum(steps)[:-1])


class BulkScorer:
    """Decision values of many messages; stateless, safe to share."""

    def __init__(self, artifact: Artifact, segmenter: Segmenter) -> None:
        self._segmenter, self.intercept, self.mixture = segmenter, artifact.intercept, artifact.mixture
        weights = term_weights(artifact)
        # (parts + categories, 2 * terms): the weights without a word about debts, then those beside one
        self.coef = {name: np.ascontiguousarray(np.concatenate(w.weights).T) for name, w in weights.items()}
        self._normalizer = BulkNormalizer()
        self._words: dict[str, int] = {" ": _BLANK, JOINT: _JOINT}
        self._alphabets: dict[str, np.ndarray] = {}  # block to the symbol of each code point
        for word in word_classes():
            self._id(word)
        of_words = {b.name: self._word_ids(b, weights[b.name].terms) for b in READ_BLOCKS if b.analyzer == "word"}
        # of each word the id of the one that stands for its class
        self._classes = np.array([self._id(word) for word in classes(list(self._words)[2:])], dtype=np.int32)
        self._grams = {b.name: self._build(b, weights[b.name].terms, of_words.get(b.name)) for b in READ_BLOCKS}

    def _id(self, word: str) -> int:
        return self._words.setdefault(word, len(self._words) - 2)

    def _word_ids(self, block: Block, terms: list[str]) -> list[list[int]]:
        mark = PAIR_MARK if block.gaps else " "
        return [list(map(self._id, term.split(mark))) for term in terms]

    def _build(self, block: Block, terms: list[str], ids: list[list[int]] | None) -> _Grams | _WordPairs:
        if ids is not None:
            known = len(self._words) - 2
            return _WordPairs.build(ids, known, block.lengths) if block.gaps else _Grams.build(ids, known)
        letters = sorted({ord(character) for term in terms for character in term})
        alphabet = np.full(0x110000, _UNKNOWN, dtype=np.int32)
        alphabet[letters] = np.arange(len(letters))
        grams = _Grams.build([alphabet[list(map(ord, term))].tolist() for term in terms], len(letters))
        if block.name == "sounds":
            folded = sound_table()
            alphabet[list(folded)] = alphabet[list(map(ord, folded.values()))]
        self._alphabets[block.name] = alphabet
        return grams

    def decisions(self, texts: Sequence[str], categories: bool = True) -> np.ndarray:
        """Decision values of the labels and, where wanted, of the ``categories``, shape ``(n, labels + categories)``."""
        width = len(LABELS) + len(CATEGORIES) * categories
        out = [np.empty((0, width))]
        for chunk in self.chunks(texts):
            of_categories = [chunk.categories(np.ones(chunk.messages, dtype=bool))] if categories else []
            out.append(np.hstack([chunk.labels, *of_categories]))
        return np.concatenate(out)

    def chunks(self, texts: Sequence[str]) -> Iterator[ScoredChunk]:
        """The messages in order, some thousands at a time."""
        for some in split_into_chunks(texts):
            folded = self._normalizer.fold(some)
            debt = _speak_of_debt(folded)
            words = self._word_symbols(folded)
            blocks = [self._terms(block, folded, words, debt) for block in READ_BLOCKS]
            values = [terms.values(self.coef[terms.name].shape[1], len(some)) for terms in blocks]
            yield ScoredChunk(len(some), folded, length_scale(_lengths(folded)), blocks, values, self)

    def _terms(self, block: Block, folded: FoldedTexts, words: _Symbols, debt: np.ndarray) -> _BlockTerms:
        symbols, starts, ends, rows = (
            words if block.analyzer == "word" else self._character_symbols(folded, self._alphabets[block.name])
        )
        if block.of_classes:
            symbols = np.where(symbols >= 0, self._classes[symbols], symbols)
        firsts, lasts, columns = self._grams[block.name].occurrences(symbols, rows)
        of = rows[firsts]
        columns = columns + debt[of] * (self.coef[block.name].shape[1] // 2)
        return _BlockTerms(block.name, of, columns, starts[firsts], ends[lasts])

    def _word_symbols(self, folded: FoldedTexts) -> _Symbols:
        tokens = self._segmenter.words(folded.codes.tobytes().decode("utf-32-le"))
        ids = np.fromiter(map(self._words.get, tokens, repeat(_UNKNOWN)), dtype=np.int32, count=len(tokens))
        ends = np.cumsum(np.fromiter(map(len, tokens), dtype=np.int32, count=len(tokens)))
        starts = np.concatenate(([0], ends[:-1]))
        kept = ids != _BLANK
        return ids[kept], starts[kept], ends[kept], np.cumsum(ids == _JOINT, dtype=np.int32)[kept]

    def _character_symbols(self, folded: FoldedTexts, alphabet: np.ndarray) -> _Symbols:
        codes = folded.codes
        kept = np.flatnonzero(_counted(codes))
        symbols, joints = alphabet[codes], codes == ord(JOINT)
        symbols[joints] = _UNKNOWN
        return symbols[kept], kept, kept + 1, np.cumsum(joints, dtype=np.int32)[kept]


def _counted(codes: np.ndarray) -> np.ndarray:
    """Which characters count, as in scikit-learn's char analyzer: all but blanks behind another one."""
    blank = codes == 32
    return np.asarray(~(blank & np.concatenate(([False], blank[:-1]))))


def _lengths(folded: FoldedTexts) -> np.ndarray:
    """Characters of each message, marks included, blanks in a row counted as one."""
    counts = np.add.reduceat(_counted(folded.codes).astype(np.int64), folded.starts)
    counts[:-1] -= 1  # the joint behind it
    return counts.astype(float)


_DEBT_CODES = np.array([ord(character) for character in DEBT_CHARACTERS], dtype=np.uint32)


def _speak_of_debt(folded: FoldedTexts) -> np.ndarray:
    """Per message :func:`harassclf.features.speaks_of_debt`, as 0 or 1."""
    at = np.flatnonzero(np.isin(folded.codes, _DEBT_CODES))
    found = np.zeros(len(folded.starts), dtype=np.int64)
    found[np.searchsorted(folded.starts, at, side="right") - 1] = 1
    return found
