"""Frozen settings, read from an environment mapping by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path

from harassclf.errors import SettingsError

PREFIX = "HARASSCLF_"
_LOG_LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
_HOST = re.compile(r"\*|(\*\.)?[A-Za-z0-9.\-\[\]:]+")
# Of the kernel and of the notebook: no settings of the service, and no misspelt ones.
_ELSEWHERE = ("KERNEL", "DATA", "NOTEBOOK_MODEL", "NOTEBOOK_PER_VOICE")
_NEAR = 0.8  # likeness of names (difflib): API_KEY and API_KEYS have 0.93
MAX_TEXT = 10_000  # characters (code points) of one message; part of the contract


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may change; each field is the variable ``HARASSCLF_<NAME>``. Limits are per worker process."""

    model: Path | None = None  # model folder; default: the one that ships
    max_batch: int = 1_000  # messages of one request
    max_body: int = 8_000_000  # bytes of one request body
    max_in_progress: int = 16  # requests under /v1/ worked on at once; more are refused with 503
    threads: int = 1  # that judge batches and long messages; Python runs one at a time, and more make /health wait
    header_timeout: int = 10  # seconds until the head of a request must be there
    body_timeout: int = 20  # seconds until its body must be there
    write_timeout: int = 30  # seconds that a client may leave an answer unread
    keep_alive: int = 5  # seconds that an idle connection stays open
    shutdown_timeout: int = 30  # seconds that requests under way may take to finish after SIGTERM
    api_keys: Path | None = None  # file of hashed keys (harassclf key); default: no key is needed
    rate_limit: int = 0  # judging requests a minute of one key or address; 0: no limit
    rate_burst: int = 20  # of them at once
    cors_origins: tuple[str, ...] = ()  # origins whose pages may ask, such as https://intranet.example
    allowed_hosts: tuple[str, ...] = ()  # names this service answers to (Host header); default: any
    trusted_proxies: tuple[str, ...] = ()  # addresses whose X-Forwarded-For is believed
    max_upload: int = 50_000_000  # bytes of one table sent to /v1/files
    max_files: int = 8  # uploaded tables kept or worked on at a time
    file_minutes: int = 60  # after which an uploaded table is deleted
    files_root: Path | None = None  # where they are; serve sets it for its workers; default: a private folder
    feedback: str = ""  # file that feedback is appended to; off: none is taken; default: in the data folder
    max_feedback: int = 50_000_000  # bytes of that file
    log_level: str = "INFO"
    log_requests: bool = True  # a line for each request
    log_addresses: bool = False  # with the client's address in it

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type == "int":
                _check_number(field.name, getattr(self, field.name))
        if self.log_level not in _LOG_LEVELS:
            raise _refusal("log_level", self.log_level, f"one of {', '.join(_LOG_LEVELS)}")
        _check_each("cors_origins", self.cors_origins, _ORIGIN, "origins such as https://intranet.example")
        _check_each("allowed_hosts", self.allowed_hosts, _HOST, "host names such as check.example or *.example")


def _check_number(name: str, value: int) -> None:
    least = 0 if name == "rate_limit" else 1
    if value < least:
        raise SettingsError(f"{PREFIX}{name.upper()}: found {value}, expected {least} or more")


def _check_each(name: str, values: tuple[str, ...], pattern: re.Pattern[str], expected: str) -> None:
    for value in values:
        if not pattern.fullmatch(value):
            raise _refusal(name, value, f"{expected}, separated by commas")


def _refusal(name: str, found: str, expected: str) -> SettingsError:
    return SettingsError(f"{PREFIX}{name.upper()}: found {found!r}, expected {expected}")


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings from ``HARASSCLF_*`` variables; an unusable value raises :class:`SettingsError` naming it."""
    values: dict[str, object] = {}
    for field in fields(Settings):
        raw = environment.get(PREFIX + field.name.upper(), "").strip()
        if raw:
            values[field.name] = (
                raw.upper() if field.name == "log_level" else _PARSERS[str(field.type)](field.name, raw)
            )
    return Settings(**values)  # type: ignore[arg-type]


def check_names(environment: Mapping[str, str]) -> None:
    """Raise :class:`SettingsError` for variables that are nearly a setting: who misspells ``API_KEYS`` believes the service
    closed. Others that begin with ``HARASSCLF_`` may belong to somebody else, such as Kubernetes or a test, and stay."""
    known = {field.name.upper() for field in fields(Settings)} | set(_ELSEWHERE)
    given = {name for name in environment if name.upper().startswith(PREFIX)} - {PREFIX + name for name in known}
    near = {name: get_close_matches(name.upper().removeprefix(PREFIX), sorted(known), 1, _NEAR) for name in given}
    if found := [f"{name}: no such setting, did you mean {PREFIX}{to[0]}?" for name, to in sorted(near.items()) if to]:
        raise SettingsError("; ".join(found))


def _number(name: str, raw: str) -> int:
    try:
        return int(raw)
    except ValueError:
        raise _refusal(name, raw, "a whole number") from None


def _flag(name: str, raw: str) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if raw.lower() not in known:
        raise _refusal(name, raw, "true or false")
    return known[raw.lower()]


# By the field's type as it is written above.
_PARSERS: dict[str, Callable[[str, str], object]] = {
    "int": _number,
    "bool": _flag,
    "str": lambda name, raw: raw,
    "Path | None": lambda name, raw: Path(raw),
    "tuple[str, ...]": lambda name, raw: tuple(part for part in re.split(r"[,\s]+", raw) if part),
}
