"""The time of a contact, as people and machines write it, on the clock of the person who was reached."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harassclf.errors import InputError

DEFAULT_TIMEZONE = "Asia/Shanghai"
_DATE = r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*[日号]?"
_WEEKDAY = r"(?:\s*[(]?(?:星期|周|礼拜)[一二三四五六日天][)]?)?"
_HALF = r"(?P<half>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|夜晚|深夜|半夜|am|pm)"
_CLOCK = (
    r"(?P<hour>\d{1,2})\s*[:时点]\s*(?:(?P<minute>\d{1,2}|半)\s*分?(?:\s*:?\s*(?P<second>\d{1,2}(?:[.,]\d+)?)\s*秒?)?)?"
    r"\s*(?:(?P<after>am|pm)(?![a-z]))?"
)
_ZONE = r"(?P<zone>z|北京时间|(?:utc|gmt)?\s*[+-]\d{1,2}(?::?\d{2})?|utc|gmt)?\s*(?:\[?(?P<name>[a-z_]+(?:/[a-z0-9_+-]+)+)\]?)?"
_WRITTEN = re.compile(
    rf"(?:(?P<before>北京时间)\s*)?{_DATE}{_WEEKDAY}[t\s,]*{_HALF}?\s*{_CLOCK}\s*{_ZONE}", re.IGNORECASE
)
_CLOCK_ALONE = re.compile(rf"{_HALF}?\s*{_CLOCK}", re.IGNORECASE)
_COMPACT = re.compile(
    r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)[t\s_-]?(?P<hour>\d\d):?(?P<minute>\d\d):?(?P<second>\d\d)?\s*"
    + _ZONE,
    re.IGNORECASE,
)
_DATE_ALONE = re.compile(rf"\s*{_DATE}")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")
_FIXED = re.compile(r"(?:UTC|GMT)?" + _OFFSET.pattern, re.IGNORECASE)
_AFTERNOON = ("下午", "傍晚", "晚上", "夜晚", "pm")
_NIGHT = ("夜里", "深夜", "半夜")
_MORNING = ("凌晨", "清晨", "早上", "早晨", "上午", "am")
_YEARS = range(1990, 2100)
_EXCEL_ZERO = datetime(1899, 12, 30)


class TimeError(ValueError):
    """A time that cannot be understood; says why in Chinese, without repeating it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time on the local clock (aware), and what is odd about it (empty when nothing is)."""

    local: datetime
    note: str = ""


def load_zone(name: str) -> tzinfo:
    """The time zone ``name``: of IANA, or a fixed offset such as ``+08:00`` or ``UTC+8``. Raises
    :class:`~harassclf.errors.InputError` for an unknown one."""
    try:
        if fixed := _FIXED.fullmatch(name.strip()):
            return _offset(fixed)
        return ZoneInfo(name.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError("timezone: not an IANA time zone; expected a name such as Asia/Shanghai or America/New_York") from None  # fmt: skip


def parse_time(value: object, zone: tzinfo) -> Moment:
    """``value`` on the clock of ``zone``.

    Understands ISO 8601 with or without an offset, Chinese forms (2026年3月1日 下午10:15), compact digits, seconds (or
    milli-, micro-, nanoseconds) since 1970 and Excel's day count. A time without an offset is read as local. Raises
    :class:`TimeError`.
    """
    text = unicodedata.normalize("NFKC", "" if value is None else str(value)).strip()
    if not text or isinstance(value, bool):
        raise TimeError("没有时间")
    if _NUMBER.fullmatch(text) and not _COMPACT.fullmatch(text):
        return _counted(text, zone)
    found = _WRITTEN.fullmatch(text) or _COMPACT.fullmatch(text)
    if found is None:
        raise TimeError("时间缺少时刻" if _DATE_ALONE.fullmatch(text) else "时间格式无法识别")
    try:
        return _placed(_wall(found), _zone_of(found), zone)
    except (ValueError, OverflowError) as error:
        raise TimeError(str(error) if isinstance(error, TimeError) else "时间不存在") from None


def joined(date: str, time: str) -> str:
    """One time from a date cell and a time cell; a time that has its date already stays as it is."""
    found = _DATE_ALONE.match(unicodedata.normalize("NFKC", date))
    clock = unicodedata.normalize("NFKC", time).strip()
    if found is None or not _CLOCK_ALONE.fullmatch(clock):
        return time or date
    return f"{found['year']}-{found['month']}-{found['day']} {clock}"


def _wall(found: re.Match[str]) -> datetime:
    parts = found.groupdict()
    year, hour = int(parts["year"]), _hour(int(parts["hour"]), (parts.get("half") or parts.get("after") or "").lower())
    if year not in _YEARS:
        raise TimeError("年份不合理")
    seconds = Decimal((parts["second"] or "0").replace(",", "."))
    minutes = 30 if parts["minute"] == "半" else int(parts["minute"] or 0)
    if minutes > 59 or seconds >= 60 or hour > 24:
        raise TimeError("时间不存在")
    day = datetime(year, int(parts["month"]), int(parts["day"]))
    wall = day + timedelta(hours=hour, minutes=minutes, microseconds=int(seconds * 1_000_000))
    if hour == 24 and wall != day + timedelta(days=1):
        raise TimeError("时间不存在")
    return wall


def _hour(hour: int, half: str) -> int:
    if half and hour > 12:
        return hour  # 晚上22:15
    if hour == 12 and half in (*_NIGHT, "晚上", "夜晚"):
        raise TimeError("“晚上12点”有歧义，请用24小时制")
    if half in _AFTERNOON or (half == "中午" and hour < 10) or (half in _NIGHT and hour >= 6):
        return hour % 12 + 12
    return hour % 12 if half in _MORNING else hour


def _zone_of(found: re.Match[str]) -> tzinfo | None:
    parts = found.groupdict()
    written = (parts["zone"] or "").lower()
    if offset := _OFFSET.search(written):
        return _offset(offset)
    if written in ("z", "utc", "gmt"):
        return UTC
    if written == "北京时间" or parts.get("before"):
        return ZoneInfo(DEFAULT_TIMEZONE)
    return _named(parts["name"]) if parts["name"] else None


def _offset(found: re.Match[str]) -> tzinfo:
    size = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(size if found[1] == "+" else -size)


def _named(name: str) -> tzinfo:
    try:
        return load_zone(name)
    except InputError:
        raise TimeError("时区无法识别") from None


def _placed(wall: datetime, written: tzinfo | None, zone: tzinfo) -> Moment:
    if written is not None:
        return Moment(wall.replace(tzinfo=written).astimezone(zone))
    local = wall.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall:
        return Moment(local, "该时刻在夏令时切换中被跳过，按所写时刻计")
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        return Moment(local, "该时刻在夏令时切换中出现两次，按第一次计")
    return Moment(local)


def _counted(text: str, zone: tzinfo) -> Moment:
    number = float(text)
    if 20_000 <= number < 80_000:  # days, as a sheet counts them: 1954 to 2119
        if number.is_integer():
            raise TimeError("时间缺少时刻")
        return _placed(_EXCEL_ZERO + timedelta(milliseconds=round(number * 86_400_000)), None, zone)
    for scale in (1, 1_000, 1_000_000, 1_000_000_000):
        if 631_152_000 <= number / scale < 4_102_444_800:  # 1990 to 2100
            return Moment(datetime.fromtimestamp(number / scale, UTC).astimezone(zone))
    raise TimeError("时间格式无法识别")
