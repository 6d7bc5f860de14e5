"""API keys: who may ask for work. A file holds names and SHA-256 hashes; a key itself is seen once, when it is made.

A plain hash is enough because a key is 32 random bytes, which nobody guesses; a slow hash is for what people choose.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from harassclf.errors import HarassclfError
from harassclf.keys import read_keys
from harassclf.service.failures import refusal
from harassclf.service.limits import WORK
from harassclf.service.metrics import Metrics

KEY_NAME = "harassclf.key"  # in the scope: the name of the key that asked
_NOTE = "send the header Authorization: Bearer KEY with a key of this service"


class KeyMissingError(HarassclfError):
    """A request without a key."""

    code = "key_missing"
    http_status = 401


class KeyUnknownError(HarassclfError):
    """A request with a key that is none of ours."""

    code = "key_unknown"
    http_status = 401


class ApiKeys:
    """ASGI middleware: everything under ``/v1/`` wants a known key."""

    def __init__(self, app: ASGIApp, path: Path, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics
        self._keys = read_keys(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(WORK):
            return await self._app(scope, receive, send)
        try:
            scope[KEY_NAME] = self._name(_presented(scope))
        except HarassclfError as error:
            self._metrics.rejected(error.code)
            return await refusal(error)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _name(self, key: bytes) -> str:
        digest, found = sha256(key).digest(), ""
        for known, name in self._keys.items():  # all of them: the time tells nothing about which came close
            if hmac.compare_digest(digest, known):
                found = name
        if not found:
            raise KeyUnknownError(f"the key is not known here; {_NOTE}")
        return found


def _presented(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            if scheme.lower() == b"bearer" and key.strip():
                return bytes(key.strip())
    raise KeyMissingError(f"a key is needed; {_NOTE}")
