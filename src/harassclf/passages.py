"""Long texts are looked at again in places: a chain, a post or an article can hold a message that it drowns.

A linear model adds up the whole text, and a thousand characters of everyday talk outweigh one threat. So the places of a
long text that speak most for harassment, its evidence, are judged once more by themselves, as passages of a few
sentences; one of them makes the whole text harassment where it is surer of it than a message alone has to be. Nor does a
sum of many small weights: a long text is harassment as a whole only where one of its passages is.
``benchmarks/long_text.py`` measures this against other ways.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

# Of chains of 1,000 to 3,000 characters of real SMS with one harassing message inside the whole text finds none; passages find
# 0.51 and flag 0.01 of the same chains without it. Windows of 80 characters over the whole text, surer by two, find 0.57 and flag
# 0.03, and 0.42 of chains of everyday messages (passages 0.06), and cost several times the whole text.
LONG_TEXT = 500  # characters; shorter texts are judged whole: the corpus has messages of that length, which were read as one act
PLACES = 3
PASSAGE = 50  # characters
MARGIN = 3.0  # log-odds that a passage has to have more than a message
# Log-odds by which the whole has to stay below its surest passage. While evidence fell as the root of the length, the whole flagged all
# chains of everyday messages, jokes and quarrels among them, and with this rule 0.21; now it flags none, with the rule or without.
SUPPORT = 2.0

_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*|[。！？!?；;\n]+")


def passages(
    text: str, spans: Iterable[tuple[int, int, float]], places: int = PLACES, size: int = PASSAGE
) -> list[tuple[int, int]]:
    """Start and end of the ``places`` passages of ``text``, runs of whole sentences of at most ``size`` characters, on which most
    weight of its ``spans`` (start, end, weight) lies, heaviest first. A longer sentence is cut."""
    pieces = [
        (at, min(at + size, match.end())) for match in _SENTENCE.finditer(text) for at in range(*match.span(), size)
    ]
    ends = [end for _, end in pieces]
    weights = [0.0] * len(pieces)
    for start, end, weight in spans:
        weights[bisect_right(ends, (start + end) // 2)] += weight
    runs = {_run(pieces, at, size) for at, weight in enumerate(weights) if weight > 0}
    # Rounded: equal weights summed in another order differ in the last bits, and would change places.
    heaviest = sorted(runs, key=lambda run: (-round(sum(weights[slice(*run)]), 9), run))[:places]
    return [(pieces[first][0], ends[last - 1]) for first, last in heaviest]


def _run(pieces: Sequence[tuple[int, int]], at: int, size: int) -> tuple[int, int]:
    """First and behind the last of the pieces around ``at``, those after and before it in turn, that hold ``size`` characters."""
    first, last, grown = at, at + 1, True
    while grown:
        grown = False
        if last < len(pieces) and pieces[last][1] - pieces[first][0] <= size:
            last, grown = last + 1, True
        if first and pieces[last - 1][1] - pieces[first - 1][0] <= size:
            first, grown = first - 1, True
    return first, last


def lowered(probabilities: Sequence[float], margin: float = MARGIN) -> list[float]:
    """The probabilities of the labels if the log-odds of the first were less by the margin."""
    first, *others = probabilities
    first *= math.exp(-margin)
    total = first + sum(others)
    return [value / total for value in (first, *others)]


def supported(whole: Sequence[float], surest: Sequence[float]) -> list[float]:
    """The probabilities of the labels of a long text, the first no higher than its surest passage bears (``SUPPORT``)."""
    most = lowered(surest, SUPPORT)[0]
    first, *others = whole
    if first <= most:
        return list(whole)
    rest = others if sum(others) > 0 else surest[1:]  # the sum of a long text can leave nothing for the others
    return [most, *(value * (1 - most) / sum(rest) for value in rest)]
