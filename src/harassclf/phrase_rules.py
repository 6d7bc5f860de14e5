"""Phrases that a collector must not send: reviewed rules from ``resources/precheck_rules.json``, and where they match.

A rule is read over the *normalised* text, so that disguises (zero-width marks, Traditional characters, 通-讯-录) are
caught; matches are mapped back to the raw text. A match does not count when its clause denies it (我们不会联系您的家人),
or when the sentence or the message holds what makes it lawful (a judgment, a joint borrower). Legal facts come from the
project's legal basis of 2026-11-24, which is not in this repository; every card says 可能涉及.

The data file
    ``terms``: names that patterns use as ``{NAME}``. ``negation``: what denies a match that follows in the same clause.
    ``provisions``: instrument, article, summary. ``model_advice``: advice and wording per category, for what only the
    classifier finds. ``rules``: each with id, category, level (``block`` or ``review``), patterns, optional
    ``unless_sentence`` and ``unless_message``, provisions, advice, compliant wording, a bad and a good example.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from harassclf.legal import LawCard, card
from harassclf.normalize import normalize

BLOCK = "block"
REVIEW = "review"
_CLAUSE_END = re.compile(r"[，。！？；：,!?;:\n]")
_SENTENCE_END = re.compile(r"[。！？!?\n]")
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_SYMBOL = re.compile(rf"(?<=[{_HAN}])[*_^×|\\#+=~.·•丶丨/\-]{{1,2}}(?=[{_HAN}])")
# How far back a denial reaches in its clause; 我们承诺在任何情况下都不会以任何方式联系 needs 16.
_DENIAL_REACH = 20
_SENTENCE_REACH = 300  # a text without full stops is not read from end to end for every match


@dataclass(frozen=True, slots=True)
class PhraseRule:
    """One reviewed rule. ``level`` is what a match alone leads to, ``block`` or ``review``."""

    id: str
    category: str
    level: str
    name_zh: str
    legal_basis: tuple[LawCard, ...]
    advice: str
    wording: str
    bad_example: str
    good_example: str
    patterns: tuple[re.Pattern[str], ...]
    unless_sentence: re.Pattern[str] | None
    unless_message: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class PhraseMatch:
    """A rule and the raw characters it matched, code points: ``raw[start:end]``."""

    rule: PhraseRule
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a finding, and a compliant wording for that kind of phrase."""

    advice: str
    wording: str


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules, what denies a match, and the advice per category. ``as_of`` is the date of the legal review."""

    as_of: str
    rules: tuple[PhraseRule, ...]
    negation: re.Pattern[str]
    model_advice: Mapping[str, Advice]


@cache
def rule_book() -> RuleBook:
    """The shipped rules; read and compiled once."""
    source = json.loads(resources.files("harassclf").joinpath("resources/precheck_rules.json").read_text("utf-8"))
    terms = source["terms"]
    return RuleBook(
        as_of=source["as_of"],
        rules=tuple(_rule(entry, terms, source["provisions"]) for entry in source["rules"]),
        negation=_compiled(source["negation"], terms),
        model_advice={name: Advice(*pair) for name, pair in source["model_advice"].items()},
    )


def _rule(entry: dict[str, Any], terms: dict[str, str], provisions: dict[str, list[str]]) -> PhraseRule:
    named = ("id", "category", "level", "name_zh", "advice", "wording", "bad_example", "good_example")
    return PhraseRule(
        **{name: entry[name] for name in named},
        legal_basis=tuple(card(*provisions[key]) for key in entry["legal"]),
        patterns=tuple(_compiled(pattern, terms) for pattern in entry["patterns"]),
        unless_sentence=_optional(entry.get("unless_sentence"), terms),
        unless_message=_optional(entry.get("unless_message"), terms),
    )


def _optional(pattern: str | None, terms: dict[str, str]) -> re.Pattern[str] | None:
    return _compiled(pattern, terms) if pattern else None


def _compiled(pattern: str, terms: dict[str, str]) -> re.Pattern[str]:
    for name, value in terms.items():
        pattern = pattern.replace(f"{{{name}}}", value)
    return re.compile(pattern, re.IGNORECASE)


def find_phrases(text: str) -> list[PhraseMatch]:
    """Every rule's matches in one message, in the order of the text. Matches of one rule that touch become one."""
    normalized = normalize(text)
    readings = [_Reading(normalized.text, range(len(normalized.text)))]
    if _SYMBOL.search(normalized.text):
        readings.append(_without_symbols(normalized.text))
    found = [
        PhraseMatch(rule, *normalized.raw_span(start, end))
        for rule in rule_book().rules
        for start, end in _joined(_spans(rule, readings))
    ]
    return sorted(found, key=lambda match: (match.start, match.end, match.rule.id))


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read the normalised text: ``text[i]`` stands at ``at[i]`` there."""

    text: str
    at: Sequence[int]


def _without_symbols(text: str) -> _Reading:
    """Without symbols between Han characters (通.知你的家-人). The normaliser closes them only inside words that it knows:
    for a verdict on any message a dot may be a full stop, for a phrase that matches only without it, it hardly is."""
    dropped = {i for match in _SYMBOL.finditer(text) for i in range(*match.span())}
    kept = [i for i in range(len(text)) if i not in dropped]
    return _Reading("".join([text[i] for i in kept]), kept)


def _spans(rule: PhraseRule, readings: Sequence[_Reading]) -> Iterator[tuple[int, int]]:
    if rule.unless_message and rule.unless_message.search(readings[0].text):
        return
    for reading in readings:
        for pattern in rule.patterns:
            for match in pattern.finditer(reading.text):
                if match.group() and not _is_excused(rule, reading.text, *match.span()):
                    yield reading.at[match.start()], reading.at[match.end() - 1] + 1


def _is_excused(rule: PhraseRule, text: str, start: int, end: int) -> bool:
    clause = text[_last_end(_CLAUSE_END, text, max(0, start - _DENIAL_REACH), start) : start]
    if rule_book().negation.search(clause):
        return True
    if rule.unless_sentence is None:
        return False
    last = min(len(text), end + _SENTENCE_REACH)
    stop = _SENTENCE_END.search(text, end, last)
    first = _last_end(_SENTENCE_END, text, max(0, start - _SENTENCE_REACH), start)
    sentence = text[first : stop.start() if stop else last]
    return rule.unless_sentence.search(sentence) is not None


def _last_end(mark: re.Pattern[str], text: str, low: int, high: int) -> int:
    """Where the last mark in ``text[low:high]`` ends, or ``low``."""
    return max((match.end() for match in mark.finditer(text, low, high)), default=low)


def _joined(spans: Iterator[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
