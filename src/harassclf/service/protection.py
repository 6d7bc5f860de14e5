"""What stands before the routes, in one place and one order."""

from __future__ import annotations

from fastapi import FastAPI

from harassclf.service.limits import BodyLimit
from harassclf.service.metrics import Metrics, Observed
from harassclf.settings import Settings


def add_protection(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Add the middleware; the last one added sees a request first."""
    app.add_middleware(BodyLimit, max_body=settings.max_body)
    app.add_middleware(Observed, metrics=metrics)
