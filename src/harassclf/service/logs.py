"""Logs as JSON, one object a line on standard error: what happened, never to which text, and from where only if set."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from harassclf.settings import Settings

LOG = logging.getLogger("harassclf")
_SAYS_WHAT_HAPPENS = ("harassclf", "uvicorn")  # loggers whose messages are known to hold nothing of a request


def event(level: int, name: str, **fields: Any) -> None:
    """Log one event of ours."""
    if LOG.isEnabledFor(level):
        LOG.log(level, name, extra={"fields": fields})


def place_of(traceback: TracebackType | None) -> str:
    """File and line where an error arose; all that is told of it besides its kind, for its message may quote a text."""
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}" if traceback else "unknown"


class JsonLines(logging.Formatter):
    """A record as one JSON object. Errors keep kind and place; what other libraries say is left out."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = record.name.partition(".")[0] in _SAYS_WHAT_HAPPENS
        name = record.getMessage() if told else f"{record.name} at {record.filename}:{record.lineno}"
        line = {"time": time, "level": record.levelname.lower(), "event": name, **getattr(record, "fields", {})}
        if record.exc_info and record.exc_info[0] is not None:
            line |= {"error": record.exc_info[0].__name__, "place": place_of(record.exc_info[2])}
        return json.dumps(line, ensure_ascii=False)


def log_config(settings: Settings) -> dict[str, Any]:
    """For :func:`logging.config.dictConfig`, which uvicorn calls in each worker."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {name: {"level": settings.log_level} for name in _SAYS_WHAT_HAPPENS},
    }
