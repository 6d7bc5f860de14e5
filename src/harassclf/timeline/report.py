"""What people read: the printable report, the table, the drafts of complaints; all in Chinese, text always as text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from harassclf import __version__
from harassclf.classifier import Prediction
from harassclf.labels import CATEGORIES, CATEGORY_NAMES_ZH, HARASSMENT, LABEL_NAMES_ZH
from harassclf.legal import LawCard, law_cards
from harassclf.masking import mask, mask_identity
from harassclf.table_output import safe_cell
from harassclf.timeline.contacts import Contact
from harassclf.timeline.rules import Flag, contact_rules, rules_as_of
from harassclf.timeline.thread import Entry, Timeline, summary
from harassclf.timeline.times import load_zone
from harassclf.timeline.words import IN, ROLE_NAMES_ZH

TABLE_COLUMNS = (
    "行号",
    "时间",
    "方向",
    "渠道",
    "对方号码或账号",
    "接收人",
    "内容",
    "时长（秒）",
    "判断",
    "骚扰概率",
    "手段",
    "需人工复核",
    "规则标记",
    "备注",
    "无法使用的原因",
)
_DIRECTIONS_ZH = {"in": "收到", "out": "发出", "": "不详"}
_ROWS = 60  # row numbers of one flag in a page or draft
_QUOTES = 10  # messages that a draft quotes; the table has all
# What no page and no sheet shows: controls but tab and newline, lone surrogates, noncharacters.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Made:
    """Where a report comes from: name and SHA-256 of the original, when it was made, whether personal data is hidden."""

    source: str
    source_hash: str
    at: datetime
    masked: bool
    names: tuple[str, ...] = ()

    @property
    def text(self) -> Callable[[str], str]:
        """How a message is shown."""
        return (lambda text: mask(_plain(text), self.names)) if self.masked else _plain

    @property
    def name(self) -> Callable[[str], str]:
        """How a sender or recipient is shown."""
        return (lambda name: mask_identity(_plain(name), self.names)) if self.masked else _plain


def _plain(text: str) -> str:
    return _UNSHOWN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text)


@cache
def _templates() -> Environment:
    loader = PackageLoader("harassclf", "resources/templates")
    return Environment(loader=loader, autoescape=select_autoescape(("html",)), undefined=StrictUndefined, keep_trailing_newline=True)  # fmt: skip


@cache
def evidence_guide() -> Mapping[str, Any]:
    """What a hash proves, what else to keep, where to complain (``resources/evidence_guide.json``)."""
    guide: Mapping[str, Any] = json.loads(
        resources.files("harassclf").joinpath("resources/evidence_guide.json").read_text("utf-8")
    )
    return guide


def report_html(timeline: Timeline, made: Made) -> str:
    """The printable report; one file, no script, nothing from elsewhere."""
    counts = summary(timeline)
    zones = {str(p.contact.time.tzinfo) for p in timeline.placed if p.contact.time}
    return _templates().get_template("report.html").render(
        **_common(timeline, made, counts),
        mixed_zones=bool(zones - {str(load_zone(timeline.timezone))}),
        judged=sum(counts["labels"].values()),
        labels=[(LABEL_NAMES_ZH[label], count) for label, count in counts["labels"].items()],
        categories=_categories(timeline),
        bars=_bars(counts["by_hour"]),
        rows=[_row(entry, made) for entry in timeline.entries],
        model=timeline.model,
        as_of=rules_as_of(),
    )  # fmt: skip


def complaint_drafts(timeline: Timeline, made: Made) -> Iterator[tuple[str, str]]:
    """A draft for each channel: file name, text. Blanks are for the person; facts come from the timeline."""
    template = _templates().get_template("complaint.txt")
    common = _common(timeline, made, summary(timeline))
    quotes = list(_quotes(timeline, made))
    for channel in evidence_guide()["channels"]:
        chosen = [quote for quote in quotes if set(quote["names"]) & set(channel["categories"])][:_QUOTES]
        laws = _by_law(_cards_of(timeline, channel["categories"]))
        yield channel["file"], template.render(**common, channel=channel, quotes=chosen, laws=laws)


def readme(made: Made, *, pdf: bool, pdf_note: str) -> str:
    """What is in the folder, what a hash proves, what else to keep."""
    return _templates().get_template("readme.txt").render(
        version=__version__, made=_stamp(made.at), masked=made.masked, pdf=pdf, pdf_note=pdf_note, guide=evidence_guide()
    )  # fmt: skip


def table_csv(timeline: Timeline, made: Made) -> str:
    """One line a contact under ``TABLE_COLUMNS``; no cell can start a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(TABLE_COLUMNS)
    for entry in timeline.entries:
        writer.writerow([safe_cell(cell) for cell in _cells(entry, made)])
    return text.getvalue()


def timeline_json(timeline: Timeline, made: Made) -> str:
    """The same for programs; evidence spans stay right because hiding keeps every character's place."""
    found = timeline.to_dict()
    for row in found["rows"]:
        row["text"] = mask(row["text"], made.names) if made.masked else row["text"]
        row["sender"], row["recipient"] = made.name(row["sender"]), made.name(row["recipient"])
        row["channel"], row["channel_zh"] = made.text(row["channel"]), made.text(row["channel_zh"])
        for span in row["verdict"]["evidence"] if row["verdict"] else ():
            span["text"] = row["text"][span["start"] : span["end"]]
    found["summary"]["channels"] = {made.text(name): n for name, n in found["summary"]["channels"].items()}
    found["notes"] = list(map(made.text, found["notes"]))
    for flag in found["flags"]:
        flag["person"] = made.name(flag["person"])
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _common(timeline: Timeline, made: Made, counts: Mapping[str, Any]) -> dict[str, Any]:
    senders = (p.contact.sender for p in timeline.placed if p.from_collector and p.contact.sender)
    return {
        "source": made.source,
        "source_hash": made.source_hash,
        "made": _stamp(made.at),
        "masked": made.masked,
        "version": __version__,
        "summary": counts,
        "first": _minute(counts["first"]),
        "last": _minute(counts["last"]),
        "channels": "、".join(f"{made.text(name)}{count}次" for name, count in counts["channels"].items()),
        "numbers": list(dict.fromkeys(map(made.name, senders)))[:50],
        "flags": [_flag(flag, made) for flag in timeline.flags],
        "flag_sources": _flag_sources(timeline.flags),
        "notes": list(map(made.text, timeline.notes)),
        "guide": evidence_guide(),
    }


def _stamp(at: datetime) -> str:
    return at.isoformat(" ")


def _minute(iso: str | None) -> str:
    return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M") if iso else ""


def _flag(flag: Flag, made: Made) -> dict[str, Any]:
    return {
        "name_zh": flag.name_zh,
        "person": made.name(flag.person),
        "role": ROLE_NAMES_ZH[flag.person_role] if ROLE_NAMES_ZH[flag.person_role] != flag.person else "",
        "day": flag.date.isoformat() if flag.date else "",
        "count": flag.count,
        "limit": flag.limit,
        "rows": _rows(flag.rows),
        "beyond": _rows(flag.triggered_by) if flag.triggered_by != flag.rows else "",
    }


def _rows(rows: Sequence[int]) -> str:
    more = f" 等 {len(rows)} 行（全部见时间线.json）" if len(rows) > _ROWS else ""
    return "、".join(map(str, rows[:_ROWS])) + more


def _flag_sources(flags: Sequence[Flag]) -> list[dict[str, Any]]:
    """What each rule that was flagged rests on, once."""
    by_rule: dict[str, list[Flag]] = {}
    for flag in flags:
        by_rule.setdefault(flag.name_zh, []).append(flag)
    return [
        {
            "name_zh": name,
            "cautions": list(dict.fromkeys(part for flag in of for part in flag.caution.split("；"))),
            "laws": _by_law(dict.fromkeys(card for flag in of for card in flag.sources)),
        }
        for name, of in by_rule.items()
    ]


def _by_law(cards: Iterable[LawCard]) -> list[dict[str, Any]]:
    """Provisions under their law, named once; the page says 可能涉及 for all."""
    laws: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for card in cards:
        laws.setdefault((card.law, card.in_force), []).append((card.article, card.summary.removeprefix("可能涉及：")))
    return [
        {"name": name, "in_force": f"{force} 起施行" if force[:1].isdecimal() else force, "articles": articles}
        for (name, force), articles in laws.items()
    ]


def _categories(timeline: Timeline) -> list[dict[str, Any]]:
    rows: dict[str, list[int]] = {name: [] for name in CATEGORIES}
    for entry in timeline.entries:
        for category in entry.verdict.categories if entry.verdict else ():
            rows[category.name].append(entry.contact.row)
    return [
        {
            "name_zh": CATEGORY_NAMES_ZH[name],
            "count": len(found),
            "rows": _rows(found),
            "laws": _by_law(law_cards()[name]),
        }
        for name, found in rows.items()
        if found
    ]


def _bars(by_hour: Sequence[int]) -> list[dict[str, Any]]:
    most = max(1, *by_hour)
    return [
        {"x": 40 * hour + 6, "y": 140 - round(110 * n / most), "height": round(110 * n / most), "count": n, "quiet": hour >= 22 or hour < 8}
        for hour, n in enumerate(by_hour)
    ]  # fmt: skip


def _row(entry: Entry, made: Made) -> dict[str, Any]:
    contact, verdict = entry.contact, entry.verdict
    return {
        "row": contact.row,
        "day": contact.time.strftime("%Y-%m-%d") if contact.time else "",
        "clock": contact.time.strftime("%H:%M:%S") if contact.time else "",
        "offset": contact.time.strftime("%z") if contact.time and contact.time.strftime("%z") != "+0800" else "",
        "written": made.text(contact.written_time[:40]),
        "direction": contact.direction,
        "direction_zh": _DIRECTIONS_ZH[contact.direction],
        "channel": made.text(contact.channel.name_zh),
        "sender": made.name(contact.sender),
        "recipient": made.name(contact.recipient),
        "pieces": _pieces(contact.text, verdict, made),
        "call": _call(contact),
        "error": contact.error,
        "note": "；".join(filter(None, (contact.remarks, entry.unjudged))),
        "label": LABEL_NAMES_ZH[verdict.label] if verdict else "",
        "probability": _percent(verdict.probabilities[HARASSMENT]) if verdict else "",
        "review": bool(verdict and verdict.needs_review),
        "categories": [category.name_zh for category in verdict.categories] if verdict else [],
        "flags": _flag_names(entry),
    }


def _percent(probability: float) -> str:
    """Never 0% or 100%: a model is not certain."""
    return f"{min(max(round(probability * 100), 1), 99)}%"


def _flag_names(entry: Entry) -> list[str]:
    return [contact_rules()[name].name_zh for name in entry.flags]


def _pieces(text: str, verdict: Prediction | None, made: Made) -> list[dict[str, Any]]:
    """The message in stretches, the ones that decided marked."""
    shown = mask(text, made.names) if made.masked else text  # same length, so that spans fit
    pieces: list[dict[str, Any]] = []
    position = 0
    for span in sorted(verdict.evidence if verdict else (), key=lambda span: span.start):
        pieces.append({"text": shown[position : span.start], "marked": False})
        pieces.append({"text": shown[span.start : span.end], "marked": True})
        position = span.end
    pieces.append({"text": shown[position:], "marked": False})
    return [{"text": _plain(p["text"]), "marked": p["marked"]} for p in pieces if p["text"]]


def _call(contact: Contact) -> str:
    if contact.answered is False:
        return "未接通"
    if contact.seconds is not None:
        return f"时长 {contact.seconds:g} 秒"
    return "已接通" if contact.answered else ""


def _cells(entry: Entry, made: Made) -> list[str]:
    contact, verdict = entry.contact, entry.verdict
    other = contact.sender if contact.direction == IN else contact.recipient
    return [
        str(contact.row),
        contact.time.isoformat(" ") if contact.time else made.text(contact.written_time),
        _DIRECTIONS_ZH[contact.direction],
        made.text(contact.channel.name_zh),
        made.name(other),
        made.name(contact.recipient) if contact.direction == IN else "",
        made.text(contact.text),
        f"{contact.seconds:g}" if contact.seconds is not None else "",
        LABEL_NAMES_ZH[verdict.label] if verdict else "",
        f"{verdict.probabilities[HARASSMENT]:.6f}" if verdict else "",
        ";".join(category.name_zh for category in verdict.categories) if verdict else "",
        ("是" if verdict.needs_review else "否") if verdict else "",
        ";".join(_flag_names(entry)),
        "；".join(filter(None, (contact.remarks, entry.unjudged))),
        contact.error,
    ]


def _quotes(timeline: Timeline, made: Made) -> Iterator[dict[str, Any]]:
    """Harassing messages, the surest first."""
    found = [(e, e.verdict) for e in timeline.entries if e.verdict and e.verdict.label == HARASSMENT and e.contact.time]
    found.sort(key=lambda pair: (-round(pair[1].probabilities[HARASSMENT], 6), pair[0].contact.row))
    for entry, verdict in found:
        contact = entry.contact
        yield {
            "row": contact.row,
            "time": contact.time.strftime("%Y-%m-%d %H:%M") if contact.time else "",
            "channel": made.text(contact.channel.name_zh),
            "sender": made.name(contact.sender),
            "text": made.text(contact.text),
            "names": [category.name for category in verdict.categories] or list(CATEGORIES),
            "categories": [category.name_zh for category in verdict.categories] or ["手段未细分"],
        }


def _cards_of(timeline: Timeline, wanted: Sequence[str]) -> list[LawCard]:
    """Provisions of the categories found and wanted, then the sources of the flags; each once."""
    found = {c.name for entry in timeline.entries if entry.verdict for c in entry.verdict.categories}
    cards = [card for name in CATEGORIES if name in found and name in wanted for card in law_cards()[name]]
    return list(dict.fromkeys([*cards, *(card for flag in timeline.flags for card in flag.sources)]))
