"""Frozen settings, read from an environment mapping by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from harassclf.errors import SettingsError

PREFIX = "HARASSCLF_"
_LOG_LEVELS = ("CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG")
MAX_TEXT = 10_000  # characters (code points) of one message; part of the contract


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may change; each field is the variable ``HARASSCLF_<NAME>``."""

    model: Path | None = None  # model folder; default: the one that ships
    max_batch: int = 1_000  # messages of one request
    max_body: int = 8_000_000  # bytes of one request body
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        for name in ("max_batch", "max_body"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{PREFIX}{name.upper()}: found {getattr(self, name)}, expected 1 or more")
        if self.log_level not in _LOG_LEVELS:
            raise SettingsError(
                f"{PREFIX}LOG_LEVEL: found {self.log_level!r}, expected one of {', '.join(_LOG_LEVELS)}"
            )


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Settings from ``HARASSCLF_*`` variables; an unusable value raises :class:`SettingsError` naming it."""
    values: dict[str, object] = {}
    for field in fields(Settings):
        raw = environment.get(PREFIX + field.name.upper(), "")
        if raw:
            values[field.name] = _parse(field.name, raw)
    return Settings(**values)  # type: ignore[arg-type]


def _parse(name: str, raw: str) -> object:
    if name == "model":
        return Path(raw)
    if name == "log_level":
        return raw.upper()
    try:
        return int(raw)
    except ValueError:
        raise SettingsError(f"{PREFIX}{name.upper()}: found {raw!r}, expected a whole number") from None
