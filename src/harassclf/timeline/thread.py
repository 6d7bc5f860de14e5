"""A thread judged: the verdict on each message, the flags, the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harassclf.classifier import Classifier, Prediction
from harassclf.labels import COLLECTION, HARASSMENT, LABELS
from harassclf.masking import is_name
from harassclf.timeline.contacts import Contact
from harassclf.timeline.parties import Parties, Placed, place
from harassclf.timeline.rules import (
    Flag,
    agreed_at_night,
    find_flags,
    is_effective_call,
    is_quiet,
    is_unanswered,
    no_limit_note,
)
from harassclf.timeline.words import IN, OUT, VOICE


@dataclass(frozen=True, slots=True)
class Entry:
    """A contact with the verdict on its text (``None`` for what was not judged, with the reason in ``unjudged``) and
    the rules whose flags it triggered."""

    contact: Contact
    verdict: Prediction | None
    unjudged: str
    flags: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts and lists, ready for JSON."""
        c = self.contact
        return {
            "row": c.row,
            "time": c.time.isoformat() if c.time else None,
            "direction": c.direction,
            "sender": c.sender,
            "recipient": c.recipient,
            "recipient_role": c.recipient_role,
            "channel": c.channel.name,
            "channel_zh": c.channel.name_zh,
            "group": c.group,
            "text": c.text,
            "duration": c.seconds,
            "answered": c.answered,
            "verdict": self.verdict.to_dict() if self.verdict else None,
            "flags": list(self.flags),
            "note": "；".join(filter(None, (c.note, self.unjudged))),
            "error": c.error,
        }


@dataclass(frozen=True, slots=True)
class Timeline:
    """A judged thread: ``entries`` in the order of the input, ``flags`` by rule, ``notes`` on what was not counted,
    ``names`` of the persons in it, longest first."""

    entries: tuple[Entry, ...]
    flags: tuple[Flag, ...]
    placed: tuple[Placed, ...]
    notes: tuple[str, ...]
    timezone: str
    model: str
    names: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """``rows``, ``flags``, ``summary``, ``notes`` and ``model``, ready for JSON."""
        return {
            "rows": [entry.to_dict() for entry in self.entries],
            "flags": [flag.to_dict() for flag in self.flags],
            "summary": summary(self),
            "notes": list(self.notes),
            "model": self.model,
        }


def build_timeline(contacts: Sequence[Contact], classifier: Classifier, parties: Parties, timezone: str) -> Timeline:
    """Judge a thread. Only what the person reached received is judged as a message; unusable rows keep their place."""
    judged = _judged(contacts, classifier)
    pressing = (row for row, (v, _) in judged.items() if v and v.label in (HARASSMENT, COLLECTION))
    placed = place(contacts, parties, pressing)
    flags = find_flags(placed)
    marks = _marks(flags)
    entries = [Entry(c, *judged.get(c.row, (None, "")), tuple(marks.get(c.row, ()))) for c in contacts]
    notes = tuple(_notes(contacts, placed))
    names = _names(contacts, parties)
    return Timeline(tuple(entries), tuple(flags), tuple(placed), notes, timezone, classifier.model, names)


def _names(contacts: Sequence[Contact], parties: Parties) -> tuple[str, ...]:
    cells = {*parties.debtors, *parties.guarantors, *parties.collectors}
    cells |= {cell for contact in contacts for cell in (contact.sender, contact.recipient)}
    return tuple(sorted(filter(is_name, cells), key=lambda name: (-len(name), name)))


def _judged(contacts: Sequence[Contact], classifier: Classifier) -> dict[int, tuple[Prediction | None, str]]:
    received = [c for c in contacts if c.direction == IN and c.text.strip()]
    results = classifier.judge_many([c.text for c in received])
    return {
        c.row: (result, "") if isinstance(result, Prediction) else (None, f"文字未判断（{result.code}）")
        for c, result in zip(received, results, strict=True)
    }


def _marks(flags: list[Flag]) -> dict[int, list[str]]:
    marks: dict[int, list[str]] = {}
    for flag in flags:
        for row in flag.triggered_by:
            if flag.rule not in marks.setdefault(row, []):
                marks[row].append(flag.rule)
    return marks


def _notes(contacts: Sequence[Contact], placed: Sequence[Placed]) -> list[str]:
    notes = []
    if errors := sum(bool(c.error) for c in contacts):
        notes.append(f"{errors}条记录无法使用，未参与规则判断，原因见该行")
    if unknown := sum(
        p.from_collector and p.contact.channel.kind == VOICE and p.contact.answered is None for p in placed
    ):
        notes.append(f"{unknown}次通话既无时长也未注明是否接通，未计入通话次数")
    if agreed := len(agreed_at_night(list(placed))):
        notes.append(f"{agreed}次22:00至次日8:00的联系经事先约定或本人同意，未标记，请核对")
    if others := sum(p.contact.direction == IN and not p.from_collector for p in placed):
        notes.append(f"{others}条收到的信息不能认定来自催收方（如群内其他成员），未参与规则判断")
    if any(p.from_collector and not p.role for p in placed):
        notes.append("部分联系未说明接收人是债务人还是第三人，未作第三人判断；可指明债务人或填写“接收人身份”")
    return [*notes, no_limit_note()]


def summary(timeline: Timeline) -> dict[str, Any]:
    """Counts of a thread: contacts, labels, categories, channels, by hour (24 numbers) and by local day."""
    contacts = [entry.contact for entry in timeline.entries]
    verdicts = [entry.verdict for entry in timeline.entries if entry.verdict]
    categories = Counter(category.name for verdict in verdicts for category in verdict.categories)
    labels = Counter(verdict.label for verdict in verdicts)
    times = [p.contact.time for p in timeline.placed if p.contact.time]
    hours = Counter(p.contact.time.hour for p in timeline.placed if p.from_collector and p.contact.time)
    return {
        "contacts": len(contacts),
        "incoming": sum(c.direction == IN and not c.error for c in contacts),
        "outgoing": sum(c.direction == OUT and not c.error for c in contacts),
        "errors": sum(bool(c.error) for c in contacts),
        "needs_review": sum(verdict.needs_review for verdict in verdicts),
        "labels": {label: labels[label] for label in LABELS},
        "categories": dict(categories.most_common()),
        "channels": dict(Counter(c.channel.name_zh for c in contacts if not c.error).most_common()),
        "flags": dict(Counter(flag.rule for flag in timeline.flags)),
        "by_hour": [hours[hour] for hour in range(24)],
        "by_day": _days(timeline.placed),
        "first": times[0].isoformat() if times else None,
        "last": times[-1].isoformat() if times else None,
        "timezone": timeline.timezone,
    }


def _days(placed: Sequence[Placed]) -> list[dict[str, Any]]:
    days: dict[str, Counter[str]] = {}
    for p in placed:
        if p.contact.time is None or not p.from_collector:
            continue
        day = days.setdefault(p.contact.time.date().isoformat(), Counter())
        day.update(
            contacts=1, effective_calls=is_effective_call(p), unanswered=is_unanswered(p), quiet=is_quiet(p.contact)
        )
    keys = ("contacts", "effective_calls", "unanswered", "quiet")
    return [{"date": day} | {key: int(of[key]) for key in keys} for day, of in sorted(days.items())]
