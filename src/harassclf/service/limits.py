"""What bounds the work of one process: requests in progress, bytes of bodies, the time a body may take.

A request is refused at once instead of waiting in a queue that grows. Nothing here reads a body that nobody asked for:
only what stands under ``/v1/`` is work; the page, ``/health``, ``/ready`` and ``/metrics`` always answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harassclf.errors import HarassclfError
from harassclf.service.failures import refusal
from harassclf.service.metrics import Metrics
from harassclf.settings import Settings

WORK = "/v1/"
# These read their own body and count its bytes: tables and pictures go to disk or to a process of their own.
SELF_LIMITED = {("POST", "/v1/files"), ("POST", "/v1/ocr")}
_UPLOADS = 8  # of them at once
_BODIES = 4  # largest bodies held at once; many more small ones
_OVERLOADED_SECONDS = 1.0  # that /ready stays off after a refusal, so that a balancer sees it


class OverloadedError(HarassclfError):
    """More in progress than this process takes."""

    code = "overloaded"


class BodyTooLargeError(HarassclfError):
    """A body over the limit."""

    code = "body_too_large"
    http_status = 413


class BodyTimeoutError(HarassclfError):
    """A body that did not arrive in time."""

    code = "body_timeout"
    http_status = 408


class Load:
    """Requests in progress and bytes held, of one process; lives in its event loop, so without locks."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._most, self._most_bytes = settings.max_in_progress, _BODIES * settings.max_body
        self._running = self._uploading = self._held = 0
        self._metrics, self._refused = metrics, -_OVERLOADED_SECONDS

    @property
    def overloaded(self) -> bool:
        """Full now, or refused somebody a moment ago."""
        return self._running >= self._most or time.monotonic() - self._refused < _OVERLOADED_SECONDS

    def check(self) -> None:
        """Raise :class:`OverloadedError` when one more request would be too many."""
        if self._running >= self._most:
            self._refuse(f"{self._most} requests are in progress, no more are taken")

    @contextmanager
    def request(self) -> Iterator[None]:
        """A place among the requests in progress."""
        self.check()
        self._running += 1
        self._metrics.in_progress(1)
        try:
            yield
        finally:
            self._running -= 1
            self._metrics.in_progress(-1)

    @contextmanager
    def upload(self) -> Iterator[None]:
        """A place among the uploads."""
        if self._uploading >= _UPLOADS:
            self._refuse(f"{_UPLOADS} uploads are in progress, no more are taken")
        self._uploading += 1
        try:
            yield
        finally:
            self._uploading -= 1

    def hold(self, size: int) -> None:
        """Count ``size`` more bytes of bodies held; negative when they are let go."""
        self._held += size
        if size > 0 and self._held > self._most_bytes:
            self._refuse("too many large requests are in progress")

    def _refuse(self, found: str) -> None:
        self._refused = time.monotonic()
        raise OverloadedError(f"{found}; ask again in a second")


class Limits:
    """ASGI middleware: a whole body within its limits first, then a place among the requests in progress.

    In this order a client that sends slowly takes nobody's place.
    """

    def __init__(self, app: ASGIApp, settings: Settings, load: Load, metrics: Metrics) -> None:
        self._app, self._load, self._metrics = app, load, metrics
        self._max, self._seconds = settings.max_body, settings.body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(WORK):
            return await self._app(scope, receive, send)
        try:
            if (scope["method"], scope["path"]) in SELF_LIMITED:
                await self._streamed(scope, receive, send)
            else:
                await self._whole(scope, receive, send)
        except (OverloadedError, BodyTooLargeError, BodyTimeoutError) as error:
            self._metrics.rejected(error.code)
            await refusal(error)(scope, receive, send)

    async def _streamed(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def hurried() -> Message:
            try:
                async with asyncio.timeout(self._seconds):
                    return await receive()
            except TimeoutError:
                raise self._too_slow() from None

        with self._load.upload():
            await self._app(scope, hurried, send)

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._load.check()
        announced = _announced(scope)
        if announced is None:
            with self._load.request():
                return await self._app(scope, receive, send)
        if announced > self._max:
            raise self._too_large()
        body = _Body(self._load)
        try:
            if await self._arrived(body, receive):
                with self._load.request():
                    await self._app(scope, _replay(body.joined(), receive), send)
        finally:
            body.let_go()

    async def _arrived(self, body: _Body, receive: Receive) -> bool:
        """Fill ``body``; false when the client has gone: half a body is not to be judged."""
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return False
                    if body.add(message.get("body", b"")) > self._max:
                        raise self._too_large()
                    if not message.get("more_body", False):
                        return True
        except TimeoutError:
            raise self._too_slow() from None

    def _too_slow(self) -> BodyTimeoutError:
        return BodyTimeoutError(f"body: not all there within {self._seconds} seconds; send it faster")

    def _too_large(self) -> BodyTooLargeError:
        return BodyTooLargeError(f"body: over the limit of {self._max:,} bytes; send smaller batches")


class _Body:
    """A body as it arrives, its bytes counted in the load."""

    def __init__(self, load: Load) -> None:
        self._load, self._chunks, self._size = load, list[bytes](), 0

    def add(self, chunk: bytes) -> int:
        self._chunks.append(chunk)
        self._size += len(chunk)
        self._load.hold(len(chunk))
        return self._size

    def joined(self) -> bytes:
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def let_go(self) -> None:
        self._load.hold(-self._size)


def _announced(scope: Scope) -> int | None:
    """The announced length of the body, 0 for one of unknown length, ``None`` when there is no body."""
    found = None
    for name, value in scope["headers"]:
        if name == b"content-length":
            found = int(value) if value.isdigit() else 0
        elif name == b"transfer-encoding":
            return 0
    return found


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
