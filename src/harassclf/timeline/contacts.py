"""A thread of contacts from records (JSON) or a table; an unusable record keeps its place, with the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import islice
from pathlib import Path

from harassclf.errors import BatchTooLargeError, InputError, TableError
from harassclf.tables import named, open_table
from harassclf.timeline.names import name_keys
from harassclf.timeline.times import DEFAULT_TIMEZONE, Moment, TimeError, joined, load_zone, parse_time
from harassclf.timeline.words import (
    COLLECTOR,
    DEBTOR,
    IN,
    OUT,
    THIRD_PARTY,
    Channel,
    answered_of,
    call_direction_of,
    channel_of,
    direction_of,
    fold,
    is_system_text,
    means_a_call,
    role_of,
    seconds_of,
    words,
)

RECIPIENT, COLLECTOR_SIDE = "recipient", "collector"
MAX_CONTACTS = 50_000  # a printed report of more helps nobody
SYSTEM_LINE, REPEATED = "聊天软件的系统提示，不是联系", "同一条记录重复导出，只计一次"
_NAME = 200  # characters of a name, number or group that are read
_FALSE = frozenset(("0", "false", "no", "n", "否", "不是", "无", "个人"))
_TRUE = frozenset(("1", "true", "yes", "y", "是", "群", "群聊"))
# Two calls may share a minute, and no second is written: a number of seconds or of days is exact, a clock only with them.
_TO_THE_SECOND = re.compile(r"\d{1,2}\s*[:：时点]\s*\d{1,2}\s*[:：分]\s*\d{1,2}|^\d{14}|^\d{8}[T\s_-]?\d{6}|^\d{10,13}(?:\.\d+)?$|^\d+\.\d{4,}$", re.IGNORECASE)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contact:
    """One message, call or visit.

    ``row`` counts from 1, in the order of the input. ``time`` is aware, on the clock of the person reached; ``None``
    when ``error`` says why the row cannot be used. ``direction`` is ``in`` for what the collector started, ``out`` for
    what the person reached sent. ``seconds`` is the duration; ``answered`` is ``None`` when nothing tells.
    ``agreed`` says that the record itself calls the contact agreed upon, ``assumed`` that nothing tells the direction.
    ``aside`` says why a usable row is no contact of its own and counts for nothing.
    """

    row: int
    time: datetime | None
    direction: str
    sender: str
    recipient: str
    channel: Channel
    group: bool
    text: str
    seconds: float | None
    answered: bool | None
    sender_role: str
    recipient_role: str
    agreed: bool
    written_time: str
    note: str = ""
    error: str = ""
    assumed: bool = False
    aside: str = ""

    @property
    def remarks(self) -> str:
        """What is to be said of a usable row."""
        return "；".join(filter(None, (self.note, self.aside)))


@dataclass(frozen=True, slots=True)
class Reading:
    """How a thread is read. ``timezone`` is the IANA name for times without an offset and for the rules' hours;
    ``exported_by`` says whose view ``in`` and ``out`` are: the ``recipient``'s (default) or the ``collector``'s."""

    timezone: str = DEFAULT_TIMEZONE
    exported_by: str = RECIPIENT
    debtors: tuple[str, ...] = ()
    limit: int = MAX_CONTACTS


def contacts_of(records: Iterable[object], reading: Reading) -> list[Contact]:
    """Contacts of records: mappings with the keys of the table's columns, in English or Chinese.

    Raises :class:`~harassclf.errors.InputError` for an unknown time zone and for more than ``reading.limit`` records;
    everything else becomes the row's error.
    """
    zone = load_zone(reading.timezone)
    some = list(islice(records, reading.limit + 1))
    if len(some) > reading.limit:
        raise BatchTooLargeError(f"contacts: more than {reading.limit:,}, which is the limit; split them, by month or number")  # fmt: skip
    return _repeats_aside([_contact(row, record, zone, reading) for row, record in enumerate(some, 1)])


def read_contacts(path: Path, reading: Reading, *, encoding: str | None = None) -> list[Contact]:
    """Contacts of a CSV, XLSX or Parquet table, or of a ``.json`` list. Raises
    :class:`~harassclf.errors.TableError` when the file is no such table or has no column of times."""
    if path.suffix.lower() == ".json":
        return contacts_of(_json_records(path), reading)
    reader = open_table(path, encoding=encoding)
    known = words().columns
    if not any(known.get(fold(name)) in ("time", "date") for name in reader.columns):
        raise TableError(f"{path}: no column of times; found: {named(reader.columns)}; expected time (时间), direction "
                         "(方向), sender, recipient, channel, text or duration; for copied chats use --pasted")  # fmt: skip
    contacts = contacts_of((_Row(reader.columns, row.cells, row.error) for row in reader.rows()), reading)
    if not contacts:
        raise TableError(f"{path}: a header and no rows; nothing to put on a timeline")
    return contacts


def _json_records(path: Path) -> list[object]:
    try:
        found = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise TableError(f"{path}: is not JSON in UTF-8; expected a list of contacts") from None
    records = found.get("contacts") if isinstance(found, dict) else found
    if not isinstance(records, list) or not records:
        raise TableError(f'{path}: no contacts; expected a list, or {{"contacts": [...]}}')
    return records


class _Row(dict[str, str]):
    """Cells under their column names; of columns with one name the first that is not blank."""

    def __init__(self, columns: Sequence[str], cells: Sequence[str], error: str) -> None:
        super().__init__()
        self.error = error
        for name, cell in zip(columns, cells, strict=True):
            self[name] = self.get(name) or cell


def _contact(row: int, record: object, zone: tzinfo, reading: Reading) -> Contact:
    fields, problem = _fields(record)
    try:
        problem = problem or getattr(record, "error", "")
        moment, problem = _moment(fields, zone, problem)
        direction = _direction(fields, reading)
        seconds = seconds_of(fields.get("duration", ""))
    except InputError:
        moment, direction, seconds, problem = None, "", None, "时区无法识别"
    except ValueError:
        seconds, problem = None, problem or "时长无法识别，应为秒数或“1分5秒”"
    if not problem and not direction:
        problem = "方向无法识别，应为 in/out（收/发）"
    return _assembled(row, fields, moment, direction, seconds, problem)


def _fields(record: object) -> tuple[dict[str, str], str]:
    if not isinstance(record, Mapping):
        return {}, "不是一条联系记录（应为对象）"
    fields: dict[str, str] = {}
    for name, value in record.items():
        field = words().columns.get(fold(str(name)))
        if field is None or value is None or isinstance(value, dict):
            continue
        cell = _text(value)
        if cell.strip() and (field not in fields or fold(str(name)) == fold(field)):
            fields[field] = _printable(cell if field in ("text", "time") else cell[:_NAME])
    return fields, ""


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "、".join(map(str, value)) if isinstance(value, list) else str(value)


def _printable(cell: str) -> str:
    """Without what no file, page or JSON can hold: lone surrogates and the zero byte."""
    return cell.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def _moment(fields: Mapping[str, str], zone: tzinfo, problem: str) -> tuple[Moment | None, str]:
    local = load_zone(fields["timezone"]) if fields.get("timezone") else zone
    written = fields.get("time", "")
    if "date" in fields:
        written = joined(fields["date"], written)
    try:
        return parse_time(written, local), problem
    except TimeError as error:
        return None, problem or str(error)


def _direction(fields: Mapping[str, str], reading: Reading) -> str:
    """By the roles, else as written, else by who wrote it. A table without directions holds what was received."""
    sender_role, recipient_role = role_of(fields.get("sender_role", "")), role_of(fields.get("recipient_role", ""))
    if COLLECTOR in (sender_role, recipient_role):
        return IN if sender_role == COLLECTOR else OUT
    flipped = {IN: OUT, OUT: IN} if reading.exported_by == COLLECTOR_SIDE else {}
    if fields.get("direction") or _written_direction(fields):
        return flipped.get(_written_direction(fields), _written_direction(fields))
    if _is_owner(fields.get("sender", ""), reading) or DEBTOR in (sender_role, role_of(fields.get("sender", ""))):
        return OUT
    return flipped.get(IN, IN) if direction_of(fields.get("channel", "")) else IN  # 类型: 未接


def _written_direction(fields: Mapping[str, str]) -> str:
    """In its own column, else where logs of calls put it, in the column of kinds or states: 类型 呼出, 状态 拨出.
    What came of a call (已接, 未接) is no direction there, 收 and 发 in the column of kinds are."""
    kind, state = fields.get("channel", ""), fields.get("status", "")
    of_kind = "" if means_a_call(kind) else direction_of(kind)
    return direction_of(fields.get("direction", "")) or call_direction_of(kind) or call_direction_of(state) or of_kind


def _is_owner(sender: str, reading: Reading) -> bool:
    own = fold(sender) in words().own
    return own or any(name_keys(sender) & name_keys(name) for name in reading.debtors)


def _is_assumed(fields: Mapping[str, str], direction: str) -> bool:
    """Whether only the want of anything else made a contact one that was received."""
    told = any(role_of(fields.get(name, "")) for name in ("sender_role", "recipient_role"))
    return direction == IN and not told and not _written_direction(fields)


def _assembled(
    row: int, fields: Mapping[str, str], moment: Moment | None, direction: str, seconds: float | None, problem: str
) -> Contact:
    text, channel = fields.get("text", ""), _channel(fields, seconds)
    sender, recipient = _parties(fields, direction)
    group, recipient = _group(fields, channel, recipient)
    spoken = channel.kind in ("voice", "video", "voicemail")
    status, written, way = (fields.get(name, "") for name in ("status", "direction", "channel"))
    answered = answered_of(status, written, way, text, seconds) if spoken else None
    return Contact(
        row=row,
        time=moment.local if moment and not problem else None,
        direction=direction,
        sender=sender,
        recipient=recipient,
        channel=channel,
        group=group,
        text=text,
        seconds=seconds,
        answered=answered,
        sender_role=_role(fields.get("sender_role", "")),
        recipient_role=_role(fields.get("recipient_role", "")),
        agreed=fold(fields.get("agreed", "")) in _TRUE,
        written_time=" ".join(filter(None, (fields.get("date"), fields.get("time")))),
        note=moment.note if moment else "",
        error=problem,
        assumed=_is_assumed(fields, direction),
        aside=SYSTEM_LINE if not spoken and is_system_text(text) else "",
    )


def _role(cell: str) -> str:
    return role_of(cell) or (THIRD_PARTY if is_third_party_name(cell) else "")


def _channel(fields: Mapping[str, str], seconds: float | None) -> Channel:
    """As written; what names no channel is a call where a word of calls (呼出, 未接) or a duration without words says so."""
    channel = channel_of(fields.get("channel", ""))
    if channel.name in words().channel_names:
        return channel
    of_calls = any(means_a_call(fields.get(name, "")) for name in ("channel", "direction", "status"))
    timed = not fields.get("channel") and seconds is not None and not fields.get("text")
    return channel_of("call") if of_calls or timed else channel


def _parties(fields: Mapping[str, str], direction: str) -> tuple[str, str]:
    other = fields.get("counterpart", "")
    sender, recipient = fields.get("sender", ""), fields.get("recipient", "")
    return (sender or (other if direction == IN else ""), recipient or (other if direction == OUT else ""))


def _group(fields: Mapping[str, str], channel: Channel, recipient: str) -> tuple[bool, str]:
    """Whether all of a group read it, and the group's name."""
    written = fields.get("group", "")
    if fold(written) in _FALSE:
        return False, recipient
    if written and fold(written) not in _TRUE:
        return True, written
    named_so = bool(words().patterns["group_names"].search(recipient.strip()))
    return bool(written) or channel.group or named_so, recipient


def _repeats_aside(contacts: Sequence[Contact]) -> list[Contact]:
    """The same contacts; what was exported twice, equal to the second and in all else, counts the first time alone."""
    seen: set[tuple[object, ...]] = set()
    found = []
    for contact in contacts:
        key = _likeness(contact)
        found.append(replace(contact, aside=REPEATED) if key in seen else contact)
        seen |= {key} if key else set()
    return found


def _likeness(contact: Contact) -> tuple[object, ...]:
    """What repeated rows have in common; empty for a row that can repeat nothing."""
    if contact.time is None or contact.aside or not _TO_THE_SECOND.search(contact.written_time.strip()):
        return ()
    parties = (name_keys(contact.sender), name_keys(contact.recipient), contact.group)
    said = (contact.channel.name, contact.text.strip(), contact.seconds, contact.answered)
    return (int(contact.time.timestamp()), contact.direction, *parties, *said)


def is_third_party_name(name: str) -> bool:
    """Whether a recipient is written as somebody's relation (妈妈, 同事, 公司前台), not as a name."""
    return bool(words().patterns["third_party_names"].match(name.strip())) or role_of(name) == THIRD_PARTY
