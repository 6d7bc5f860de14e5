"""Work on uploaded tables: each step in a process of its own (:mod:`service.file_work`), one table at a time."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter

from harassclf.service.file_store import FileRefusedError, FileStore, NoSuchFileError, Stored
from harassclf.service.file_work import INSPECTED, PROGRESS, TASK, failure_of, write_json

_INSPECT_SECONDS, _SCORE_SECONDS = 60, 1_800  # a table that takes longer is given up
_SWEEP_SECONDS = 30


class FileJobs:
    """Inspects and scores the tables of a :class:`FileStore`; made and closed inside a running event loop."""

    def __init__(self, store: FileStore, model: Path | None) -> None:
        self.store, self._model = store, model
        self._turn = asyncio.Semaphore(1)
        self.reading = CapacityLimiter(1)  # rows of large tables are not read in the threads that judge messages
        self._running: dict[str, asyncio.Task[None]] = {}
        self._sweeper = asyncio.create_task(self._sweep())

    async def inspect(self, stored: Stored) -> None:
        """Look at a table's columns. Raises :class:`FileRefusedError` for one that cannot be read."""
        await self._work("inspect", stored, _INSPECT_SECONDS)
        found = stored.read(INSPECTED)
        if "columns" not in found:
            raise FileRefusedError(found.get("error", failure_of("inspect"))["message"])

    def start(self, stored: Stored, text_column: int, time_column: int | None) -> None:
        """Score a table as soon as it is its turn; the columns are positions from 0. Raises
        :class:`FileRefusedError` for columns that are not there, and for a table that was started before."""
        columns = stored.read(INSPECTED)["columns"]
        for position in (text_column, time_column):
            if position is not None and not 0 <= position < len(columns):
                raise FileRefusedError(f"column {position}: expected a position from 0 to {len(columns) - 1}")
        if columns.index(columns[text_column]) != text_column:
            raise FileRefusedError("two columns have the chosen name; rename one of them and upload the table again")
        if stored.read(TASK):
            raise FileRefusedError("this table was started already; upload it again to score another column")
        model = str(self._model) if self._model else None
        write_json(stored.folder / TASK, {"text_column": text_column, "time_column": time_column, "model": model})
        self._running[stored.id] = asyncio.create_task(self._score(stored))

    def status(self, stored: Stored) -> dict[str, Any]:
        """What is known of a table, for the person who uploaded it."""
        task, progress = stored.read(TASK), stored.read(PROGRESS)
        return {
            "id": stored.id,
            "name": stored.name,
            "state": progress.get("state", "queued" if task else "uploaded"),
            "expires": datetime.fromtimestamp(stored.expires, UTC).isoformat(timespec="seconds"),
            **{key: stored.read(INSPECTED).get(key) for key in ("columns", "preview", "suggested")},
            **{key: task.get(key) for key in ("text_column", "time_column")},
            **{key: progress.get(key) for key in ("rows", "share", "summary", "error")},
        }

    async def remove(self, file_id: str) -> None:
        """Stop what runs for a table and remove it. Raises :class:`NoSuchFileError`."""
        await self.discard(self.store.get(file_id))

    async def discard(self, stored: Stored) -> None:
        """The same for a table that may be gone already."""
        await self._stop([stored.id])
        with suppress(NoSuchFileError):
            self.store.remove(stored.id)

    async def close(self) -> None:
        """Stop everything."""
        self._sweeper.cancel()
        await self._stop(list(self._running))

    async def _stop(self, ids: list[str]) -> None:
        tasks = [task for file_id in ids if (task := self._running.pop(file_id, None))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _score(self, stored: Stored) -> None:
        async with self._turn:
            if not stored.folder.is_dir():  # deleted through another server process while it waited
                return
            write_json(stored.folder / PROGRESS, {"state": "running", "rows": 0, "share": 0.0})
            await self._work("score", stored, _SCORE_SECONDS)
        if stored.read(PROGRESS).get("state") not in ("done", "failed") and stored.folder.is_dir():
            write_json(stored.folder / PROGRESS, {"state": "failed", "error": failure_of("score")})
        self._running.pop(stored.id, None)

    async def _work(self, step: str, stored: Stored, seconds: float) -> None:
        # Nothing is read from its output: a traceback may quote a message, and nobody is to see or log it.
        nowhere = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "harassclf.service.file_work", step, str(stored.folder),
            stdin=nowhere, stdout=nowhere, stderr=nowhere,
        )  # fmt: skip
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            pass  # the state file lacks an end, which says so
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await self._stop(self.store.remove_expired())
