"""What the handlers of one application share: its settings, its metrics, the loaded model."""

from __future__ import annotations

from fastapi import Request

from harassclf.classifier import Classifier
from harassclf.errors import HarassclfError
from harassclf.service.metrics import Metrics
from harassclf.settings import Settings


class NotReadyError(HarassclfError):
    """The service cannot take this request now."""

    code = "not_ready"


# Called by the handlers. As FastAPI dependencies they would cost a tenth of a request each.
def loaded(request: Request) -> Classifier:
    """The classifier; raises :class:`NotReadyError` (503) until it is loaded."""
    found: Classifier | None = request.app.state.classifier
    if found is None:
        raise NotReadyError("the model is still loading; ask again in a second")
    return found


def metrics_of(request: Request) -> Metrics:
    """The application's metrics."""
    metrics: Metrics = request.app.state.metrics
    return metrics


def settings_of(request: Request) -> Settings:
    """The application's settings."""
    settings: Settings = request.app.state.settings
    return settings
