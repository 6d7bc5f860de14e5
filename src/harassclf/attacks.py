"""Seeded disguises of a message, as senders make them to pass a filter: for augmentation and for robustness tables.

Each attack keeps the meaning for a human reader. What :mod:`harassclf.normalize` always undoes (Traditional, zero-width,
symbols) needs no augmentation; training reads the others, pinyin too, of which some stays.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

Attack = Callable[[str, random.Random], str]
_SHARE = 0.5  # of the characters that can be disguised: one in two still reads easily
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
_SYMBOLS = "*.-/_|·"


def attack(name: str, text: str, seed: int) -> str:
    """``text`` disguised by the attack ``name`` (a key of :data:`ATTACKS`); the same seed gives the same disguise."""
    return ATTACKS[name](text, random.Random(f"{seed}:{name}:{len(text)}"))


@cache
def _tables() -> dict[str, Any]:
    source = json.loads(resources.files("harassclf").joinpath("resources/attacks.json").read_text("utf-8"))
    hidden = json.loads(resources.files("harassclf").joinpath("resources/obfuscation.json").read_text("utf-8"))
    characters = source["characters"]
    return {
        "homophone": {c: entry["homophones"] for c, entry in characters.items() if entry["homophones"]},
        "pinyin": {c: entry["pinyin"] for c, entry in characters.items()},
        "look_alike": source["look_alike"],
        "split": {value: key for key, value in hidden["split"].items()},
        "emoji": {value: key for key, value in hidden["emoji"].items() if len(key) <= 2},
        "words": sorted(hidden["hidden_words"], key=len, reverse=True),
    }


def _replace(text: str, table: dict[str, str], generator: random.Random) -> str:
    """Replace some of the characters that ``table`` has, at least one where there is any."""
    places = [i for i, character in enumerate(text) if character in table]
    chosen = {i for i in places if generator.random() < _SHARE} or set(places[:1])
    return "".join(generator.choice(table[c]) if i in chosen else c for i, c in enumerate(text))


def _homophone(text: str, generator: random.Random) -> str:
    return _replace(text, _tables()["homophone"], generator)


def _look_alike(text: str, generator: random.Random) -> str:
    return _replace(text, _tables()["look_alike"], generator)


def _pinyin(text: str, generator: random.Random) -> str:
    table = {c: [syllable] for c, syllable in _tables()["pinyin"].items()}
    return _replace(text, table, generator)  # type: ignore[arg-type]


def _split(text: str, generator: random.Random) -> str:
    table = {c: [parts] for c, parts in _tables()["split"].items()}
    return _replace(text, table, generator)  # type: ignore[arg-type]


def _emoji(text: str, generator: random.Random) -> str:
    for word, picture in _tables()["emoji"].items():
        text = text.replace(word, picture)
    return text


def _hidden_words(text: str, disguise: Callable[[str], str]) -> str:
    """Disguise the words that senders hide, or the middle of the message where it has none of them."""
    found = [word for word in _tables()["words"] if word in text]
    if not found:
        middle = len(text) // 2
        return text[: max(0, middle - 1)] + disguise(text[max(0, middle - 1) : middle + 1]) + text[middle + 1 :]
    for word in found:
        text = text.replace(word, disguise(word))
    return text


def _initials(text: str, generator: random.Random) -> str:
    pinyin = _tables()["pinyin"]
    return _hidden_words(text, lambda word: "".join(pinyin.get(c, c)[0] for c in word))


def _spacing(text: str, generator: random.Random) -> str:
    return _hidden_words(text, " ".join)


def _symbols(text: str, generator: random.Random) -> str:
    return _hidden_words(text, generator.choice(_SYMBOLS).join)


def _zero_width(text: str, generator: random.Random) -> str:
    return "".join(c + (generator.choice(_ZERO_WIDTH) if generator.random() < _SHARE else "") for c in text)


def _traditional(text: str, generator: random.Random) -> str:
    return str(_to_traditional().convert(text))


@cache
def _to_traditional() -> Any:
    import opencc

    return opencc.OpenCC("s2t")


def _swap(text: str, generator: random.Random) -> str:
    """Swap the two middle characters of some four-character stretches, as readers do not notice."""
    characters = list(text)
    for i in range(1, len(characters) - 2, 4):
        if generator.random() < _SHARE and all("\u4e00" <= c <= "\u9fff" for c in characters[i : i + 2]):
            characters[i], characters[i + 1] = characters[i + 1], characters[i]
    return "".join(characters)


ATTACKS: dict[str, Attack] = {
    "homophone": _homophone,
    "pinyin": _pinyin,
    "initials": _initials,
    "look_alike": _look_alike,
    "split": _split,
    "traditional": _traditional,
    "emoji": _emoji,
    "spacing": _spacing,
    "symbols": _symbols,
    "zero_width": _zero_width,
    "swap": _swap,
}
