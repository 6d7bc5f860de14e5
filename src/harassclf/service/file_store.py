"""Uploaded tables on disk: one private folder for all, one folder a table, gone after a while and at the end.

What is known of a table is in files, not in this process: with several server processes any of them may be asked.
The text of messages is in these folders and nowhere else; a folder left behind by a killed server is removed by the
next one that starts.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harassclf.errors import HarassclfError

try:
    import fcntl
except ImportError:  # pragma: no cover - not POSIX: nothing left behind is looked for
    fcntl = None  # type: ignore[assignment]

_PREFIX = "harassclf-files-"
_LOCK = "in-use"
_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_NAME = 120  # characters of a file name that are kept
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx")


class NoSuchFileError(HarassclfError):
    """No table under this id: never uploaded, expired or deleted."""

    code = "file_unknown"
    http_status = 404


class FileRefusedError(HarassclfError):
    """An upload that is no table we read, or a request its table does not allow."""

    code = "file_invalid"
    http_status = 422


class FilesFullError(HarassclfError):
    """As many tables as allowed are here already."""

    code = "files_full"


@dataclass(frozen=True, slots=True)
class Stored:
    """One uploaded table."""

    id: str
    folder: Path
    name: str  # as the person calls it, without any folder
    created: float  # seconds since 1970
    expires: float

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder, empty when it is not there yet."""
        try:
            found: dict[str, Any] = json.loads((self.folder / name).read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return found


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder that only this user can enter, removed at the end, with all that dead servers left beside it."""
    root = Path(tempfile.mkdtemp(prefix=_PREFIX))  # mode 0700
    lock = os.open(root / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _remove_abandoned(root)
        yield root
    finally:
        os.close(lock)
        shutil.rmtree(root, ignore_errors=True)


def _remove_abandoned(own: Path) -> None:
    """A living server holds the lock of its folder; a lock that can be taken belongs to a dead one."""
    for folder in own.parent.glob(_PREFIX + "*"):
        with suppress(OSError):
            if folder == own or folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


class FileStore:
    """The tables in ``root``: at most ``limit`` at a time, each for ``seconds``."""

    def __init__(self, root: Path, limit: int, seconds: float) -> None:
        self._root, self._limit, self._seconds = root, limit, seconds

    def create(self, name: str) -> Stored:
        """A new folder for a table called ``name``. Raises :class:`FilesFullError`, or :class:`FileRefusedError` for
        a file ending that is none of a table."""
        shown = plain_name(name)
        if Path(shown).suffix.lower() not in ENDINGS:
            raise FileRefusedError(
                f"the file's name ends in none of {', '.join(ENDINGS)}; save the table as CSV or XLSX"
            )
        self.remove_expired()
        if sum(1 for _ in self._folders()) >= self._limit:
            raise FilesFullError(f"{self._limit} tables are being worked on or kept; delete one or try again later")
        folder = self._root / secrets.token_urlsafe(24)
        folder.mkdir(mode=0o700)
        (folder / "name").write_text(shown, "utf-8")
        return self.get(folder.name)

    def get(self, file_id: str) -> Stored:
        """Raises :class:`NoSuchFileError`."""
        folder = self._root / file_id
        # The pattern holds no dot and no slash: what it lets through cannot leave the root.
        if not _ID.fullmatch(file_id) or not (folder / "name").is_file():
            raise NoSuchFileError("no such table here: it was deleted, or its time is over; upload it again")
        created = (folder / "name").stat().st_mtime
        return Stored(file_id, folder, (folder / "name").read_text("utf-8"), created, created + self._seconds)

    def remove(self, file_id: str) -> None:
        """Remove a table and all that was made of it. Raises :class:`NoSuchFileError`."""
        shutil.rmtree(self.get(file_id).folder, ignore_errors=True)

    def remove_expired(self) -> list[str]:
        """Remove what is older than allowed; their ids."""
        expired = [folder for folder in self._folders() if time.time() - _born(folder) > self._seconds]
        for folder in expired:
            shutil.rmtree(folder, ignore_errors=True)
        return [folder.name for folder in expired]

    def _folders(self) -> Iterator[Path]:
        return (folder for folder in self._root.iterdir() if folder.is_dir())


def _born(folder: Path) -> float:
    for path in (folder / "name", folder):  # a folder without a name is one that is being made or removed
        with suppress(FileNotFoundError):
            return path.stat().st_mtime
    return time.time()


def plain_name(name: str) -> str:
    """The last part of a file name, printable and short; what comes before a slash or backslash is nobody's business."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(char for char in last if char.isprintable()).strip() or "table"
    stem, dot, ending = shown.rpartition(".")
    return f"{stem[: _NAME - len(ending)]}{dot}{ending}" if len(ending) < 10 else shown[:_NAME]
