"""A thread judged: the verdict on each message, the flags, the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harassclf.classifier import Classifier, Prediction
from harassclf.labels import COLLECTION, HARASSMENT, LABELS
from harassclf.masking import is_name
from harassclf.timeline.contacts import REPEATED, SYSTEM_LINE, Contact
from harassclf.timeline.parties import Parties, Placed, absent, place, unowned_senders
from harassclf.timeline.rules import (
    Flag,
    agreed_at_night,
    find_flags,
    is_effective_call,
    is_quiet,
    is_unanswered,
    no_limit_note,
    withdrawn_refusals,
)
from harassclf.timeline.words import IN, OUT, VOICE

_NAMED = 10  # names that a note lists


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
            "note": "；".join(filter(None, (c.remarks, self.unjudged))),
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
    notes = (*_notes_on_rows(contacts), *_notes_on_rules(placed), *_notes_on_parties(contacts, placed, parties))
    names = _names(contacts, parties)
    return Timeline(
        tuple(entries), tuple(flags), tuple(placed), (*notes, no_limit_note()), timezone, classifier.model, names
    )


def _names(contacts: Sequence[Contact], parties: Parties) -> tuple[str, ...]:
    cells = {*parties.debtors, *parties.guarantors, *parties.collectors}
    cells |= {cell for contact in contacts for cell in (contact.sender, contact.recipient)}
    return tuple(sorted(filter(is_name, cells), key=lambda name: (-len(name), name)))


def _judged(contacts: Sequence[Contact], classifier: Classifier) -> dict[int, tuple[Prediction | None, str]]:
    received = [c for c in contacts if c.direction == IN and c.text.strip() and not c.aside]
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


def _notes_on_rows(contacts: Sequence[Contact]) -> list[str]:
    notes = []
    if errors := sum(bool(c.error) for c in contacts):
        notes.append(f"{errors}条记录无法使用，未参与规则判断，原因见该行")
    if repeated := sum(c.aside == REPEATED for c in contacts):
        notes.append(
            f"{repeated}条记录与前面的完全相同（时间到秒、号码、方向、渠道、内容、时长），视为重复导出，只计一次"
        )
    if system := sum(c.aside == SYSTEM_LINE and not c.error for c in contacts):
        notes.append(f"{system}条是聊天软件的系统提示，不是联系，未参与判断")
    return notes


def _notes_on_rules(placed: Sequence[Placed]) -> list[str]:
    notes = []
    if unknown := sum(
        p.from_collector and p.contact.channel.kind == VOICE and p.contact.answered is None for p in placed
    ):
        notes.append(f"{unknown}次通话既无时长也未注明是否接通，未计入通话次数")
    if agreed := len(agreed_at_night(list(placed))):
        notes.append(f"{agreed}次22:00至次日8:00的联系经事先约定或本人同意，未标记，请核对")
    if withdrawn := len(withdrawn_refusals(list(placed))):
        notes.append(f"{withdrawn}次拒绝联系之后，本人又允许联系，其后的联系未因该次拒绝标记，请核对")
    if others := sum(p.contact.direction == IN and not p.from_collector for p in placed):
        notes.append(f"{others}条收到的信息不能认定来自催收方（如群内其他成员），未参与规则判断")
    if any(p.from_collector and not p.role for p in placed):
        notes.append("部分联系未说明接收人是债务人还是第三人，未作第三人判断；可指明债务人或填写“接收人身份”")
    return notes


def _notes_on_parties(contacts: Sequence[Contact], placed: Sequence[Placed], parties: Parties) -> list[str]:
    notes = []
    if missing := absent(contacts, parties):
        notes.append("指明的姓名或号码在记录的发送人和接收人中没有出现，请核对写法" + _listed(missing))
    if senders := unowned_senders(placed, parties):
        count = len(senders)
        notes.append(
            f"{count}个发送人都被当作对方，因为没有人写作“我”；请用“债务人”（--debtor）指明记录的主人"
            + _listed(senders)
        )
    return notes


def _listed(names: Sequence[str]) -> str:
    """A clause of its own, so that the page translates the others."""
    return f"；{'、'.join(names[:_NAMED])}{'等' if len(names) > _NAMED else ''}"


def summary(timeline: Timeline) -> dict[str, Any]:
    """Counts of a thread: contacts, labels, categories, channels, by hour (24 numbers) and by local day."""
    contacts = [entry.contact for entry in timeline.entries]
    counted = [contact for contact in contacts if not contact.error and not contact.aside]
    verdicts = [entry.verdict for entry in timeline.entries if entry.verdict]
    categories = Counter(category.name for verdict in verdicts for category in verdict.categories)
    labels = Counter(verdict.label for verdict in verdicts)
    times = [p.contact.time for p in timeline.placed if p.contact.time]
    hours = Counter(p.contact.time.hour for p in timeline.placed if p.from_collector and p.contact.time)
    return {
        "contacts": len(contacts),
        "incoming": sum(c.direction == IN for c in counted),
        "outgoing": sum(c.direction == OUT for c in counted),
        "errors": sum(bool(c.error) for c in contacts),
        "needs_review": sum(verdict.needs_review for verdict in verdicts),
        "labels": {label: labels[label] for label in LABELS},
        "categories": dict(categories.most_common()),
        "channels": dict(Counter(c.channel.name_zh for c in counted).most_common()),
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
