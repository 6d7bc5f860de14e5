"""Words folded by what they stand beside: 老公 and 老婆 share a class, 检察院 and 检察官 another one.

What was read of one word of a class helps with the others: a pair of words is met a few times in the corpus or never, the
pair of their classes often. The table (``resources/word_classes.txt``) has one class a line, its words most frequent first;
the first one stands for all, so that a term of classes can be read. :mod:`harassclf.word_class_table` makes it, from text
alone, without labels. A word in no class stands for itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources


def class_table_text() -> str:
    """The table as it is stored."""
    return resources.files("harassclf").joinpath("resources/word_classes.txt").read_text("utf-8")


def class_table_hash() -> str:
    """SHA-256 of the table: a model knows the classes it was trained with."""
    return hashlib.sha256(class_table_text().encode("utf-8")).hexdigest()


@cache
def word_classes() -> dict[str, str]:
    """Each folded word of the table to the one that stands for its class."""
    groups = [line.split(" ") for line in class_table_text().splitlines()]
    return {word: group[0] for group in groups for word in group}


def classes(words: Sequence[str]) -> list[str]:
    """Of each word the one that stands for its class."""
    return list(map(word_classes().get, words, words))
