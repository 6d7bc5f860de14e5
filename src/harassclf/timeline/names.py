"""What a cell that names somebody holds: the name and the numbers, comparable however they are written."""

from __future__ import annotations

import re

from harassclf.timeline.words import fold

NUMBER = re.compile(r"\+?\d[\d\s\-]{4,}\d")
_TITLES = re.compile(r"(?:先生|女士|小姐|同学|本人)$")
# 王小明(138****8000), 张经理（12345）: a number with gaps cannot be compared, and is no part of the name.
_IN_BRACKETS = re.compile(r"(?<=.)[(（\[【<]\s*(?=[^)）\]】>]*\d)\+?[\d*＊xX×•\s\-]+[)）\]】>]\s*$")


def name_keys(cell: str) -> frozenset[str]:
    """The name and the numbers that a cell holds, comparable: 张三（138 0000 1111） is both."""
    numbers = {number_key(found) for found in NUMBER.findall(cell)}
    name = NUMBER.sub("", _IN_BRACKETS.sub("", cell.strip()))
    rest = _TITLES.sub("", fold(name).strip("()[]<>:·,/"))
    return frozenset(numbers | ({rest} if rest else set()))


def number_key(number: str) -> str:
    """The digits of a telephone number, without the country's 86."""
    digits = re.sub(r"\D", "", number)
    return digits[-11:] if re.fullmatch(r"(?:00)?86(1\d{10})", digits) else digits
