"""About the service itself: its model, whether it lives, whether it can take work, its metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from harassclf.service import schemas
from harassclf.service.limits import OverloadedError
from harassclf.service.shared import loaded, metrics_of

router = APIRouter(tags=["service"])
_MODEL = ("name", "version", "labels", "categories", "thresholds", "metrics", "sha256", "corpus", "libraries")


@router.get("/v1/model")
async def model(request: Request) -> dict[str, Any]:
    """Name, version, labels, categories, thresholds, metrics and hashes of the model."""
    classifier = loaded(request)
    return {"model": classifier.model} | {key: classifier.metadata[key] for key in _MODEL}


@router.get("/health", response_model=schemas.StatusOut)
async def health() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@router.get("/ready", response_model=schemas.StatusOut)
async def ready(request: Request) -> dict[str, str]:
    """The model is loaded and warm, and there is room for work."""
    loaded(request)
    if request.app.state.load.overloaded:
        raise OverloadedError("as much is in progress as this process takes; send work elsewhere or later")
    return {"status": "ready"}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def prometheus(request: Request) -> Response:
    """Counters in Prometheus' text format."""
    return metrics_of(request).exposition()
