"""Which encoding text has, and where it is damaged: BOM, then strict UTF-8, then strict GB18030.

UTF-8 comes first, since much of it decodes as GB18030, too. For the same reason GB18030 is only believed of text that has no
line of Chinese in UTF-8 and does not read as Big5 does.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from harassclf.errors import TableError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 1 << 20
# Chinese in UTF-8. Four of these on a line that is UTF-8 throughout: of GBK not one line in a billion looks so.
_UTF8_CHARACTER = re.compile(rb"[\xe3-\xe9\xef][\x80-\xbf]{2}")
_SURE = 4
# What no font has. Of Big5 read as GB18030 a third of the characters are such, of true GB18030 none.
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_MOST_PRIVATE = 0.1
_ELSE = "save the table as UTF-8, or name its encoding on the command line with --encoding"


@dataclass(frozen=True, slots=True)
class Place:
    """The first byte that cannot be decoded: its line, and which byte of the file it is, both from 1."""

    line: int
    byte: int

    def __str__(self) -> str:
        return f"line {self.line} (byte {self.byte:,} of the file)"


def detect_encoding(path: Path) -> str:
    """Python's name of the encoding; reads the whole file. Raises :class:`TableError` saying where it is damaged."""
    with path.open("rb") as file:
        head = file.read(_BLOCK)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return _as_marked(path, name)
    if b"\x00" in head:
        line = head[: head.index(b"\x00")].count(b"\n") + 1
        raise TableError(
            f"{path}: binary content (a NUL byte on line {line}), expected a text table (CSV), .parquet or .xlsx"
        )
    not_utf8 = undecodable(path, "utf-8")
    if not_utf8 is None:
        return "utf-8"
    _refuse_mixed(path, not_utf8)
    if not_gb18030 := undecodable(path, "gb18030"):
        raise TableError(
            f"{path}: neither UTF-8, for {not_utf8}, nor GB18030, for {not_gb18030}; mend it there, {_ELSE}"
        )
    if not plausible_gb18030(head.decode("gb18030", "ignore")):
        raise TableError(f"{path}: neither UTF-8, for {not_utf8}, nor likely GB18030, perhaps Big5; {_ELSE}")
    return "gb18030"


def _as_marked(path: Path, encoding: str) -> str:
    if place := undecodable(path, encoding):
        raise TableError(f"{path}: begins as {encoding}, but {place} is not; mend it there, or save the table as UTF-8")
    return encoding


def _refuse_mixed(path: Path, not_utf8: Place) -> None:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_BLOCK), b""), 1):
            if not line.isascii() and _is_chinese_utf8(line):
                raise TableError(f"{path}: mixed or damaged: line {number} is UTF-8, but {not_utf8} is not; mend it there, "
                                 "or save the whole table as UTF-8")  # fmt: skip


def _is_chinese_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(_UTF8_CHARACTER.findall(line)) >= _SURE


def plausible_gb18030(text: str) -> bool:
    """Whether ``text``, decoded as GB18030, was that: Big5 decodes, too, to characters for private use."""
    others = len(text) - len(text.encode("ascii", "ignore"))
    return len(_PRIVATE.findall(text)) <= _MOST_PRIVATE * others


def decoded(content: bytes) -> str | None:
    """Text in UTF-8 or GB18030, ``None`` when it is neither: for one message, where no place need be named."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text if encoding != "gb18030" or plausible_gb18030(text) else None
    return None


def undecodable(path: Path, encoding: str) -> Place | None:
    """The first place that ``encoding`` cannot decode, ``None`` where there is none."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    line, before, block = 1, 0, b""
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                line += decoder.decode(block).count("\n")
                before += len(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        seen = error.object[: error.start]  # begins with what the decoder kept of the block before
        line += seen.decode(encoding, "ignore").count("\n")
        return Place(line, before + len(block) - len(error.object) + error.start + 1)
    except UnicodeError:  # UTF-16 without the mark that says its byte order
        return Place(line, before + 1)
    return None


def decoded_as(content: bytes, encoding: str, name: Path | str) -> str:
    """Text in ``encoding``. Raises :class:`TableError` for an encoding that is unknown or not that of all of it."""
    _check_known(encoding)
    try:
        return content.decode(encoding)
    except UnicodeError:
        raise TableError(f"{name}: is not {encoding} throughout; leave out --encoding, or name its own") from None


def checked_encoding(path: Path, encoding: str) -> str:
    """``encoding`` when it decodes all of the file; else raises :class:`TableError`, saying what might."""
    _check_known(encoding)
    if place := undecodable(path, encoding):
        raise TableError(f"{path}: {place} is not {encoding}; {_advice(path)}")
    return encoding


def _check_known(encoding: str) -> None:
    try:
        "".encode(encoding)  # refuses what is no text encoding, such as hex
        codecs.getincrementaldecoder(encoding)
    except (LookupError, UnicodeError, TypeError):
        raise TableError(f"--encoding: {encoding!r} is not an encoding Python knows; try utf-8 or gb18030") from None


def _advice(path: Path) -> str:
    """Detection is only advised where it would find something: else the user would be sent in a circle."""
    try:
        return f"the whole file reads as {detect_encoding(path)}, which is detected when no encoding is named"
    except TableError:
        return "mend it there, or save the whole table as UTF-8"
