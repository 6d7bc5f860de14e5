"""What each term of a message adds to each decision value: idf, coefficients and the second weight beside a debt, folded.

A block that ``about_debt`` names another one has no n-grams of its own: its weights are added to that block's where the
message speaks of a debt. So a term has two weights, and a message looks up each of its n-grams once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harassclf.artifact import Artifact
from harassclf.errors import ModelError
from harassclf.features import BLOCKS, READ_BLOCKS, Block, block_descriptions

# Coefficients are multiples of this, so that they take two bytes in the kernel's rows and compress well; see stacking._rounded. With
# 1/128 the folder of 699,143 terms has 19.8 MB (limit 20).
COEFFICIENT_STEP = 1 / 128


@dataclass(frozen=True, slots=True)
class TermWeights:
    """Terms of one block, in array order; ``weights[0]`` counts in messages without a word about debts, ``weights[1]``
    in those with one; shape ``(2, terms, parts + categories)``. A term's value is its weight times ``1 + ln tf``."""

    terms: list[str]
    weights: np.ndarray


def term_weights(artifact: Artifact) -> dict[str, TermWeights]:
    """The folded weights of every block of :data:`harassclf.features.READ_BLOCKS`."""
    return {block.name: _of_block(block, artifact) for block in READ_BLOCKS}


def _of_block(block: Block, artifact: Artifact) -> TermWeights:
    second = [b for b in BLOCKS if b.about_debt == block.name]
    terms = list(dict.fromkeys(t for b in (block, *second) for t in artifact.vocabulary[b.name].split()))
    position = dict(zip(terms, range(len(terms)), strict=True))
    weights = np.zeros((2, len(terms), len(artifact.intercept)))
    for b in (block, *second):
        at = [position[term] for term in artifact.vocabulary[b.name].split()]
        folded = artifact.idf[b.name][:, None] * artifact.coef[b.name].astype(np.float64)
        weights[1, at] += folded
        if not b.about_debt:
            weights[0, at] += folded
    return TermWeights(terms, weights)


def check_blocks(artifact: Artifact) -> None:
    """Raise :class:`ModelError` unless the model was trained on the blocks that this version computes."""
    if artifact.metadata["blocks"] != block_descriptions():
        raise ModelError(f"{artifact.folder}: trained on other features than this version computes; train again or use the "
                         "harassclf version that wrote it")  # fmt: skip
