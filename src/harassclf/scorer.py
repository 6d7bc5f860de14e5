"""The trained linear model as plain arrays: the numbers of the saved scikit-learn pipeline, without scikit-learn.

A term's value is ``(1 + ln tf) * idf * block weight`` (scikit-learn's ``TfidfVectorizer(sublinear_tf=True, norm=None)``
in a ``ColumnTransformer``); decision values are the dot product with the coefficients plus the intercept.
Agreement with the saved pipeline is tested to 1e-9 on the whole corpus. This module scores one message in the least time
and can explain it; ``bulk`` scores many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from harassclf.artifact import Artifact
from harassclf.errors import ModelError
from harassclf.evidence import spans
from harassclf.features import BLOCKS, Block, Document, fold
from harassclf.normalize import Normalized, normalize
from harassclf.segment import Segmenter


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one term adds to one decision value, and where it stands in the normalised text."""

    block: str
    term: str
    value: float
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _BlockWeights:
    block: Block
    index: dict[str, int]
    terms: list[str]
    idf: np.ndarray  # shape (terms,), times the block's weight
    coef: np.ndarray  # shape (terms, labels + categories)


@dataclass(frozen=True, slots=True)
class _BlockScore:
    """One block of one message: the known terms, their TF-IDF values, and which term each position holds."""

    weights: _BlockWeights
    terms: np.ndarray  # shape (k,): rows of ``weights.coef``
    frequencies: np.ndarray  # shape (k,)
    values: np.ndarray  # shape (k,)
    grams: list[tuple[int, list[int | None]]]  # per n: the term of each n-gram in order, None where it is unknown


@dataclass(frozen=True, slots=True)
class Scored:
    """One scored message: ``decision`` has shape ``(labels + categories,)``."""

    normalized: Normalized
    document: Document
    decision: np.ndarray
    blocks: list[_BlockScore]

    def contributions(self, column: int) -> list[Contribution]:
        """Every known term's share of decision value ``column``; with the intercept they add up to it exactly."""
        return [c for block in self.blocks for c in _contributions(self.document, block, column)]

    def spans(self, column: int) -> list[tuple[int, int, float]]:
        """Start, end and weight of the stretches of the *raw* text on which decision value ``column`` rests, in order."""
        return self.normalized.raw_spans(spans(self.character_weights(column)))

    def character_weights(self, column: int) -> list[float]:
        """The part of decision value ``column`` that rests on each normalised character: each term's contribution
        spread evenly over its occurrences and over their characters."""
        steps = [0.0] * (len(self.normalized.text) + 1)
        for block in self.blocks:
            _add_steps(steps, self.document, block, column)
        total, weights = 0.0, []
        for step in steps[:-1]:
            total += step
            weights.append(total)
        return weights


def check_blocks(artifact: Artifact) -> None:
    """Raise :class:`ModelError` unless the model was trained on the blocks that this version computes."""
    expected = [
        {"name": b.name, "analyzer": b.analyzer, "ngram_range": list(b.ngram_range), "weight": b.weight} for b in BLOCKS
    ]
    if artifact.metadata["blocks"] != expected:
        raise ModelError(f"{artifact.folder}: trained on other features than this version computes; train again or use the "
                         "harassclf version that wrote it")  # fmt: skip


class Scorer:
    """Scores one message at a time; stateless after construction, safe to share between threads."""

    def __init__(self, artifact: Artifact, segmenter: Segmenter) -> None:
        check_blocks(artifact)
        self._segmenter = segmenter
        self._intercept = artifact.intercept
        self._blocks = [
            _BlockWeights(
                block,
                {term: i for i, term in enumerate(artifact.vocabulary[block.name])},
                artifact.vocabulary[block.name],
                artifact.idf[block.name],
                artifact.coef[block.name],
            )
            for block in BLOCKS
        ]

    @property
    def intercept(self) -> np.ndarray:
        """Shape ``(labels + categories,)``."""
        return self._intercept

    def score(self, text: str) -> Scored:
        """Normalise, cut and score one message."""
        normalized = normalize(text)
        folded = fold(normalized.text)
        document = Document.from_folded(folded, self._segmenter.words(folded))
        blocks = [_score(document, weights) for weights in self._blocks]
        decision = self._intercept.copy()
        for block in blocks:
            decision += block.values @ block.weights.coef[block.terms]
        return Scored(normalized, document, decision, blocks)


def _score(document: Document, weights: _BlockWeights) -> _BlockScore:
    low, high = weights.block.ngram_range
    grams = [(n, list(map(weights.index.get, document.ngrams(weights.block, n)))) for n in range(low, high + 1)]
    counts = Counter(chain.from_iterable(ids for _, ids in grams))
    counts.pop(None, None)
    terms = np.fromiter(counts.keys(), dtype=np.int64, count=len(counts))
    frequencies = np.fromiter(counts.values(), dtype=np.float64, count=len(counts))
    values = weights.idf[terms] * (1.0 + np.log(frequencies))
    return _BlockScore(weights, terms, frequencies, values, grams)


def _occurrences(document: Document, block: _BlockScore) -> Iterator[tuple[int, int, int]]:
    """Every occurrence of a known term: the term, its start and its end in the normalised text."""
    for n, ids in block.grams:
        starts, ends = document.bounds(block.weights.block, n)
        for term, start, end in zip(ids, starts, ends, strict=True):
            if term is not None:
                yield term, start, end


def _contributions(document: Document, block: _BlockScore, column: int) -> Iterator[Contribution]:
    spans: dict[int, list[tuple[int, int]]] = {int(term): [] for term in block.terms}
    for term, start, end in _occurrences(document, block):
        spans[term].append((start, end))
    shares = block.values * block.weights.coef[block.terms, column]
    for term, share in zip(block.terms.tolist(), shares.tolist(), strict=True):
        yield Contribution(block.weights.block.name, block.weights.terms[term], share, tuple(spans[term]))


def _add_steps(steps: list[float], document: Document, block: _BlockScore, column: int) -> None:
    """Add each occurrence's weight where it begins and take it away where it ends; summed up they are the weights."""
    each = block.values * block.weights.coef[block.terms, column] / block.frequencies
    share: dict[int, float] = dict(zip(block.terms.tolist(), each.tolist(), strict=True))
    for term, start, end in _occurrences(document, block):
        step = share[term] / (end - start)
        steps[start] += step
        steps[end] -= step
