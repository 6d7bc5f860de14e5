"""Bodies over the limit are refused with 413 while they arrive, before anything is parsed."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harassclf.service.failures import failure


class BodyLimit:
    """ASGI middleware: counts the bytes of a body, announced or not."""

    def __init__(self, app: ASGIApp, max_body: int) -> None:
        self._app, self._max = app, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._max:
            return await self._refuse(scope, receive, send)
        body = await self._whole_body(receive)
        if body is None:
            return await self._refuse(scope, receive, send)
        return await self._app(scope, _replay(body, receive), send)

    async def _whole_body(self, receive: Receive) -> bytes | None:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b""  # nobody waits for the answer; half a body is not to be judged
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._max:
                return None
            if not message.get("more_body", False):
                return b"".join(chunks)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = failure(413, "body_too_large", f"body: over the limit of {self._max:,} bytes; send smaller batches")
        await answer(scope, receive, send)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
