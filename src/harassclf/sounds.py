"""Characters folded by how they sound: 环前 and 还钱 are the same string of sounds.

A sender who writes homophones to pass a filter changes the characters and keeps the sound. One reading a character,
without tone; zh/z, ch/c, sh/s and final ng/n after a, e, i count as one, as much of the country says them. The table
(``resources/sounds.txt``) has one sound a line, its characters most frequent first; the first one stands for all, so that
a term of sounds can be read. Readings are pypinyin's most common ones (MIT licence), with those of 25 frequent characters
set to what they are in messages about money (还 is huan); ``tests/test_sounds.py`` checks them.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources


def _resource() -> str:
    return resources.files("harassclf").joinpath("resources/sounds.txt").read_text("utf-8")


def sound_table_hash() -> str:
    """SHA-256 of the table: a model knows the sounds it was trained with."""
    return hashlib.sha256(_resource().encode("utf-8")).hexdigest()


@cache
def sound_characters() -> dict[str, str]:
    """Each Han character to the one that stands for its sound."""
    groups = [line.split(" ")[1] for line in _resource().splitlines()]
    return {character: group[0] for group in groups for character in group}


def sound_table() -> dict[int, str]:
    """The same from code points."""
    return {ord(character): sound for character, sound in sound_characters().items()}


def sounds(text: str) -> str:
    """``text`` with every Han character replaced by the one that stands for its sound; same length."""
    return "".join(map(sound_characters().get, text, text))
