"""Latin letters read as the Chinese they spell: 还qian and tongxunlu say what 还钱 and 通讯录 say.

Works as a pinyin input method does: letters are cut into as few syllables as possible, each may be any of the characters
that are read so, and the likeliest characters beside their neighbours are taken (Viterbi 1967). Tones and what the table does not
hold are no help, so rare words come out wrong: of 1,842 harassing messages with half of the commoner characters
spelled so, half came back whole. English words that look like syllables stay (``resources/not_pinyin.txt``: those of
mixed messages in the corpus, and common ones), as does whatever makes no likely Chinese.

The table (``resources/pinyin.json``, made by :mod:`harassclf.pinyin_table` from the training text and pypinyin) has the characters of each syllable,
and for each character which ones follow it, by how many bits that says (``""``: at all; ``^``: a text's edge, or whatever is no Han character).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import accumulate, pairwise

EDGE = "^"
# Bits that a pair costs which the training text has fewer than ten times, beside those of its second character.
_UNSEEN = 5
_LONGEST = 6  # letters of a syllable: zhuang
_ALONE = 3  # syllables that words beside no Han character need to be read
SPELLED = 2 * _ALONE  # letters that so many have at least
_WORD_LETTERS = 60  # longer words are no pinyin, and
_TOGETHER = 60  # more syllables in a row are read in parts, so that no text costs more than its length


@dataclass(frozen=True, slots=True)
class _Table:
    characters: Mapping[str, str]
    followers: Mapping[str, Mapping[str, str]]  # what follows a character, by bits; as the file has it
    not_pinyin: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """One character that ``text[start:end]`` spells."""

    start: int
    end: int
    character: str


def _resource(name: str) -> str:
    return resources.files("harassclf").joinpath(f"resources/{name}").read_text("utf-8")


def pinyin_table_hash() -> str:
    """SHA-256 of the table and of the words that are no pinyin: a model knows the characters it was trained with."""
    return hashlib.sha256((_resource("pinyin.json") + _resource("not_pinyin.txt")).encode("utf-8")).hexdigest()


@cache
def _table() -> _Table:
    source = json.loads(_resource("pinyin.json"))
    return _Table(source["syllables"], source["followers"], frozenset(_resource("not_pinyin.txt").split()))


@lru_cache(1_000)  # all 60,000 pairs as dictionaries would be 10 MB a process
def _followers(first: str) -> dict[str, int]:
    """Bits of each character that follows ``first``; of each at all for an empty one."""
    levels = _table().followers.get(first, {})
    return {second: int(level) for level, seconds in levels.items() for second in seconds}


@lru_cache(2_000)  # the masks of an export (PLACE, NAME) stand in nearly every row
def syllables(word: str) -> tuple[str, ...]:
    """``word`` cut into as few syllables of pinyin as possible; empty where it is none, or English."""
    word = word.lower().replace("ü", "v")
    known = _table()
    if word in known.not_pinyin or len(word) > _WORD_LETTERS:
        return ()
    cut: list[tuple[str, ...] | None] = [()]
    for end in range(1, len(word) + 1):
        ways = [
            (*before, word[start:end])
            for start in range(max(0, end - _LONGEST), end)
            if (before := cut[start]) is not None and word[start:end] in known.characters
        ]
        cut.append(min(ways, key=len, default=None))
    return cut[-1] or ()


_WORD = re.compile("[A-Za-z]+")
_ROW = re.compile("[A-Za-z]+(?: [A-Za-z]+)*")


def readings(text: str, han: re.Pattern[str]) -> Iterator[Reading]:
    """The characters that Latin letters of ``text`` spell, in order: words that touch a Han character, and rows of three or
    more syllables. ``han`` matches a Han character."""
    for row in _ROW.finditer(text):
        left = _neighbour(text, row.start() - 1, han)
        right = _neighbour(text, row.end(), han)
        words = [(match.start(), syllables(match.group())) for match in _WORD.finditer(text, *row.span())]
        for first, last in _runs(words, left != EDGE, right != EDGE):
            before, after = left if first == 0 else EDGE, right if last == len(words) else EDGE
            yield from _read(words[first:last], before, after)


def _neighbour(text: str, at: int, han: re.Pattern[str]) -> str:
    return text[at] if 0 <= at < len(text) and han.match(text[at]) else EDGE


def _runs(
    words: Sequence[tuple[int, tuple[str, ...]]], touches_left: bool, touches_right: bool
) -> Iterator[tuple[int, int]]:
    """Bounds of the words to read together: neighbours that are all pinyin."""
    first = 0
    while first < len(words):
        last = first
        while last < len(words) and words[last][1]:
            last += 1
        touches = (first == 0 and touches_left) or (last == len(words) and touches_right)
        if last > first and (touches or sum(len(cut) for _, cut in words[first:last]) >= _ALONE):
            yield first, last
        first = last + 1


def _read(words: Sequence[tuple[int, tuple[str, ...]]], left: str, right: str) -> Iterator[Reading]:
    every = [syllable for _, cut in words for syllable in cut]
    parts = [every[at : at + _TOGETHER] for at in range(0, len(every), _TOGETHER)]
    befores, afters = [left, *[EDGE] * (len(parts) - 1)], [*[EDGE] * (len(parts) - 1), right]
    characters = "".join(map(_likeliest, map(tuple, parts), befores, afters))
    if not _makes_sense(left + characters + right):
        return
    starts = [start + at for start, cut in words for at in accumulate(map(len, cut[:-1]), initial=0)]
    # A blank behind a syllable goes with it: ni zai na li
    ends = [*starts[1:], words[-1][0] + sum(map(len, words[-1][1]))]
    yield from map(Reading, starts, ends, characters)


def _makes_sense(characters: str) -> bool:
    """Whether half of these neighbours are met in training text: most English words and names fail here."""
    pairs = [pair for pair in pairwise(characters) if EDGE not in pair]
    known = sum(second in _followers(first) for first, second in pairs)
    return known > 0 and 2 * known >= len(pairs)


@lru_cache(4_000)  # abbreviations and names of apps come again and again
def _likeliest(every: tuple[str, ...], left: str, right: str) -> str:
    best = {left: (0, "")}
    for syllable in every:
        best = _next(best, _table().characters[syllable])
    return _next(best, right)[right][1][: len(every)]


_Paths = dict[str, tuple[int, str]]  # by its last character the cheapest text: bits, and the text


def _next(best: _Paths, characters: str) -> _Paths:
    """The cheapest texts that end in each of ``characters``, of equal ones the first in order."""
    alone = _followers("")
    ways: dict[str, list[tuple[int, str]]] = {character: [] for character in characters}
    met: dict[str, set[str]] = {character: set() for character in characters}
    for last, (cost, text) in best.items():
        known = _followers(last)
        for character in ways.keys() & known.keys():
            ways[character].append((cost + known[character], text))
            met[character].add(last)
    # Any other text costs the same to go on from: only the cheapest one can win.
    in_order = sorted((cost, text, last) for last, (cost, text) in best.items())
    for character, found in ways.items():
        other = next(((c, t) for c, t, last in in_order if last not in met[character]), None)
        if other:
            found.append((other[0] + alone.get(character, 20) + _UNSEEN, other[1]))
    return {character: _longer(min(found), character) for character, found in ways.items()}


def _longer(way: tuple[int, str], character: str) -> tuple[int, str]:
    return way[0], way[1] + character
