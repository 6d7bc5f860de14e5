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
from collections.abc import Iterable, Iterator, Sequence

# Numbers of ``benchmarks/long_text.py``, chains of reserved voices' messages with one harassing message inside. Of 150 to 400 characters the whole
# text finds 0.29 (among everyday messages) and 0.19 (among real SMS), passages 0.45 and 0.35, at the same alarms on chains without it. Of 1,000
# to 3,000 characters the whole text finds none, passages 0.33 and 0.49 at alarms of 0.01 and 0.02. Windows of 80 characters over the whole
# text find more, raise several times the alarms and cost several times the whole text.
LONG_TEXT = 100  # characters; shorter texts are judged whole
PLACES = 3
PASSAGE = 50  # characters
# Log-odds that a passage has to have more than a message, by the length of the text (characters, over which it holds). In chains of over 1,000
# passages with 2, 4 and 6 find 0.57, 0.33 and 0.16 among everyday messages, and flag 0.08, 0.01 and 0.00 of such chains without one. In shorter
# texts 4 would find 0.54 and 0.49 instead of 0.45 and 0.35, and flag 0.107 instead of 0.087 of reports that quote without marks (the whole text: 0.060).
MARGINS = ((500, 4.0), (LONG_TEXT, 6.0))

# A quotation is no place: reports and posts quote what they report. Judged by themselves, quotations had 1 in 27 of such reports flagged,
# without them 1 in 80 (a reviewer's count), as many as when all are judged whole. Marks pair in their order, whatever their length,
# so that the end of one is not taken for the start of the next; a quoted word, and marks around most of the text, hide nothing.
_MARKED = re.compile('“[^“”]*”|「[^「」]*」|『[^『』]*』|‘[^‘’]*’|"[^"]*"')
_QUOTATION, _QUOTED_SHARE = range(8, 153), 0.7  # characters with their marks; of the text at most
_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*|[。！？!?；;\n]+")

Stretch = tuple[int, int]  # start and end


def passages(
    text: str, spans: Iterable[tuple[int, int, float]], places: int = PLACES, size: int = PASSAGE
) -> list[Stretch]:
    """Start and end of the ``places`` passages of ``text``, runs of whole sentences of at most ``size`` characters, on which most
    weight of its ``spans`` (start, end, weight) lies, heaviest first. Quotations are cut out, a longer sentence is cut up."""
    pieces = _pieces(text, size)
    weights = _weights(pieces, spans)
    runs = {_run(pieces, at, size) for at, weight in enumerate(weights) if weight > 0}
    # Rounded: equal weights summed in another order differ in the last bits, and would change places.
    heaviest = sorted(runs, key=lambda run: (-round(sum(weights[slice(*run)]), 9), run))[:places]
    return [(pieces[first][0], pieces[last - 1][1]) for first, last in heaviest]


def _pieces(text: str, size: int) -> list[Stretch]:
    """The sentences outside of quotations, none longer than ``size``."""
    return [
        (at, min(at + size, sentence.end()))
        for stretch in _unquoted(text)
        for sentence in _SENTENCE.finditer(text, *stretch)
        for at in range(*sentence.span(), size)
    ]


def _unquoted(text: str) -> Iterator[Stretch]:
    """What lies between the quotations."""
    start = 0
    for marked in _MARKED.finditer(text):
        length = marked.end() - marked.start()
        if length in _QUOTATION and length <= _QUOTED_SHARE * len(text):
            yield start, marked.start()
            start = marked.end()
    yield start, len(text)


def _weights(pieces: Sequence[Stretch], spans: Iterable[tuple[int, int, float]]) -> list[float]:
    """The weight on each piece; that on quotations falls away."""
    starts, weights = [start for start, _ in pieces], [0.0] * len(pieces)
    for start, end, weight in spans:
        middle = (start + end) // 2
        at = bisect_right(starts, middle) - 1
        if at >= 0 and middle < pieces[at][1]:
            weights[at] += weight
    return weights


def _run(pieces: Sequence[Stretch], at: int, size: int) -> tuple[int, int]:
    """First and behind the last of the pieces around ``at``, those after and before it in turn, that hold ``size`` characters and follow
    on one another."""
    first, last, grown = at, at + 1, True
    while grown:
        grown = False
        if last < len(pieces) and _joined(pieces, last) and pieces[last][1] - pieces[first][0] <= size:
            last, grown = last + 1, True
        if first and _joined(pieces, first) and pieces[last - 1][1] - pieces[first - 1][0] <= size:
            first, grown = first - 1, True
    return first, last


def _joined(pieces: Sequence[Stretch], at: int) -> bool:
    """Whether a piece begins where the one before it ends."""
    return pieces[at - 1][1] == pieces[at][0]


def margin_of(length: int) -> float:
    """Log-odds that a passage of a text of ``length`` characters has to have more than a message."""
    return next((margin for over, margin in MARGINS if length > over), math.inf)


def lowered(probabilities: Sequence[float], margin: float) -> list[float]:
    """The probabilities of the labels if the log-odds of the first were less by the margin."""
    first, *others = probabilities
    first *= math.exp(-margin)
    total = first + sum(others)
    return [value / total for value in (first, *others)]
