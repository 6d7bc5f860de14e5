"""The trained linear model as plain arrays: the numbers of the saved scikit-learn pipeline, without scikit-learn.

A block's value of a term is ``(1 + ln tf) * idf``, the block divided by its own L2 norm (scikit-learn's
``TfidfVectorizer(sublinear_tf=True)``); decision values are the dot product with the coefficients plus the intercept.
Agreement with the saved pipeline is tested to 1e-9 on the whole corpus.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harassclf.artifact import Artifact
from harassclf.features import BLOCKS, Block, Document, fold, terms
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
class Prepared:
    """One message ready to score."""

    normalized: Normalized
    document: Document


@dataclass(frozen=True, slots=True)
class _BlockWeights:
    block: Block
    index: dict[str, int]
    idf: list[float]
    coef: np.ndarray  # shape (terms, labels + categories)


class Scorer:
    """Decision values of messages; stateless after construction, safe to share between threads."""

    def __init__(self, artifact: Artifact, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._intercept = artifact.intercept
        self._blocks = [
            _BlockWeights(
                block,
                {term: i for i, term in enumerate(artifact.vocabulary[block.name])},
                artifact.idf[block.name].tolist(),
                artifact.coef[block.name],
            )
            for block in BLOCKS
        ]

    @property
    def intercept(self) -> np.ndarray:
        """Shape ``(labels + categories,)``."""
        return self._intercept

    def prepare(self, text: str) -> Prepared:
        """Normalise and cut one message."""
        normalized = normalize(text)
        folded = fold(normalized.text)
        return Prepared(normalized, Document.from_folded(folded, self._segmenter.words(folded)))

    def decision(self, document: Document) -> np.ndarray:
        """Decision values of one message, shape ``(labels + categories,)``."""
        total = self._intercept.copy()
        for weights in self._blocks:
            ids, values = _block_values(document, weights)
            if ids:
                total += np.asarray(values) @ weights.coef[ids]
        return total

    def contributions(self, document: Document, column: int) -> list[Contribution]:
        """Every known term's share of decision value ``column``; with the intercept they add up to it exactly."""
        return [c for weights in self._blocks for c in _block_contributions(document, weights, column)]


def _block_values(document: Document, weights: _BlockWeights) -> tuple[list[int], list[float]]:
    lookup, idf = weights.index.get, weights.idf
    counts: dict[int, int] = {}
    for term, _, _ in terms(document, weights.block):
        if (i := lookup(term)) is not None:
            counts[i] = counts.get(i, 0) + 1
    values = [idf[i] * (1.0 + math.log(tf)) if tf > 1 else idf[i] for i, tf in counts.items()]
    norm = math.sqrt(math.fsum(v * v for v in values)) or 1.0
    return list(counts), [v / norm for v in values]


def _block_contributions(document: Document, weights: _BlockWeights, column: int) -> Iterator[Contribution]:
    ids, values = _block_values(document, weights)
    spans: dict[int, list[tuple[int, int]]] = {i: [] for i in ids}
    words: dict[int, str] = {}
    for term, start, end in terms(document, weights.block):
        if (i := weights.index.get(term)) is not None:
            spans[i].append((start, end))
            words[i] = term
    for i, value in zip(ids, values, strict=True):
        yield Contribution(weights.block.name, words[i], float(value * weights.coef[i, column]), tuple(spans[i]))
