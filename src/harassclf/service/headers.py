"""Security headers of every answer, and the hosts that the service answers to."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harassclf.errors import HarassclfError
from harassclf.service.failures import refusal

# Files of our own only, nothing inline, no frame. /docs sets its own.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",  # a verdict quotes the message
}
_PROBES = ("/health", "/ready", "/metrics")  # asked by address, whatever the host is called


class SecurityHeaders:
    """ASGI middleware: add each header that the answer does not have already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {name for name, _ in given}
                message["headers"] = given + [header for header in self._headers if header[0] not in names]
            await send(message)

        return await self._app(scope, receive, secured)


class HostUnknownError(HarassclfError):
    """A request to a host name that is not ours."""

    code = "host_unknown"
    http_status = 400


class AllowedHosts:
    """ASGI middleware: answer only to the names of ``allowed``, ``*.example`` for all below ``example``.

    Starlette's own answers in plain text, and refuses probes by address.
    """

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        self._app = app
        self._names = {name.lower() for name in allowed}
        self._endings = tuple(name[1:].lower() for name in allowed if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _PROBES or self._knows(_host(scope)):
            return await self._app(scope, receive, send)
        error = HostUnknownError("this service does not answer to the host name of the request")
        return await refusal(error)(scope, receive, send)

    def _knows(self, host: str) -> bool:
        return "*" in self._names or host in self._names or bool(self._endings and host.endswith(self._endings))


def _host(scope: Scope) -> str:
    value = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
    return value if value.endswith("]") else value.rpartition(":")[0] or value
