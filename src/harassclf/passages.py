"""Long texts are looked at again in places: a chain, a post or an article can hold a message that it drowns.

A linear model adds up the whole text, and a thousand characters of everyday talk outweigh one threat. So the places of a
long text that speak most for harassment, its evidence, are judged once more by themselves, as passages of a few
sentences; one of them makes the whole text harassment where it is surer of it than a message alone has to be.
``benchmarks/long_text.py`` measures this against other ways.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import islice

# Of chains of 1,000 to 3,000 characters of real SMS with one harassing message inside the whole text finds none; passages find
# 0.47 and flag none of the same chains without it. All windows of 80 characters instead of the three places find 0.45 at as
# many alarms, and cost several times the whole text.
LONG_TEXT = 500  # characters; shorter texts are judged whole: the corpus has messages of that length, which were read as one act
PLACES = 3
PASSAGE = 50  # characters
MARGIN = 3.0  # log-odds that a passage has to have more than a message

_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;\n]*")


def passages(
    text: str, spans: Iterable[tuple[int, int, float]], places: int = PLACES, size: int = PASSAGE
) -> list[tuple[int, int]]:
    """Start and end of the passages of ``text`` around the first ``places`` of its ``spans`` (start, end, weight; strongest
    first), of at most ``size`` characters, each once."""
    sentences = [match.span() for match in _SENTENCE.finditer(text)] or [(0, len(text))]
    found = [_around(sentences, (start + end) // 2, size) for start, end, _ in islice(spans, places)]
    return list(dict.fromkeys(found))


def _around(sentences: Sequence[tuple[int, int]], place: int, size: int) -> tuple[int, int]:
    """The sentence at ``place`` and as many whole ones beside it, after and before in turn, as a passage holds; a part of the
    sentence where it is longer than that."""
    first = last = next((i for i, (_, end) in enumerate(sentences) if place < end), len(sentences) - 1)
    start, end = sentences[first]
    if end - start > size:
        start = max(start, place - size // 2)
        return start, min(end, start + size)
    grown = True
    while grown:
        grown = False
        if last + 1 < len(sentences) and sentences[last + 1][1] - start <= size:
            last, end, grown = last + 1, sentences[last + 1][1], True
        if first and end - sentences[first - 1][0] <= size:
            first, start, grown = first - 1, sentences[first - 1][0], True
    return start, end


def lowered(probabilities: Sequence[float]) -> list[float]:
    """The probabilities of the labels if the log-odds of the first were less by the margin."""
    first, *others = probabilities
    first *= math.exp(-MARGIN)
    total = first + sum(others)
    return [value / total for value in (first, *others)]
