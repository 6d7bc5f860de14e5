"""Undo what a sender does to pass a filter, and remember where every character came from.

Undone: full-width letters and digits, zero-width and bidi marks, variation selectors, combining strokes,
Traditional characters, compatibility forms (circled, Kangxi radicals), emoji that stand for a word, separators
pushed into a word, characters split into their parts, pinyin beside Chinese (:mod:`harassclf.pinyin`). Homophones and
look-alikes cannot be restored and have to be read in training.

Masks become one sign, whatever they are made of: XX, ***, 〇〇 in place of a name or a sum say nothing about the act, and most texts
that people pass on have some.

Clean text is returned as it is: Chinese punctuation, spaces between phrases and letter case are left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import chain, pairwise

from harassclf.pinyin import SPELLED, readings

HAN_RANGES = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x3FFFF))
_HAN = "".join(f"{chr(first)}-{chr(last)}" for first, last in HAN_RANGES)
# Symbols that nobody writes between two Han characters of one word, and those that also end a phrase.
_TIGHT = r"*_^|\\#+=@$%&~`<>{}\[\]./\-·•丶丨灬×→★☆●○◆◇■□△▲※✓♥♡❤"
_LOOSE = r"'\"・。、，；：！…—～,;:!\s"


MASK = "×"
_SIGNS, _CIRCLES = r"Xx*＊×", "〇○◯"
_MASKING = _SIGNS + _CIRCLES
_NUMERALS = "一二三四五六七八九十百千第"
# Letters of a word (XXL) are no mask, nor are the noughts of a number (二〇〇三年). A mask is tried from its first sign on alone: from
# each one, a long row of asterisks before a letter took the square of its length.
_MASK = re.compile(
    rf"(?<![A-Za-z{_SIGNS}])[{_SIGNS}]{{2,}}(?<![Xx](?=[A-Za-z]))"
    rf"|(?<![{_NUMERALS}{_CIRCLES}])[{_CIRCLES}]{{2,}}(?![{_NUMERALS}{_CIRCLES}])"
)


@dataclass(frozen=True, slots=True)
class Normalized:
    """Normalised text that still knows the raw one.

    ``starts[i]`` and ``ends[i]`` bound the raw characters (code points) that ``text[i]`` came from; both
    sequences never decrease, and have the length of ``text``.
    """

    raw: str
    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Raw bounds of ``text[start:end]``; ``0 <= start < end <= len(text)``."""
        return self.starts[start], self.ends[end - 1]

    def raw_spans(self, spans: Iterable[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
        """Weighted spans of ``text`` as spans of ``raw``, in order; those that touch there become one: an emoji that
        became a word can end one span and begin the next."""
        merged: list[tuple[int, int, float]] = []
        for first, last, weight in spans:
            start, end = self.raw_span(first, last)
            if merged and start <= merged[-1][1]:
                start, previous_end, before = merged.pop()
                end, weight = max(previous_end, end), before + weight
            merged.append((start, end, weight))
        return merged


@dataclass(frozen=True, slots=True)
class _Tables:
    characters: dict[int, str]  # one code point to what it stands for
    emoji: dict[str, str]  # sequences of several code points
    split: dict[str, str]
    hidden: frozenset[str]
    hidden_pairs: frozenset[str]  # every two neighbouring characters of those words
    mapped: frozenset[str]  # what ``characters`` holds or an emoji sequence begins with
    emoji_pattern: re.Pattern[str]
    split_pattern: re.Pattern[str]
    worth_closing: re.Pattern[str]  # where a gap between characters may have to be closed


def normalize(text: str) -> Normalized:
    """Normalise one message. Linear in its length; never fails on any string."""
    tables = _tables()
    pieces = _Pieces(text, range(len(text)), range(1, len(text) + 1))
    # Five searches decide for most messages that there is nothing to do (the first four: 5 µs instead of 177).
    if not tables.mapped.isdisjoint(text):
        pieces = _replace_characters(text, tables)
    if tables.split_pattern.search(pieces.text):
        pieces = _replace_split(pieces, tables)
    if _WORTH_READING.search(pieces.text):
        pieces = _read_pinyin(pieces)
    if tables.worth_closing.search(pieces.text):
        pieces = _close_gaps(pieces, tables)
    if _MASK.search(pieces.text):
        pieces = _replaced(pieces, _masks(pieces.text))
    return Normalized(text, pieces.text, pieces.starts, pieces.ends)


# A phrase mark between two characters each side: neither in a run of single characters nor, unless the characters beside
# it are neighbours in a hidden word, in a gap that could be closed. What is on its two sides does not depend on each other.
_NO_SEPARATOR = "[^丨丶灬]"  # Han characters that stand as separators, too
_PHRASE_MARK = re.compile(
    rf"(?<=[{_HAN}][{_HAN}])(?<={_NO_SEPARATOR}{{2}})[{_LOOSE}](?=[{_HAN}][{_HAN}])(?={_NO_SEPARATOR}{{2}})"
)
_WIDEST = 6
_NEARBY = 64  # characters looked through for such a mark at a time


def normalize_around(text: str, positions: Sequence[int]) -> Normalized:
    """The same as :func:`normalize`, where nothing is changed but at or beside these positions, in order, and by single
    replacements: only the phrases around them are looked at, so that one odd character does not make a long message slow."""
    tables = _tables()
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for position in positions:
        if position < done:
            continue
        first, last = _phrase(text, position, done, tables)
        part = normalize(text[first:last])
        out += text[done:first], part.text
        starts += [*range(done, first), *[first + i for i in part.starts]]
        ends += [*range(done + 1, first + 1), *[first + i for i in part.ends]]
        done = last
    out.append(text[done:])
    starts += range(done, len(text))
    ends += range(done + 1, len(text) + 1)
    return Normalized(text, "".join(out), starts, ends)


def _phrase(text: str, position: int, least: int, tables: _Tables) -> tuple[int, int]:
    """Bounds of the part of ``text`` from ``least`` on that holds a position and depends on nothing outside it."""
    first, last = least, len(text)
    nearby = max(least, position - _NEARBY)
    if marks := [m.end() for m in _PHRASE_MARK.finditer(text, nearby, position) if _parts(text, m, tables)]:
        first = marks[-1]
    for mark in _PHRASE_MARK.finditer(text, position + _WIDEST):  # past the parts of a split character
        if _parts(text, mark, tables):
            last = mark.end()
            break
    return first, last


def _parts(text: str, mark: re.Match[str], tables: _Tables) -> bool:
    """Whether the characters before and behind a mark are those of two phrases: neither a hidden word with a gap in it, nor the
    halves of a split character, which is a single one beside the gap (亻昔 钅戋 is 借 钱)."""
    left, right = (
        "".join(tables.characters.get(ord(character), character) for character in part)
        for part in (text[max(0, mark.start() - 3) : mark.start()], text[mark.end() : mark.end() + 3])
    )
    halves = (left[-2:], left[-3:], right[:2], right[:3])
    return left[-1:] + right[:1] not in tables.hidden_pairs and not any(half in tables.split for half in halves)


@dataclass(frozen=True, slots=True)
class _Pieces:
    text: str
    starts: Sequence[int]
    ends: Sequence[int]


# Letters that may spell Chinese: beside a Han character, two words of them, a long one.
_WORTH_READING = re.compile(rf"(?<=[{_HAN}])[A-Za-z]|[A-Za-z](?=[{_HAN}])|[A-Za-z] [A-Za-z]|[A-Za-z]{{{SPELLED}}}")
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_GAP = re.compile(rf"(?<=[{_HAN}])[{_TIGHT}{_LOOSE}]{{1,3}}(?=[{_HAN}])")
# What can close a gap at all: a symbol between two Han characters, or single ones between any two separators. Tested
# first, since every second message has a comma between Han characters (43 µs a message without, 7 with).
_WORTH_CLOSING = (
    rf"(?<=[{_HAN}])[{_TIGHT}]{{1,3}}(?=[{_HAN}])"
    rf"|(?<=[{_HAN}])[{_TIGHT}{_LOOSE}]{{1,3}}[{_HAN}][{_TIGHT}{_LOOSE}]{{1,3}}(?=[{_HAN}])"
)
_TIGHT_ONLY = re.compile(rf"[{_TIGHT}]+")
# 还 不 还 钱: four or more single characters, each apart from the next by the same separator. Three were too few:
# 早 中 晚 and other lists are ordinary writing.
_SPACED_RUN = re.compile(
    rf"(?<![{_HAN}])[{_HAN}](?P<gap>[{_TIGHT} \t]{{1,2}})[{_HAN}](?:(?P=gap)[{_HAN}]){{2,}}(?![{_HAN}])"
)


def _replace_characters(text: str, tables: _Tables) -> _Pieces:
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    # What lies between is copied as it is: one character at a time took ten times as long in long messages.
    for start, end, value in chain(_mapped(text, tables), [(len(text), len(text), "")]):
        out += text[position:start], value
        starts += [*range(position, start), *([start] * len(value))]
        ends += [*range(position + 1, start + 1), *([end] * len(value))]
        position = end
    return _Pieces("".join(out), starts, ends)


def _mapped(text: str, tables: _Tables) -> Iterator[tuple[int, int, str]]:
    """What is replaced, in order: where it starts and ends, and by what."""
    position = 0
    for i in [i for i, character in enumerate(text) if character in tables.mapped]:
        if i < position:
            continue
        if match := tables.emoji_pattern.match(text, i):
            position = match.end()
            yield i, position, tables.emoji[match.group()]
        elif (value := tables.characters.get(ord(text[i]))) is not None:
            yield i, i + 1, value


def _replace_split(pieces: _Pieces, tables: _Tables) -> _Pieces:
    found = tables.split_pattern.finditer(pieces.text)
    return _replaced(pieces, ((*match.span(), tables.split[match.group()]) for match in found))


def _read_pinyin(pieces: _Pieces) -> _Pieces:
    found = readings(pieces.text, _HAN_CHARACTER)
    return _replaced(pieces, ((reading.start, reading.end, reading.character) for reading in found))


def _masks(text: str) -> Iterator[tuple[int, int, str]]:
    return ((*match.span(), MASK) for match in _MASK.finditer(text))


def _replaced(pieces: _Pieces, found: Iterable[tuple[int, int, str]]) -> _Pieces:
    """With one character in place of the text between each two bounds, in order."""
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for first, last, character in found:
        out += pieces.text[position:first], character
        starts += [*pieces.starts[position:first], pieces.starts[first]]
        ends += [*pieces.ends[position:first], pieces.ends[last - 1]]
        position = last
    out.append(pieces.text[position:])
    return _Pieces("".join(out), [*starts, *pieces.starts[position:]], [*ends, *pieces.ends[position:]])


def _close_gaps(pieces: _Pieces, tables: _Tables) -> _Pieces:
    """Take out separators inside a word that senders hide (催*收, 通-讯-录) and in runs of single characters."""
    gaps = [match.span() for match in _GAP.finditer(pieces.text)]
    closed = _gaps_in_hidden_words(pieces.text, gaps, tables) | _gaps_in_runs(pieces.text, gaps)
    if not closed:
        return pieces
    removed = {i for start, end in closed for i in range(start, end)}
    keep = [i for i in range(len(pieces.text)) if i not in removed]
    return _Pieces(
        "".join([pieces.text[i] for i in keep]), [pieces.starts[i] for i in keep], [pieces.ends[i] for i in keep]
    )


def _gaps_in_runs(text: str, gaps: list[tuple[int, int]]) -> set[tuple[int, int]]:
    inside = {i for match in _SPACED_RUN.finditer(text) for i in range(*match.span())}
    return {gap for gap in gaps if gap[0] in inside}


def _gaps_in_hidden_words(text: str, gaps: list[tuple[int, int]], tables: _Tables) -> set[tuple[int, int]]:
    squeezed, at = _squeeze(text, gaps)
    closed: set[tuple[int, int]] = set()
    for boundary in at:
        if squeezed[boundary - 1 : boundary + 1] not in tables.hidden_pairs:  # 98 gaps in 100
            continue
        for start, end in _words_across(squeezed, boundary, tables.hidden):
            inner = [at[i] for i in range(start + 1, end) if i in at]
            if _hides(text, inner, end - start):
                closed.update(inner)
    return closed


def _squeeze(text: str, gaps: list[tuple[int, int]]) -> tuple[str, dict[int, tuple[int, int]]]:
    """``text`` without its gaps, and which gap lay before each position of it."""
    out: list[str] = []
    at: dict[int, tuple[int, int]] = {}
    position = length = 0
    for start, end in gaps:
        out.append(text[position:start])
        length += start - position
        at[length] = (start, end)
        position = end
    return "".join([*out, text[position:]]), at


def _words_across(text: str, boundary: int, words: frozenset[str]) -> Iterator[tuple[int, int]]:
    for start in range(max(0, boundary - 4), boundary):
        for end in range(boundary + 1, min(len(text), start + 5) + 1):
            if text[start:end] in words:
                yield start, end


def _hides(text: str, gaps: list[tuple[int, int]], length: int) -> bool:
    """Whether these gaps hide a word of ``length`` characters.

    A symbol always does. So does one space inside a word of two (还 钱): 2 of 39,692 real messages have one, both to
    pass a filter. Phrase marks (我要还，钱还没到) only where they stand between all characters of a longer word.
    """
    if all(_TIGHT_ONLY.fullmatch(text, start, end) for start, end in gaps):
        return True
    if length == 2:
        return text[gaps[0][0] : gaps[0][1]] == " "
    return len(gaps) == length - 1


@cache
def _tables() -> _Tables:
    source = json.loads(resources.files("harassclf").joinpath("resources/obfuscation.json").read_text("utf-8"))
    emoji = {form: word for key, word in source["emoji"].items() for form in (key, key.replace("\ufe0f", ""))}
    characters = _character_table() | {ord(key): value for key, value in emoji.items() if len(key) == 1}
    sequences = {key: value for key, value in emoji.items() if len(key) > 1}
    split = {key: value for key, value in source["split"].items() if key not in set(source["split_ambiguous"])}
    hidden = frozenset(source["hidden_words"])
    return _Tables(
        characters=characters,
        emoji=sequences,
        split=split,
        hidden=hidden,
        hidden_pairs=frozenset(left + right for word in hidden for left, right in pairwise(word)),
        mapped=frozenset(map(chr, characters)) | {key[0] for key in sequences},
        emoji_pattern=re.compile(_alternatives(sequences)),
        split_pattern=re.compile(_alternatives(split)),
        worth_closing=re.compile(
            f"{_WORTH_CLOSING}|{_alternatives(' '.join(word) for word in hidden if len(word) == 2)}"
        ),
    )


def single_replacements() -> dict[int, int]:
    """Code points that stand for exactly one other one, whatever is around them: Traditional, full width, some emoji."""
    return {code: ord(value) for code, value in _tables().characters.items() if len(value) == 1}


def other_replacements() -> list[int]:
    """Code points that vanish or stand for several."""
    return [code for code, value in _tables().characters.items() if len(value) != 1]


def spaced_pairs() -> set[str]:
    """Hidden words of two characters, which one space between them does not hide."""
    return {word for word in _tables().hidden if len(word) == 2}


def hidden_pairs() -> set[str]:
    """Every two neighbouring characters of the hidden words: a gap elsewhere is never closed on their account."""
    return set(_tables().hidden_pairs)


def split_pairs() -> set[str]:
    """The first two characters of every split character."""
    return {parts[:2] for parts in _tables().split}


TIGHT_CLASS, LOOSE_CLASS, MASKING_CLASS = (re.compile(f"[{characters}]") for characters in (_TIGHT, _LOOSE, _MASKING))


def _alternatives(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


def _character_table() -> dict[int, str]:
    """What single code points stand for: ``resources/characters.json``, made by :mod:`harassclf.character_table`."""
    source = json.loads(resources.files("harassclf").joinpath("resources/characters.json").read_text("utf-8"))
    dropped = dict.fromkeys(chain.from_iterable(range(first, last + 1) for first, last in source["dropped"]), "")
    singles = dict(zip(map(ord, source["singles"][0]), source["singles"][1], strict=True))
    return dropped | singles | {ord(character): value for character, value in source["several"].items()}
