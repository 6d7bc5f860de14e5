"""What people say is wrong: one JSON object a line, appended to one local file. Nothing trains by itself.

A line holds the text's SHA-256, what the model said, what the person thinks is right, the time, a comment if there is
one, and the text only if the person ticked it. (A hash tells whether a text at hand is the one meant. It does not hide a
short text from somebody who tries all short texts.)

Format 1
    ``{"format": 1, "id", "time", "model", "text_sha256", "verdict": {"label", "categories", "probabilities",
    "needs_review"}, "wish": {"label", "categories"}, "comment", "text"}``; ``text`` is null unless it was ticked.

Writers may be several processes: each line is one write to a file opened for appending, under a lock, and is on the disk
before the answer. The file is made readable by its owner only, and takes no more lines at its limit.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from harassclf.errors import HarassclfError
from harassclf.labels import CATEGORIES, HARASSMENT, LABELS

FORMAT = 1
MAX_COMMENT = 1_000  # characters
OFF = "off"
FILE_NAME = "feedback.jsonl"
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


class FeedbackOffError(HarassclfError):
    """The operator takes no feedback."""

    code = "feedback_off"
    http_status = 403
    exit_status = 2


class FeedbackFullError(HarassclfError):
    """The file has reached its limit."""

    code = "feedback_full"


class FeedbackUnwritableError(HarassclfError):
    """The file cannot be written."""

    code = "feedback_unwritable"


class FeedbackUnreadableError(HarassclfError):
    """The file cannot be read."""

    code = "feedback_unreadable"
    exit_status = 2


class _Verdict(Protocol):
    """What :class:`harassclf.classifier.Prediction` has, which lies above this module."""

    @property
    def label(self) -> str: ...
    @property
    def probabilities(self) -> dict[str, float]: ...
    @property
    def needs_review(self) -> bool: ...
    @property
    def categories(self) -> Sequence[Any]: ...
    @property
    def model(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the file. ``text`` is None unless the person chose to keep it."""

    id: str
    time: str  # UTC, ISO 8601
    model: str
    text_sha256: str
    label: str  # the model's
    categories: tuple[str, ...]
    probabilities: Mapping[str, float]
    needs_review: bool
    wished_label: str
    wished_categories: tuple[str, ...]
    comment: str
    text: str | None

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {
            "format": FORMAT,
            "id": self.id,
            "time": self.time,
            "model": self.model,
            "text_sha256": self.text_sha256,
            "verdict": {
                "label": self.label,
                "categories": list(self.categories),
                "probabilities": dict(self.probabilities),
                "needs_review": self.needs_review,
            },
            "wish": {"label": self.wished_label, "categories": list(self.wished_categories)},
            "comment": self.comment,
            "text": self.text,
        }

    @classmethod
    def from_dict(cls, values: Any) -> Record:
        """Read one line's object. Raises ValueError saying what is wrong, without a word of the text."""
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise ValueError(f"not a record of format {FORMAT}")
        try:
            verdict, wish = values["verdict"], values["wish"]
            found = cls(
                id=_string(values["id"]),
                time=_string(values["time"]),
                model=_string(values["model"]),
                text_sha256=_string(values["text_sha256"]),
                label=_string(verdict["label"]),
                categories=tuple(map(_string, verdict["categories"])),
                probabilities={label: float(verdict["probabilities"][label]) for label in LABELS},
                needs_review=bool(verdict["needs_review"]),
                wished_label=_string(wish["label"]),
                wished_categories=tuple(map(_string, wish["categories"])),
                comment=_string(values["comment"]),
                text=None if values["text"] is None else _string(values["text"]),
            )
        except (LookupError, TypeError, AttributeError):
            raise ValueError("a field is missing or of another type") from None
        return found._checked()

    def _checked(self) -> Record:
        if not {self.label, self.wished_label} <= set(LABELS):
            raise ValueError("an unknown label")
        if not {*self.categories, *self.wished_categories} <= set(CATEGORIES):
            raise ValueError("an unknown category")
        if self.text is not None and sha256_of(self.text) != self.text_sha256:
            raise ValueError("the text is not the one its SHA-256 was made of")
        return self


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def sha256_of(text: str) -> str:
    """SHA-256 of the text's UTF-8 bytes, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def record_of(
    text: str,
    verdict: _Verdict,
    *,
    label: str,
    categories: Sequence[str] = (),
    comment: str = "",
    keep_text: bool = False,
) -> Record:
    """What a person says of one verdict. ``categories`` count only where the wished label is harassment."""
    wished = set(categories) if label == HARASSMENT else set()
    return Record(
        id=uuid4().hex,
        time=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        model=verdict.model,
        text_sha256=sha256_of(text),
        label=verdict.label,
        categories=tuple(category.name for category in verdict.categories),
        probabilities=verdict.probabilities,
        needs_review=verdict.needs_review,
        wished_label=label,
        wished_categories=tuple(name for name in CATEGORIES if name in wished),
        comment=comment[:MAX_COMMENT],
        text=text if keep_text else None,
    )


def feedback_path(setting: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where the file is: ``setting`` (``HARASSCLF_FEEDBACK``), None for ``off``; when it is empty, ``feedback.jsonl`` in
    the folder that systemd gives a service (``STATE_DIRECTORY``), else in the person's data folder. Nothing is created."""
    if setting.strip().lower() == OFF:
        return None
    if setting.strip():
        return Path(setting.strip())
    if state := environment.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(state) / FILE_NAME
    from platformdirs import user_data_path

    return user_data_path("harassclf", appauthor=False) / FILE_NAME


def append(path: Path, record: Record, *, limit: int) -> None:
    """Append one line and wait until it is on the disk; ``limit`` is the largest size of the file in bytes.

    Raises :class:`FeedbackFullError` or :class:`FeedbackUnwritableError`; then the file is as it was.
    """
    line = json.dumps(record.to_dict(), ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"
    try:
        if not path.is_absolute() and not path.parent.is_dir():
            raise FileNotFoundError(2, "no such folder", str(path.parent))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _NOFOLLOW, 0o600)
        try:
            with _locked(descriptor):
                _append_line(descriptor, line, limit)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise FeedbackUnwritableError(f"{path}: cannot be written ({error.strerror or type(error).__name__}); choose "
                                      "another file with HARASSCLF_FEEDBACK") from None  # fmt: skip


def _append_line(descriptor: int, line: bytes, limit: int) -> None:
    size = os.fstat(descriptor).st_size
    if size and _last_byte(descriptor) != b"\n":
        line = b"\n" + line  # a line that a crash cut off damages itself, not the next one
    if size + len(line) > limit:
        raise FeedbackFullError(f"the feedback file is at its limit of {limit:,} bytes; move it away or raise "
                                "HARASSCLF_MAX_FEEDBACK")  # fmt: skip
    if os.write(descriptor, line) != len(line):  # the disk is full
        os.ftruncate(descriptor, size)
        raise OSError(28, "no space left on the disk")
    os.fsync(descriptor)


def _last_byte(descriptor: int) -> bytes:
    os.lseek(descriptor, -1, os.SEEK_END)  # appending does not mind where this leaves the position
    return os.read(descriptor, 1)


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """No other process appends meanwhile. Windows has no such lock; there, run one worker."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A line that is no record: its number, counted from 1, and why."""

    line: int
    reason: str


def read(path: Path) -> tuple[list[Record], list[Damaged]]:
    """All records in order, and the lines that are none. Raises :class:`FeedbackUnreadableError`."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise FeedbackUnreadableError(f"{path}: cannot be read ({error.strerror}); expected a file that harassclf wrote"
                                      ) from None  # fmt: skip
    records, damaged = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            records.append(Record.from_dict(json.loads(line)))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            damaged.append(Damaged(number, "not JSON"))
        except ValueError as error:
            damaged.append(Damaged(number, str(error)))
    return records, damaged
