"""Makes ``resources/pinyin.json``: ``python -m harassclf.pinyin_table DATA``, half a minute, with pypinyin.

Reads the voices of split ``train`` that do not disguise what they write. The result ships; a model is bound to it by its hash.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from harassclf.corpus import TRAIN, read_corpus
from harassclf.normalize import single_replacements
from harassclf.pinyin import EDGE

_OFTEN = 20  # times that a character has to occur; 4,100 readings of 406 syllables
_PAIR_OFTEN = 10  # times that a pair has to; 60,000 pairs
_CHOICES = 30  # characters of a syllable
_HAN = re.compile("[\u4e00-\u9fff]+")


def build(texts: Iterable[str]) -> dict[str, Any]:
    """The table from these texts, see :mod:`harassclf.pinyin`."""
    singles: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    simplified = single_replacements()
    for text in texts:
        for run in _HAN.findall(text.translate(simplified)):
            singles.update(run)
            pairs.update(zip(EDGE + run, run + EDGE, strict=True))
    common = {character for character, count in singles.items() if count >= _OFTEN}
    return {
        "syllables": _syllables([character for character, _ in singles.most_common() if character in common]),
        "followers": _followers(singles, pairs, common | {EDGE}),
    }


def _syllables(characters: Sequence[str]) -> dict[str, str]:
    from pypinyin import Style, pinyin

    made: dict[str, str] = {}
    for character in characters:
        for reading in sorted(set(pinyin(character, style=Style.NORMAL, heteronym=True)[0])):
            syllable = reading.replace("ü", "v")
            if re.fullmatch("[a-z]{2,}", syllable) and len(made.get(syllable, "")) < _CHOICES:
                made[syllable] = made.get(syllable, "") + character
    return dict(sorted(made.items()))


def _followers(singles: Counter[str], pairs: Counter[tuple[str, str]], kept: set[str]) -> dict[str, dict[str, str]]:
    firsts: Counter[str] = Counter()
    for (first, _), count in pairs.items():
        firsts[first] += count
    made: dict[str, dict[str, str]] = {}
    every = sum(singles.values())
    for character, count in singles.most_common():
        if character in kept:
            _add(made, "", character, count / every)
    for (first, second), count in sorted(pairs.items()):
        if count >= _PAIR_OFTEN and {first, second} <= kept:
            _add(made, first, second, count / firsts[first])
    return made


def _add(made: dict[str, dict[str, str]], first: str, second: str, share: float) -> None:
    levels, level = made.setdefault(first, {}), str(round(-math.log2(share)))
    levels[level] = levels.get(level, "") + second


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Write the file."""
    if len(arguments) != 1:
        print("usage: python -m harassclf.pinyin_table DATA (the corpus folder)", file=sys.stderr)
        return 2
    corpus = read_corpus(Path(arguments[0]))
    read = corpus[(corpus["split"] == TRAIN) & ~corpus["tags"].str.contains("evade")]
    path = str(resources.files("harassclf").joinpath("resources/pinyin.json"))
    table = json.dumps(build(read["text"]), ensure_ascii=False, separators=(",", ":"))
    Path(path).write_text(table + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
