"""Makes ``resources/characters.json``, what single characters stand for: ``python -m harassclf.character_table``.

Full-width and compatibility forms come from Unicode's NFKC, Traditional characters from OpenCC's own table. The result
ships, so that one model reads the same characters under every version of Python and OpenCC, and no start waits for it
(0.15 s). A test compares the shipped table with what the versions named in it give.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from importlib import resources
from importlib.metadata import version
from typing import Any

# Default-ignorable characters and others that print nothing: soft hyphen, zero-width, bidi, fillers, BOM,
# variation selectors, tags, interlinear marks, C0/C1 controls except tab, newline and carriage return.
_INVISIBLE = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_COMBINING = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_DROPPED = re.compile(f"[{_INVISIBLE}{_COMBINING}]")
# Where simplified writers use a character that opencc takes for Traditional (乾坤, 乾隆): kept as it is.
_NOT_TRADITIONAL = frozenset("乾")


def build() -> dict[int, str]:
    """Code point to what it stands for, from this Python's Unicode data and the OpenCC installed."""
    table: dict[int, str] = {}
    for code in _candidate_codes():
        character = chr(code)
        if _DROPPED.match(character):
            table[code] = ""
        elif 0x3300 <= code <= 0x33FF:  # ㎡, ㎏: ordinary in adverts, nobody hides behind them
            continue
        elif (folded := unicodedata.normalize("NFKC", character)) != character and folded.isalnum():
            table[code] = folded
    simplified = _simplified_characters()
    table = {code: "".join(simplified.get(c, c) for c in value) for code, value in table.items()}
    table = {ord(c): value for c, value in simplified.items()} | table
    # 薴 gives 苧, which gives 苎: followed to the end, so that normalising twice changes nothing more.
    return {code: "".join(table.get(ord(c), c) for c in value) for code, value in table.items()}


def _candidate_codes() -> Iterator[int]:
    for first, last in (
        (0x0, 0xD7FF),
        (0xE000, 0xFFFF),
        (0x1D400, 0x1D7FF),
        (0x1F100, 0x1F2FF),
        (0xE0000, 0xE0FFF),
        (0x2F800, 0x2FA1F),
    ):
        yield from range(first, last + 1)


def _simplified_characters() -> dict[str, str]:
    """Traditional to Simplified, one character each; opencc's own table, 4,500 entries."""
    import opencc

    han = [
        chr(c)
        for first, last in ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x2A6DF))
        for c in range(first, last + 1)
    ]
    simplified = opencc.OpenCC("t2s").convert("\n".join(han)).split("\n")
    return {a: b for a, b in zip(han, simplified, strict=True) if a != b and a not in _NOT_TRADITIONAL}


def versions() -> dict[str, str]:
    """What the table depends on."""
    return {"unicode": unicodedata.unidata_version, "OpenCC": version("OpenCC")}


def source(table: dict[int, str]) -> dict[str, Any]:
    """The table as it is stored: ranges of what is dropped, two strings of what stands for one other, the rest."""
    singles = [(chr(code), value) for code, value in sorted(table.items()) if len(value) == 1]
    return {
        "made_with": versions(),
        "dropped": list(_ranges(code for code, value in sorted(table.items()) if not value)),
        "singles": ["".join(code for code, _ in singles), "".join(value for _, value in singles)],
        "several": {chr(code): value for code, value in sorted(table.items()) if len(value) > 1},
    }


def _ranges(codes: Iterable[int]) -> Iterator[list[int]]:
    current: list[int] = []
    for code in codes:
        if current and code == current[1] + 1:
            current[1] = code
            continue
        if current:
            yield current
        current = [code, code]
    if current:
        yield current


def main() -> int:
    """Write the file."""
    path = str(resources.files("harassclf").joinpath("resources/characters.json"))
    with open(path, "w", encoding="utf-8") as file:
        json.dump(source(build()), file, ensure_ascii=False, indent=1)
        file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
