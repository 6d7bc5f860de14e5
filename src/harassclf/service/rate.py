"""A limit on the rate of judging requests, per key or else per client address.

Written here: what PyPI has either keeps a timer thread, a lock and unbounded memory (``limits``, 2026-02) or is not kept
up (``asgi-ratelimit``, 2022); the algorithm is ten lines.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict

from starlette.types import ASGIApp, Receive, Scope, Send

from harassclf.errors import HarassclfError
from harassclf.service.access import KEY_NAME
from harassclf.service.failures import refusal
from harassclf.service.limits import WORK
from harassclf.service.metrics import Metrics
from harassclf.settings import Settings

_READING = {"GET", "HEAD", "OPTIONS"}  # the page asks often how far a table is; that judges nothing
_CLIENTS = 10_000  # remembered; the longest silent one is forgotten, whose bucket is the fullest


class RateLimitedError(HarassclfError):
    """More requests than one client may send."""

    code = "rate_limited"
    http_status = 429


class Buckets:
    """Token buckets by client, as the generic cell rate algorithm keeps them: one number each, the time at which the
    bucket is full again."""

    def __init__(self, per_minute: int, burst: int, clients: int = _CLIENTS) -> None:
        self._each, self._burst, self._clients = 60.0 / per_minute, burst, clients
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str, now: float) -> float:
        """Take a token: 0.0 when there was one, else the seconds until there is."""
        full_at = max(self._full_at.get(client, now), now)
        wait = full_at - now - self._each * (self._burst - 1)
        if wait > 1e-9:
            return wait
        self._full_at[client] = full_at + self._each
        self._full_at.move_to_end(client)
        if len(self._full_at) > self._clients:
            self._full_at.popitem(last=False)
        return 0.0


class RateLimit:
    """ASGI middleware: 429 with ``Retry-After`` for who asks too often."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._buckets = Buckets(settings.rate_limit, settings.rate_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _READING or not scope["path"].startswith(WORK):
            return await self._app(scope, receive, send)
        wait = self._buckets.take(client_of(scope), time.monotonic())
        if not wait:
            return await self._app(scope, receive, send)
        self._metrics.rejected(RateLimitedError.code)
        error = RateLimitedError(f"too many requests; ask again in {math.ceil(wait)} seconds")
        return await refusal(error, {"Retry-After": str(math.ceil(wait))})(scope, receive, send)


def client_of(scope: Scope) -> str:
    """Whose bucket: the key's name, else the address; of IPv6 the /64 that one customer has."""
    if KEY_NAME in scope:
        return f"key {scope[KEY_NAME]}"
    host = scope["client"][0] if scope.get("client") else ""
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host.partition("%")[0])
    return str(address.ipv4_mapped or ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
