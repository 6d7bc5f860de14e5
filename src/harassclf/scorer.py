"""The trained model as plain arrays: the numbers of the saved scikit-learn pipeline, without scikit-learn.

A term's value is ``(1 + ln tf) * idf * block weight`` (scikit-learn's ``TfidfVectorizer(sublinear_tf=True, norm=None)``
in a ``ColumnTransformer``) times :func:`harassclf.features.length_scale`, twice with two coefficients in a message that speaks of a debt; parts and
the decision values of categories are the dot product with the coefficients plus the intercept; a label's decision value is made of the parts (:mod:`harassclf.subclasses`).
Agreement with the saved pipeline is tested to 1e-9 on the whole corpus. This module scores one message and can
explain it, ``bulk`` scores many; where there is a compiled ``kernel``, it does both in less time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import add
from typing import cast

import numpy as np

from harassclf.artifact import Artifact
from harassclf.evidence import spans
from harassclf.features import READ_BLOCKS, Block, Document, bounded, fold, length_scale, speaks_of_debt
from harassclf.normalize import Normalized, normalize
from harassclf.segment import Segmenter
from harassclf.subclasses import PARTS, Mixture
from harassclf.weights import term_weights


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one term adds to one decision value, and where it stands in the normalised text."""

    block: str
    term: str
    value: float
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Grams:
    """The n-grams of one block and one n in one message, in order: the term of each, None where it is unknown."""

    block: Block
    n: int
    terms: list[int | None]


@dataclass(frozen=True, slots=True)
class Scored:
    """One scored message: ``labels`` are the decision values of the labels, ``frequencies`` how often each known term
    occurs. The rest is computed when asked for: categories and evidence matter for few messages."""

    normalized: Normalized
    document: Document
    labels: list[float]
    frequencies: dict[int, int]
    parts: list[float]
    shares: np.ndarray  # what each of these terms adds to each part, shape ``(terms, parts)``
    grams: list[_Grams]
    scale: float  # of its length
    model: _Weights

    @property
    def categories(self) -> list[float]:
        """Decision values of the categories."""
        return self.model.categories.decision(self.model.categories.shares(self.frequencies) * self.scale)

    @property
    def decision(self) -> np.ndarray:
        """Shape ``(labels + categories,)``."""
        return np.array(self.labels + self.categories)

    def intercept(self, column: int) -> float:
        """What decision value ``column`` has of no term: with :meth:`contributions` it adds up to it exactly."""
        if column >= len(self.labels):
            return float(self.model.categories.intercept[column - len(self.labels)])
        slopes = self._slopes(column)
        return self.labels[column] - float(slopes @ (np.array(self.parts) - self.model.parts.intercept))

    def contributions(self, column: int) -> list[Contribution]:
        """Every known term's share of decision value ``column``; of a label's, its shares of the parts, each as far as the decision
        value rises with it at this message."""
        last = len(self.normalized.text)
        where: dict[int, list[tuple[int, int]]] = {term: [] for term in self.frequencies}
        blocks: dict[int, str] = {}
        for grams in self.grams:
            for term, start, end in _occurrences(self.document, grams):
                where[term].append((max(0, start - 1), min(last, end - 1)))  # without the mark of the start
                blocks[term] = grams.block.name
        return [
            Contribution(blocks[term], self.model.names[term], share, tuple(where[term]))
            for term, share in zip(self.frequencies, self._shares(column), strict=True)
        ]

    def spans(self, column: int) -> list[tuple[int, int, float]]:
        """Start, end and weight of the stretches of the *raw* text on which decision value ``column`` rests, in order."""
        return self.normalized.raw_spans(spans(self.character_weights(column)))

    def character_weights(self, column: int) -> list[float]:
        """The part of decision value ``column`` that rests on each normalised character: each term's contribution
        spread evenly over its occurrences and over their characters."""
        share: dict[int | None, float] = dict(zip(self.frequencies, self._shares(column), strict=True))
        for term, frequency in self.frequencies.items():
            if frequency > 1:
                share[term] /= frequency
        share[None] = 0.0
        uncollapsed = isinstance(self.document.character_starts, range)
        even = [grams for grams in self.grams if uncollapsed and grams.block.analyzer == "char" and grams.terms]
        steps = [0.0] * (len(self.document.folded) + 1)
        for block in READ_BLOCKS:
            starts, ends = self.document.bounds(block, 1) if block.analyzer == "word" or not uncollapsed else ((), ())
            for grams in self.grams:
                if grams.block is block and starts:
                    _add_steps(steps, grams, starts, ends, share)
        weights = list(accumulate(steps[:-1]))
        for grams in even:
            weights = list(map(add, weights, _evenly([share[term] for term in grams.terms], grams.n)))
        return weights[1:-1]  # without the marks of start and end

    def _shares(self, column: int) -> list[float]:
        if column < len(self.labels):
            return cast("list[float]", (self.shares @ self._slopes(column)).tolist())
        of_categories = self.model.categories.shares(self.frequencies) * self.scale
        return cast("list[float]", of_categories[:, column - len(self.labels)].tolist())

    def _slopes(self, column: int) -> np.ndarray:
        return np.array(self.model.mixture.slopes_of_one(self.parts, column))


@dataclass(frozen=True, slots=True)
class _Outputs:
    """Some decision values of a linear model: ``weights`` (idf multiplied in) has shape ``(terms, outputs)``.

    Parts and categories have a table each: that of the parts stays in the processor's cache.
    """

    weights: np.ndarray
    intercept: np.ndarray

    def shares(self, frequencies: dict[int, int]) -> np.ndarray:
        """What each of these terms adds to each decision value, shape ``(terms, outputs)``."""
        shares = self.weights.take(np.fromiter(frequencies, np.intp, len(frequencies)), axis=0)
        if max(frequencies.values(), default=1) > 1:
            shares *= (1.0 + np.log(np.fromiter(frequencies.values(), float, len(frequencies))))[:, None]
        return shares

    def decision(self, shares: np.ndarray) -> list[float]:
        """Shape ``(outputs,)``."""
        return cast("list[float]", (self.intercept + shares.sum(axis=0)).tolist())


@dataclass(frozen=True, slots=True)
class _Weights:
    """All blocks as one table: one gather a message instead of two a block, a fifth of its time."""

    parts: _Outputs
    categories: _Outputs
    names: list[str]  # of all terms
    mixture: Mixture


def _weights(table: np.ndarray, artifact: Artifact, names: list[str]) -> _Weights:
    parts, categories = (
        _Outputs(np.ascontiguousarray(table[:, columns]), artifact.intercept[columns])
        for columns in (slice(len(PARTS)), slice(len(PARTS), None))
    )
    return _Weights(parts, categories, names, artifact.mixture)


class Scorer:
    """Scores one message at a time; stateless after construction, safe to share between threads."""

    def __init__(self, artifact: Artifact, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._index: dict[str, dict[str, int]] = {}
        names: list[str] = []
        blocks = term_weights(artifact)
        for name, block in blocks.items():
            self._index[name] = dict(zip(block.terms, range(len(names), len(names) + len(block.terms)), strict=True))
            names += block.terms
        without, beside = np.concatenate([block.weights for block in blocks.values()], axis=1)
        self._weights = _weights(without, artifact, names), _weights(beside, artifact, names)

    def score(self, text: str) -> Scored:
        """Normalise, cut and score one message."""
        normalized = normalize(text)
        folded = bounded(fold(normalized.text))
        document = Document.from_folded(folded, self._segmenter.words(folded))
        grams = [self._grams(document, block, n) for block, n in _BLOCK_NS]
        counts = Counter(chain.from_iterable([g.terms for g in grams]))
        counts.pop(None, None)
        frequencies = cast("dict[int, int]", counts)
        weights = self._weights[speaks_of_debt(folded)]
        scale = length_scale(len(document.characters))
        shares = weights.parts.shares(frequencies) * scale
        parts = weights.parts.decision(shares)
        labels = weights.mixture.labels_of_one(parts)
        return Scored(normalized, document, labels, frequencies, parts, shares, grams, scale, weights)

    def _grams(self, document: Document, block: Block, n: int) -> _Grams:
        return _Grams(block, n, list(map(self._index[block.name].get, document.ngrams(block, n))))


_BLOCK_NS = tuple((block, n) for block in READ_BLOCKS for n in block.lengths)


def _occurrences(document: Document, grams: _Grams) -> Iterator[tuple[int, int, int]]:
    """Every occurrence of a known term: the term, its start and its end in the folded text between its marks."""
    starts, ends = document.bounds(grams.block, grams.n)
    for term, start, end in zip(grams.terms, starts, ends, strict=True):
        if term is not None:
            yield term, start, end


def _evenly(shares: list[float], n: int) -> list[float]:
    """What each character gets of the n-grams over it, from the share of each n-gram."""
    if n == 1:
        return shares
    padding = [0.0] * (n - 1)
    padded = [*padding, *[share / n for share in shares], *padding]
    total = padded
    for k in range(1, n):
        total = list(map(add, total, padded[k:]))
    return total


def _add_steps(
    steps: list[float],
    grams: _Grams,
    starts: Sequence[int],
    ends: Sequence[int],
    share: Mapping[int | None, float],
) -> None:
    """Add each occurrence's weight where it begins and take it away where it ends; summed up they are the weights.

    ``starts`` and ``ends`` are those of the single words or characters.
    """
    for term, start, end in zip(grams.terms, starts, ends[grams.n - 1 :], strict=False):
        if term is not None:
            step = share[term] / (end - start)
            steps[start] += step
            steps[end] -= step
