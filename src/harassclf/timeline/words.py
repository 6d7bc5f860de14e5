"""What the cells of a thread say: direction, channel, role, duration, answered or not; words from a data file."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

IN, OUT = "in", "out"
DEBTOR, GUARANTOR, THIRD_PARTY, COLLECTOR = "debtor", "guarantor", "third_party", "collector"
VOICE, VOICEMAIL, MESSAGE = "voice", "voicemail", "message"
ROLE_NAMES_ZH = {DEBTOR: "债务人", GUARANTOR: "担保人/共同借款人", THIRD_PARTY: "第三人", COLLECTOR: "催收方", "": ""}

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:\.\d+)?)")
_UNITS = re.compile(
    r"(?:(\d+)\s*(?:小时|时|hours?|hrs?|h)\s*)?(?:(\d+)\s*(?:分钟?|minutes?|mins?|m)\s*)?(?:(\d+(?:\.\d+)?)\s*(?:秒钟?|seconds?|secs?|s))?"
)
_MISSED = re.compile(r"missed|unanswered|noanswer|未接|未应答|无人接听|拒接")
_UNKNOWN = 20  # characters of an unknown channel's name that are kept
_LONGEST = 864_000.0  # seconds; a call of more than ten days is a slip of the pen
_ISO = re.compile(r"pt(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")


@dataclass(frozen=True, slots=True)
class Channel:
    """``kind``: ``voice`` (a conversation on the telephone), ``voicemail``, ``video``, ``message``, ``visit``."""

    name: str
    name_zh: str
    kind: str
    group: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """The vocabulary, each word folded by :func:`fold`."""

    columns: Mapping[str, str]
    directions: Mapping[str, str]
    call_directions: Mapping[str, str]
    call_results: frozenset[str]
    channels: Mapping[str, Channel]
    channel_names: frozenset[str]
    contained: tuple[tuple[str, Channel], ...]
    roles: Mapping[str, str]
    own: frozenset[str]
    answered: frozenset[str]
    unanswered: frozenset[str]
    patterns: Mapping[str, re.Pattern[str]]


def fold(word: str) -> str:
    """Width, case, blanks, ``_`` and ``-`` make no difference."""
    return re.sub(r"[\s_\-]+", "", unicodedata.normalize("NFKC", word)).lower()


@cache
def words() -> Words:
    """The vocabulary of ``resources/contact_words.json``."""
    source = json.loads(resources.files("harassclf").joinpath("resources/contact_words.json").read_text("utf-8"))
    channels = {name: Channel(name, of["name_zh"], of["kind"]) for name, of in source["channels"].items()}
    patterns = ("third_party_names", "group_names", "debtor_group_names", "unanswered_text", "system_lines")
    return Words(
        columns=_inverted(source["columns"]),
        directions={"->": OUT, "<-": IN} | _inverted(source["directions"]) | _inverted(source["call_directions"]),
        call_directions=_inverted(source["call_directions"]),
        call_results=frozenset(map(fold, source["call_results"])),
        channels={fold(word): channels[name] for name, of in source["channels"].items() for word in of["words"]},
        channel_names=frozenset(channels),
        contained=tuple((fold(part), channels[name]) for name, parts in source["contained"] for part in parts),
        roles=_inverted(source["roles"]),
        own=frozenset(map(fold, source["self"])),
        answered=frozenset(map(fold, source["answered"])),
        unanswered=frozenset(map(fold, source["unanswered"])),
        patterns={name: re.compile(source[name], re.IGNORECASE) for name in patterns},
    )


def _inverted(lists: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {fold(word): name for name, all_words in lists.items() for word in all_words}


def direction_of(cell: str) -> str:
    """``in``, ``out``, or an empty string for a word that is neither."""
    if cell.strip() in ("->", "<-"):
        return words().directions[cell.strip()]
    return words().directions.get(fold(cell), "")


def call_direction_of(cell: str) -> str:
    """The direction of a word that is said of calls alone (呼出, 来电), in whatever column it stands; else empty."""
    return words().call_directions.get(fold(cell), "")


def means_a_call(cell: str) -> bool:
    """Whether a word is said of calls alone: their direction (呼出) or what came of them (未接)."""
    return fold(cell) in words().call_directions or fold(cell) in words().call_results


def is_system_text(text: str) -> bool:
    """Whether all lines are what a chat program writes itself (对方撤回了一条消息), not a person."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return bool(lines) and all(words().patterns["system_lines"].fullmatch(line) for line in lines)


def channel_of(cell: str) -> Channel:
    """The channel a cell names; an unknown one keeps its name and is a message."""
    known, folded = words(), fold(cell)
    found = known.channels.get(folded)
    if found is None:
        found = next((channel for part, channel in known.contained if part in folded), None)
    if found is None:
        return Channel(cell.strip()[:_UNKNOWN] or "unknown", cell.strip()[:_UNKNOWN] or "未注明", MESSAGE)
    group = "群" in folded or "group" in folded
    return Channel(found.name, found.name_zh + ("（群）" if group else ""), found.kind, group)


def role_of(cell: str) -> str:
    """A role, or an empty string for a blank or unknown one."""
    return words().roles.get(fold(cell), "")


def seconds_of(cell: str) -> float | None:
    """A duration in seconds from ``65``, ``1:05``, ``0:01:05``, ``1分5秒``, ``65s``, ``PT1M5S``; ``None`` when there is
    none. Raises ValueError for anything else."""
    text = unicodedata.normalize("NFKC", cell).strip().lower()
    if text in ("", "-", "--", "—", "–", "/", "无", "none", "null", "n/a"):
        return None
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return _seconds((None, None, text))
    found = _CLOCK.fullmatch(text) or _ISO.fullmatch(text) or _UNITS.fullmatch(text)
    if found and any(found.groups()):
        return _seconds(found.groups())
    raise ValueError("duration")


def _seconds(parts: Iterable[str | None]) -> float:
    hours, minutes, seconds = (float(part or 0) for part in parts)
    length = hours * 3600 + minutes * 60 + seconds
    if length > _LONGEST:
        raise ValueError("duration")
    return length


def answered_of(status: str, direction: str, channel: str, text: str, seconds: float | None) -> bool | None:
    """Whether a call was answered; ``None`` when nothing says so: a missing duration is no proof of a missed call."""
    known = words()
    if _MISSED.search(fold(channel)):
        return False
    for cell in (status, direction):
        if fold(cell) in known.unanswered:
            return False
        if fold(cell) in known.answered:
            return seconds != 0
    if fold(channel) in known.answered:
        return seconds != 0
    if known.patterns["unanswered_text"].match(text.strip()):
        return False
    return None if seconds is None else seconds > 0
