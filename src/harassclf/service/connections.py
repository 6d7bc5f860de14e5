"""Connections of clients that are slow on purpose: heads that never end, answers that nobody reads.

uvicorn closes a connection that idles between two requests, but waits for ever for the first head, for the rest of one,
and for a reader. Bodies have their time in :mod:`harassclf.service.limits`.
"""

from __future__ import annotations

import asyncio
import os
from functools import cache
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from harassclf.settings import from_environment


@cache
def _timeouts() -> tuple[int, int]:
    settings = from_environment(os.environ)
    return settings.header_timeout, settings.write_timeout


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with an end to its patience."""

    _head: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for a head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Wait on while the head is not complete; a byte now and then does not start the time again."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._wait_for_head()
        else:
            self._stop("_head")

    def pause_writing(self) -> None:
        """The client does not read: the answer fills the buffer."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(_timeouts()[1], self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._stop("_unread")

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        super().connection_lost(exc)
        self._stop("_head")
        self._stop("_unread")

    def _wait_for_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(_timeouts()[0], self.transport.abort)

    def _stop(self, name: str) -> None:
        timer: asyncio.TimerHandle | None = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)
