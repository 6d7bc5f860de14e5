"""What every router needs: the application's settings and metrics, the loaded classifier, the errors any route may
answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from harassclf.classifier import Classifier
from harassclf.errors import HarassclfError
from harassclf.service import schemas
from harassclf.service.metrics import Metrics
from harassclf.settings import Settings

_DESCRIPTIONS = {
    400: "Not JSON, or not HTTP as it should be",
    401: "API keys are in use here and the request has none that is known",
    408: "The body did not arrive in time",
    413: "Body over the limit",
    422: "Unusable input",
    429: "Too many requests of one key or address; see Retry-After",
    500: "The service failed",
    503: "Not ready, or too much in progress; see Retry-After",
}
# Given to every router where app.py includes it.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.ErrorOut, "description": text} for status, text in _DESCRIPTIONS.items()
}


class NotReadyError(HarassclfError):
    """The service cannot take this request now."""

    code = "not_ready"


def loaded(request: Request) -> Classifier:
    """The classifier; raises :class:`NotReadyError` (503) until it is loaded."""
    found: Classifier | None = request.app.state.classifier
    if found is None:
        raise NotReadyError("the model is still loading; ask again in a second")
    return found


async def _loaded(request: Request) -> Classifier:
    return loaded(request)


# A plain function would be called in a thread, a third of the request. The busiest routes call loaded() themselves,
# which saves the walk through the dependency.
Loaded = Annotated[Classifier, Depends(_loaded)]


def metrics_of(request: Request) -> Metrics:
    """The application's metrics."""
    metrics: Metrics = request.app.state.metrics
    return metrics


def settings_of(request: Request) -> Settings:
    """The application's settings."""
    settings: Settings = request.app.state.settings
    return settings
