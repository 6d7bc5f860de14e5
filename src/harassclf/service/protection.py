"""What stands before the routes, in one place and one order. All of it is plain ASGI."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from harassclf.service.access import ApiKeys
from harassclf.service.headers import AllowedHosts, SecurityHeaders
from harassclf.service.limits import Limits, Load
from harassclf.service.metrics import Metrics
from harassclf.service.observed import Observed
from harassclf.service.rate import RateLimit
from harassclf.settings import Settings


def add_protection(app: FastAPI, settings: Settings, metrics: Metrics, load: Load) -> None:
    """Add the middleware; the last one added sees a request first, so read this from the end."""
    app.add_middleware(Limits, settings=settings, load=load, metrics=metrics)
    if settings.rate_limit:
        app.add_middleware(RateLimit, settings=settings, metrics=metrics)
    if settings.api_keys:
        app.add_middleware(ApiKeys, path=settings.api_keys, metrics=metrics)
    if settings.cors_origins:
        _add_cors(app, settings)
    if settings.allowed_hosts:
        app.add_middleware(AllowedHosts, allowed=settings.allowed_hosts)
    app.add_middleware(Observed, settings=settings, metrics=metrics)
    app.add_middleware(SecurityHeaders)


def _add_cors(app: FastAPI, settings: Settings) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("Authorization", "Content-Type", "X-Filename"),
        expose_headers=("Retry-After", "X-Request-ID"),
    )
