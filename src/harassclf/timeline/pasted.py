"""Copied chats, SMS and call logs, as people paste them, to records that :mod:`~harassclf.timeline.contacts` reads.

A line that begins with a time begins a contact; lines below it belong to it. ``张经理 2026-03-01 22:15`` above its text
(WeChat, QQ), ``[2026-03-01 22:15] 张经理: …``, ``2026-03-01 22:15 张经理 → 妈妈: …``, ``2026-03-01 22:15 未接来电 138…`` and
days as headings (``2026年3月1日`` above ``22:15 张经理: …``) are read.
"""

from __future__ import annotations

import re

from harassclf.timeline.words import is_system_text

_DAY = r"\d{4}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}\s?[日号]?(?:\s*[(（]?(?:星期|周)[一二三四五六日天][)）]?)?"
_HALF = r"(?:凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|深夜|半夜|[AaPp][Mm])"
_CLOCK = rf"(?:{_HALF}\s?)?(?:\d{{1,2}}[:：]\d{{2}}(?:[:：]\d{{2}}(?:\.\d+)?)?|\d{{1,2}}[时点]\d{{0,2}}分?)(?:\s?[AaPp][Mm]\b)?"
_OFFSET = r"(?:\s?(?:Z|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?))?(?=[\s\]】)）,，;；]|$|[^\d\w])"
_TIME = rf"{_DAY}[T\s,，]*{_CLOCK}{_OFFSET}"
_BEGINS = re.compile(rf"^\s*[\[【(（]?\s*(?P<time>{_TIME})\s*[\]】)）]?[\s,，;；]*(?P<rest>.*)$")
_CLOCK_BEGINS = re.compile(rf"^\s*[\[【(（]?\s*(?P<time>{_CLOCK})\s*[\]】)）]?\s+(?P<rest>\S.*)$")
_NAME_THEN_TIME = re.compile(rf"^\s*(?P<name>[^\s:：][^:：]{{0,40}}?)[:：]?\s+[\[(（]?(?P<time>{_TIME})[\])）]?\s*$")
_NAME_THEN_CLOCK = re.compile(rf"^\s*(?P<name>[^\s:：\d][^:：]{{0,20}}?)\s+(?P<time>{_CLOCK})\s*$")
# 语音通话 05:12 is a length, 明天 10:00 a sentence.
_NO_NAME = re.compile(
    r"(?:未接|已接|拒接|来电|去电|呼入|呼出|语音|视频|微信电话|通话|时长|今天|明天|后天|昨天|每天|周|星期|最晚|截止)"
)
_DAY_ALONE = re.compile(rf"^[\s\-—–=*·]*(?P<day>{_DAY})[\s\-—–=*·]*$")
_GROUP = re.compile(r"^[\[【](?P<group>[^\]】]{1,40}(?:群聊?|讨论组)(?:[(（]\d+[)）])?)[\]】]\s*(?P<rest>.*)$")
_SPEAKER = re.compile(r"^(?P<name>[^:：]{1,40}?)\s*[:：]\s*(?P<text>.*)$")
_ARROW = re.compile(r"^(?P<sender>.+?)\s*(?:->|→|➡|＞|=>|发给)\s*(?P<recipient>.+)$")
_NUMBER = re.compile(r"(?<!\d)(?:\+?86[- ]?)?(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|95\d{3,8}|1010\d{4}|[48]00-?\d{3,4}-?\d{3,4}|1069\d{4,16}|106\d{5,17}|12\d{3})(?!\d)")  # fmt: skip
_CALL = re.compile(
    r"^[\[【]?(?P<kind>未接来电|未接电话|未接|已接来电|已接电话|已接|拒接来电|拒接|来电|呼入|去电|呼出|拨出|语音通话|微信电话|视频通话|语音留言|语音信箱|"
    r"AI语音(?:电话)?|机器人电话|missed call|incoming call|outgoing call)[\]】]?(?P<rest>.*)$",
    re.IGNORECASE,
)
_LENGTH = re.compile(
    r"(?:时长|通话)?[:：]?\s*(?P<duration>\d+:\d{2}(?::\d{2})?|(?:\d+\s*小时)?(?:\d+\s*分钟?)?(?:\d+\s*秒)?|\d+s)\s*$"
)
_MISSED = ("未接", "拒接", "missed")
_OUTGOING = ("去电", "呼出", "拨出", "outgoing")
_CHANNELS = {"视频": "视频通话", "微信": "微信电话", "语音通话": "微信语音通话", "语音留言": "语音信箱", "语音信箱": "语音信箱", "AI": "AI语音", "机器人": "AI语音"}  # fmt: skip

Record = dict[str, str]
NO_TIME = "no line with a time, expected lines such as 2026-03-01 22:15 张经理: ..."


def parse_pasted(pasted: str) -> list[Record]:
    """Records of pasted text, in its order; lines before the first time become a record without one, which its reader
    refuses. Blank text gives no record."""
    records: list[Record] = []
    day, open_lines = "", False
    for line in pasted.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = line.strip("\ufeff\u200e\u200f")
        if found := _DAY_ALONE.match(line):
            day, open_lines = found["day"], False
        elif record := _opening(line, day):
            records.append(record)
            open_lines = True
        elif line.strip():
            if not open_lines:
                records.append({"text": ""})
                open_lines = True
            _continue(records[-1], line)
    return [_finished(record) for record in records]


def has_a_time(records: list[Record]) -> bool:
    """Whether one record at least can be judged. Without a single time no flags would read like no breach."""
    return any("time" in record for record in records)


def _opening(line: str, day: str) -> Record | None:
    """The record that a line begins."""
    if found := _NAME_THEN_TIME.match(line):
        return {"time": found["time"], "text": ""} | _names(found["name"])
    if found := _BEGINS.match(line):
        return {"time": found["time"]} | _content(found["rest"])
    if day and (found := _NAME_THEN_CLOCK.match(line)) and not _NO_NAME.match(found["name"]):
        return {"time": f"{day} {found['time']}", "text": ""} | _names(found["name"])
    if day and (found := _CLOCK_BEGINS.match(line)):
        return {"time": f"{day} {found['time']}"} | _content(found["rest"])
    return None


def _content(rest: str) -> Record:
    group = _GROUP.match(rest)
    if group:
        return {"group": group["group"]} | _content(group["rest"])
    if is_system_text(rest):
        return {"text": rest}  # 对方撤回了一条消息 is nobody's name
    if (call := _call(rest)) is not None:
        return call
    if found := _SPEAKER.match(rest):
        call = _call(found["text"])
        return (call or {"text": found["text"]}) | _names(found["name"])
    number = _NUMBER.match(rest)
    if number:
        after = rest[number.end() :].strip()
        return (_call(after) or {"text": after}) | {"sender": number.group()}
    if rest and len(rest) <= 20 and " " not in rest.strip():
        return {"text": ""} | _names(rest.strip())  # 2026-03-01 22:15 张经理, with the text below
    return {"text": rest}


def _call(text: str) -> Record | None:
    """A line of a call log: kind, number, duration."""
    found = _CALL.match(text.strip())
    if found is None or len(found["rest"]) > 40:
        return None
    kind, rest = found["kind"], found["rest"]
    record = {"channel": next((name for word, name in _CHANNELS.items() if word in kind), "电话"), "text": ""}
    if any(word in kind.lower() for word in _MISSED) or "未接" in rest or "无人接听" in rest:
        record["status"] = "未接"
    if any(word in kind.lower() for word in _OUTGOING):
        record["direction"] = "out"
    number = _NUMBER.search(rest)
    if number:
        record["recipient" if record.get("direction") else "sender"] = number.group()
    length = _LENGTH.search(rest[number.end() :] if number else rest)
    if length and length["duration"]:
        record["duration"] = length["duration"]
    return record


def _names(name: str) -> Record:
    name = name.strip()
    if found := _ARROW.match(name):
        return {"sender": found["sender"].strip(), "recipient": found["recipient"].strip()}
    return {"sender": name}


def _continue(record: Record, line: str) -> None:
    before = record.get("text", "")
    record["text"] = f"{before}\n{line}" if before else line


def _finished(record: Record) -> Record:
    text = record.get("text", "").strip()
    call = _call(text) if "channel" not in record and "\n" not in text else None
    return record | (call or {"text": text})
