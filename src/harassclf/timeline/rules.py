"""Rules of contact, apart from what a message says: hours, numbers of calls, refusals, third persons.

Limits and their sources are data (``resources/contact_rules.json``, from the project's legal basis of 2026-11-24); where
the law gives no number there is no rule: none counts SMS or chat messages. A flag says what may be involved (可能涉及).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from functools import cache
from importlib import resources
from typing import Any

from harassclf.legal import LawCard
from harassclf.timeline.contacts import Contact
from harassclf.timeline.parties import OWN_PHONE, THE_DEBTOR, Placed, group_key, is_own
from harassclf.timeline.phrases import agrees_to_night, allows, refuses, tells_of_debt
from harassclf.timeline.words import THIRD_PARTY, VOICE, VOICEMAIL

# A mailbox answers where the person did not. The missed call of the same attempt stands right before it in many logs.
_SAME_ATTEMPT = 120.0  # seconds


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; ``limits`` holds its numbers, ``sources_third_party`` is empty where the source is the same."""

    name: str
    name_zh: str
    counts: str
    caution: str
    sources: tuple[LawCard, ...]
    limits: Mapping[str, Any]
    caution_third_party: str
    sources_third_party: tuple[LawCard, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """A rule that a thread may break.

    ``rows`` are all contacts that count, ``triggered_by`` those that go beyond the limit (for rules without a number
    the same). ``date`` is the local day of a daily limit, else ``None``.
    """

    rule: str
    name_zh: str
    person: str
    person_role: str
    date: date | None
    count: int
    limit: int | None
    rows: tuple[int, ...]
    triggered_by: tuple[int, ...]
    caution: str
    sources: tuple[LawCard, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts and lists, ready for JSON."""
        return {
            "rule": self.rule,
            "name_zh": self.name_zh,
            "person": self.person,
            "person_role": self.person_role,
            "date": self.date.isoformat() if self.date else None,
            "count": self.count,
            "limit": self.limit,
            "rows": list(self.rows),
            "triggered_by": list(self.triggered_by),
            "caution": self.caution,
            "sources": [
                {"law": card.law, "article": card.article, "in_force": card.in_force, "summary": card.summary}
                for card in self.sources
            ],
        }


@cache
def _source() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(
        resources.files("harassclf").joinpath("resources/contact_rules.json").read_text("utf-8")
    )
    return found


@cache
def contact_rules() -> Mapping[str, Rule]:
    """The rules by name, in the order in which flags are listed."""
    return {name: _rule(name, of) for name, of in _source()["rules"].items()}


def rules_as_of() -> str:
    """The ISO date at which the rules' sources were read."""
    return str(_source()["as_of"])


def no_limit_note() -> str:
    """What is said where no rule exists."""
    return str(_source()["no_limit"])


def _rule(name: str, of: Mapping[str, Any]) -> Rule:
    return Rule(
        name=name,
        name_zh=of["name_zh"],
        counts=of["counts"],
        caution=of["caution"],
        sources=_cards(of["sources"]),
        limits={key: of[key] for key in ("start", "end", "most") if key in of},
        caution_third_party=of.get("caution_third_party", of["caution"]),
        sources_third_party=_cards(of.get("sources_third_party", of["sources"])),
    )


def _cards(sources: Iterable[tuple[str, str, str]]) -> tuple[LawCard, ...]:
    laws = json.loads(resources.files("harassclf").joinpath("resources/law.json").read_text("utf-8"))["instruments"]
    return tuple(
        LawCard(laws[short]["name"], article, laws[short]["in_force"], f"可能涉及：{summary}")
        for short, article, summary in sources
    )


def find_flags(placed: list[Placed]) -> list[Flag]:
    """All flags of a thread whose contacts are in the order of time."""
    rules = contact_rules()
    finders: dict[str, Callable[[list[Placed], Rule], list[Flag]]] = {
        "quiet_hours": _quiet_hours,
        "effective_calls": _effective_calls,
        "unanswered_attempts": _unanswered_attempts,
        "contact_after_refusal": _after_refusal,
        "third_party_contact": _third_party,
        "debt_disclosed": _debt_disclosed,
    }
    return [flag for name, rule in rules.items() for flag in finders[name](placed, rule)]


def is_quiet(contact: Contact) -> bool:
    """Whether a contact falls in the quiet hours of its local clock: from 22:00:00 on, before 8:00:00."""
    limits = contact_rules()["quiet_hours"].limits
    start, end = time.fromisoformat(limits["start"]), time.fromisoformat(limits["end"])
    clock = contact.time.time() if contact.time else end
    return clock >= start or clock < end


def is_effective_call(placed: Placed) -> bool:
    """An answered voice call that the collector started, AI voice included."""
    return placed.from_collector and placed.contact.channel.kind == VOICE and placed.contact.answered is True


def is_unanswered(placed: Placed) -> bool:
    """A voice call of the collector that nobody answered; a mailbox is nobody."""
    kind, answered = placed.contact.channel.kind, placed.contact.answered
    return placed.from_collector and (kind == VOICEMAIL or (kind == VOICE and answered is False))


def _quiet_hours(placed: list[Placed], rule: Rule) -> list[Flag]:
    exempt = {p.contact.row for p in agreed_at_night(placed)}
    at_night = [p for p in placed if p.from_collector and is_quiet(p.contact)]
    return _by_person(rule, [p for p in at_night if p.contact.row not in exempt])


def agreed_at_night(placed: list[Placed]) -> list[Placed]:
    """Contacts in the quiet hours that the record calls agreed upon, or that follow the person's own words to that
    effect, until they refuse."""
    agreed: set[str] = set()
    found: list[Placed] = []
    for p in placed:
        if not p.from_collector:
            if agrees_to_night(p.contact.text):
                agreed.add(p.person)
            elif refuses(p.contact.text):
                agreed.discard(p.person)
        elif is_quiet(p.contact) and (p.contact.agreed or p.person in agreed):
            found.append(p)
    return found


def _effective_calls(placed: list[Placed], rule: Rule) -> list[Flag]:
    calls = [p for p in placed if is_effective_call(p) and p.role != THIRD_PARTY]
    return _beyond_a_day(rule, calls, lambda p: p.person)


def _unanswered_attempts(placed: list[Placed], rule: Rule) -> list[Flag]:
    return _beyond_a_day(rule, _attempts(placed), lambda p: p.number)


def _attempts(placed: list[Placed]) -> list[Placed]:
    attempts: list[Placed] = []
    last: dict[str, Placed] = {}
    for p in filter(is_unanswered, placed):
        before = last.get(p.number)
        if (
            before
            and before.contact.channel.kind != p.contact.channel.kind
            and p.instant - before.instant <= _SAME_ATTEMPT
        ):
            last.pop(p.number)  # one missed call leaves one message in the mailbox
            continue
        attempts.append(p)
        last[p.number] = p
    return attempts


def _after_refusal(placed: list[Placed], rule: Rule) -> list[Flag]:
    refused: dict[str, Placed] = {}
    found: list[Placed] = []
    for p in placed:
        if not p.from_collector:
            _remember(refused, p)
        elif refusal := next((refused[key] for key in _reached(p) if key in refused), None):
            found.append(replace(p, person=refusal.person, role=refusal.role))
    return _by_person(rule, found)


def _reached(p: Placed) -> tuple[str, ...]:
    """A message to a group that this telephone received reached its owner too."""
    return (OWN_PHONE, THE_DEBTOR, p.person) if p.contact.group else (p.person,)


def withdrawn_refusals(placed: list[Placed]) -> list[Placed]:
    """The refusals that their writers took back later, in words that allow contact again."""
    refused: dict[str, Placed] = {}
    found: list[Placed] = []
    for p in placed:
        if not p.from_collector:
            found += _remember(refused, p)
    return found


def _remember(refused: dict[str, Placed], p: Placed) -> list[Placed]:
    """Who has refused: the writer, and the group it was written into (whose name is then the recipient). Gives the
    refusals that ``p`` withdraws, each once."""
    persons = [p.person, *([group_key(p.contact.recipient)] if p.contact.group else [])]
    if refuses(p.contact.text):
        refused.update(dict.fromkeys(persons, p))
    elif allows(p.contact.text):
        withdrawn = [refused.pop(person) for person in persons if person in refused]
        return list({refusal.contact.row: refusal for refusal in withdrawn}.values())
    return []


def _third_party(placed: list[Placed], rule: Rule) -> list[Flag]:
    return _by_person(rule, [p for p in placed if p.from_collector and p.role == THIRD_PARTY])


def _debt_disclosed(placed: list[Placed], rule: Rule) -> list[Flag]:
    reached = [p for p in placed if p.from_collector and p.role == THIRD_PARTY]
    return _by_person(rule, [p for p in reached if tells_of_debt(p.contact.text)])


def _by_person(rule: Rule, found: list[Placed]) -> list[Flag]:
    return [_flag(rule, group, None, None) for group in _grouped(found, lambda p: (p.person, p.role)).values()]


def _beyond_a_day(rule: Rule, calls: list[Placed], key: Callable[[Placed], str]) -> list[Flag]:
    """One flag for each key and local day with more than the limit; the first beyond it triggers."""
    most = int(rule.limits["most"])
    days = _grouped(calls, lambda p: (key(p), p.contact.time.date() if p.contact.time else None))
    return [_flag(rule, group, day, most) for (_, day), group in days.items() if len(group) > most]


def _grouped(placed: list[Placed], key: Callable[[Placed], Any]) -> dict[Any, list[Placed]]:
    groups: dict[Any, list[Placed]] = {}
    for p in placed:
        groups.setdefault(key(p), []).append(p)
    return groups


def _flag(rule: Rule, group: list[Placed], day: date | None, limit: int | None) -> Flag:
    rows, role = [p.contact.row for p in group], group[0].role
    third = role == THIRD_PARTY
    shown = next((p.contact.recipient for p in group if not p.contact.group), group[0].person)
    return Flag(
        rule=rule.name,
        name_zh=rule.name_zh,
        person=group[0].person if is_own(shown) else shown,
        person_role=role,
        date=day,
        count=len(rows),
        limit=limit,
        rows=tuple(rows),
        triggered_by=tuple(rows[limit or 0 :]),
        caution=_caution(rule, group, third=third),
        sources=rule.sources_third_party if third else rule.sources,
    )


def _caution(rule: Rule, group: list[Placed], *, third: bool) -> str:
    """The rule's own caution, and which sources were not yet in force at the first contact."""
    sources = rule.sources_third_party if third else rule.sources
    first = min(p.contact.time.date() for p in group if p.contact.time)
    later = [card for card in sources if card.in_force[:1].isdecimal() and date.fromisoformat(card.in_force) > first]
    caution = rule.caution_third_party if third else rule.caution
    notes = [f"{card.law}自{card.in_force}起施行，此前的联系仅供参考" for card in later]
    return "；".join([caution, *notes])
