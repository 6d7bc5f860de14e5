"""Which stretches of a message carry a decision: one rule, for one message and for many at once.

A stretch is a run of characters that each carry at least a share of the strongest character's weight; stretches with at
most one character between them are one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

MAX_SPANS = 5
# 0.25 marks about a third of a held-out harassing message; 0.1 marks most of it, 0.5 single characters.
SPAN_SHARE = 0.25
# A margin far under any real difference, so that sums taken in another order give the same stretches.
_NOTHING = 1e-9


def spans(weights: Sequence[float], share: float = SPAN_SHARE) -> list[tuple[int, int, float]]:
    """Start, end and weight of each stretch in one message, in order, from the weights of its characters.

    Plain Python: for one message the array form below takes 60 µs, this one 4.
    """
    strongest = max(weights, default=0.0)
    if strongest <= _NOTHING:
        return []
    found: list[tuple[int, int, float]] = []
    for i, weight in enumerate(weights):
        if weight < strongest * share - _NOTHING:
            continue
        if found and i - found[-1][1] <= 1:
            start, _, before = found.pop()
            found.append((start, i + 1, before + weight))
        else:
            found.append((i, i + 1, weight))
    return found


def spans_of_joined(
    weights: np.ndarray, message_starts: np.ndarray, wanted: np.ndarray, share: float = SPAN_SHARE
) -> list[list[tuple[int, int, float]]]:
    """The same for messages laid end to end: ``weights`` of all characters, where each message starts, and which are
    wanted; starts and ends count from the start of their message."""
    rows = np.repeat(np.arange(len(message_starts)), np.diff(message_starts, append=len(weights)))
    strongest = np.full(len(message_starts), -np.inf)
    np.maximum.at(strongest, rows, weights)
    limit = np.where(wanted & (strongest > _NOTHING), strongest * share, np.inf)
    starts, ends = _runs(weights >= limit[rows] - _NOTHING, rows)
    total = np.concatenate(([0.0], np.cumsum(weights)))
    found: list[list[tuple[int, int, float]]] = [[] for _ in message_starts]
    if len(starts):
        first, last = _joined(starts, ends, rows)
        of, begin, end = rows[starts[first]], starts[first], ends[last]
        carried = _weight_in_runs(total, starts, ends, first)
        offset = message_starts[of]
        for row, a, b, weight in zip(
            of.tolist(), (begin - offset).tolist(), (end - offset).tolist(), carried.tolist(), strict=True
        ):
            found[row].append((a, b, weight))
    return found


def _runs(marked: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the runs of marked characters, cut where a message ends."""
    change = np.flatnonzero(np.diff(rows)) + 1
    before, after = np.concatenate(([False], marked[:-1])), np.concatenate((marked[1:], [False]))
    before[change] = False
    after[change - 1] = False
    return np.flatnonzero(marked & ~before), np.flatnonzero(marked & ~after) + 1


def _joined(starts: np.ndarray, ends: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last run of every stretch: runs of one message with at most one character between them."""
    apart = (starts[1:] - ends[:-1] > 1) | (rows[starts[1:]] != rows[starts[:-1]])
    first = np.concatenate(([0], np.flatnonzero(apart) + 1))
    return first, np.concatenate((first[1:] - 1, [len(starts) - 1]))


def _weight_in_runs(total: np.ndarray, starts: np.ndarray, ends: np.ndarray, first: np.ndarray) -> np.ndarray:
    return np.asarray(np.add.reduceat(total[ends] - total[starts], first))
