"""Each request counted, timed, named and logged under its route's template; what nobody else answered gets a 500."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harassclf.service.access import KEY_NAME
from harassclf.service.failures import internal
from harassclf.service.logs import LOG, event, place_of
from harassclf.service.metrics import Metrics
from harassclf.settings import Settings

_CLIENT_GONE = 499  # no answer was sent, as nginx writes it
_PROBES = {"/health", "/ready", "/metrics"}  # logged at level DEBUG: they come every few seconds
# A proxy's id is taken over when it is one: letters of a client's own choice could spell anything in our log.
_REQUEST_ID = re.compile(rb"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Observed:
    """ASGI middleware.

    Plain ASGI: Starlette's ``BaseHTTPMiddleware`` takes a task group per request, a third of an empty route's rate.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status, name = time.perf_counter(), 0, _request_id(scope)

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name)]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception as error:
            # Answered here and not raised on: the server would log the traceback, and with it what the error quotes.
            _log_failure(scope, name, error)
            if not status:
                await internal()(scope, receive, observed)
        finally:
            self._done(scope, name, status or _CLIENT_GONE, time.perf_counter() - started)

    def _done(self, scope: Scope, name: bytes, status: int, seconds: float) -> None:
        route = _route(scope)
        self._metrics.answered(route, status, seconds)
        level = logging.DEBUG if route in _PROBES else logging.INFO
        if self._settings.log_requests and LOG.isEnabledFor(level):
            event(level, "request", id=name.decode(), method=_method(scope), route=route, status=status,
                  ms=round(1000 * seconds, 2), **self._whose(scope))  # fmt: skip

    def _whose(self, scope: Scope) -> dict[str, Any]:
        whose = {"key": scope[KEY_NAME]} if KEY_NAME in scope else {}
        if self._settings.log_addresses and scope.get("client"):
            whose["address"] = scope["client"][0]
        return whose


def _log_failure(scope: Scope, name: bytes, error: Exception) -> None:
    event(logging.ERROR, "failed", id=name.decode(), route=_route(scope), error=type(error).__name__,
          place=place_of(error.__traceback__))  # fmt: skip


def _route(scope: Scope) -> str:
    """The template, such as ``/v1/files/{file_id}``; a path that no route has may be anything. A request refused before
    its route was found goes by its path where that is one of ours."""
    found: str = getattr(scope.get("route"), "path", "")
    return found or (scope["path"] if scope["path"] in scope["app"].state.paths else "unknown")


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS") else "?"


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(8).encode()
