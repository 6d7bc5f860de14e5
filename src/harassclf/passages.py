"""Long texts are looked at again in places: a chain, a post or an article can hold a message that it drowns.

A linear model adds up the whole text, and a thousand characters of everyday talk outweigh one threat. So the places of a
long text that speak most for harassment, its evidence, are judged once more by themselves, as passages of a few
sentences; one of them makes the whole text harassment where it is surer of it than a message alone has to be.
``benchmarks/long_text.py`` measures this against other ways.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

# Of chains of 1,000 to 3,000 characters of real SMS with one harassing message inside the whole text finds none; passages find
# 0.45 and flag 0.01 of the same chains without it, and 0.02 of chains of everyday messages, jokes and quarrels among them. Windows of 80
# characters over the whole text, surer by as much, find 0.33 at about the same alarms and cost several times the whole text.
LONG_TEXT = 100  # characters; shorter texts are judged whole
PLACES = 3
PASSAGE = 50  # characters
# Log-odds that a passage has to have more than a message, by the length of the text (characters, over which it holds). Over 500, with 2, 3 and
# 4 passages find 0.61, 0.52 and 0.45 of those in chains of real SMS, and flag 0.13, 0.05 and 0.02 of chains of everyday messages. In 150, 200,
# 300 and 400 characters of reserved voices' messages the whole text finds 0.39, 0.27, 0.08 and 0.04 of one harassing message inside, passages
# with 6 find 0.51, 0.40, 0.31 and 0.30; of 600 chains without it 11 and 13 are flagged, of 698 messages as written F1 0.976 and 0.979, of
# 46,190 real SMS, comments, questions and adverts not one more. With 4 F1 falls to 0.972.
MARGINS = ((500, 4.0), (LONG_TEXT, 6.0))

# A quotation is no place: reports and posts quote what they report. With quotations judged by themselves 1 in 30 of 1,000 reports of about
# 110 characters was flagged, without them 1 in 200, as when they are judged whole. Only closed ones, of six characters or more: a mark at the
# start, or marks around single words, hide nothing.
_QUOTATION = re.compile('“[^“”]{6,}”|「[^「」]{6,}」|『[^『』]{6,}』|‘[^‘’]{6,}’|"[^"]{6,}"')
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*|[。！？!?；;\n]+")


def passages(
    text: str, spans: Iterable[tuple[int, int, float]], places: int = PLACES, size: int = PASSAGE
) -> list[tuple[int, int]]:
    """Start and end of the ``places`` passages of ``text``, runs of whole sentences of at most ``size`` characters, on which most
    weight of its ``spans`` (start, end, weight) lies, heaviest first; none of them holds words of a quotation. A longer
    sentence is cut."""
    pieces = [
        (at, min(at + size, match.end())) for match in _SENTENCE.finditer(text) for at in range(*match.span(), size)
    ]
    ends = [end for _, end in pieces]
    weights = [0.0] * len(pieces)
    for start, end, weight in spans:
        weights[bisect_right(ends, (start + end) // 2)] += weight
    quotations = [match.span() for match in _QUOTATION.finditer(text)]
    grown = {_run(pieces, at, size) for at, weight in enumerate(weights) if weight > 0}
    runs = [(a, b) for a, b in grown if not _overlaps(pieces[a][0], pieces[b - 1][1], quotations)]
    # Rounded: equal weights summed in another order differ in the last bits, and would change places.
    heaviest = sorted(runs, key=lambda run: (-round(sum(weights[slice(*run)]), 9), run))[:places]
    return [(pieces[first][0], ends[last - 1]) for first, last in heaviest]


def _overlaps(start: int, end: int, stretches: Iterable[tuple[int, int]]) -> bool:
    return any(first < end and start < last for first, last in stretches)


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


def margin_of(length: int) -> float:
    """Log-odds that a passage of a text of ``length`` characters has to have more than a message."""
    return next((margin for over, margin in MARGINS if length > over), math.inf)


def lowered(probabilities: Sequence[float], margin: float) -> list[float]:
    """The probabilities of the labels if the log-odds of the first were less by the margin."""
    first, *others = probabilities
    first *= math.exp(-margin)
    total = first + sum(others)
    return [value / total for value in (first, *others)]
