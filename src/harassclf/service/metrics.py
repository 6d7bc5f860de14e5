"""Prometheus metrics of one application; its own registry, so that two applications in a process do not clash."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Info, generate_latest

from harassclf.classifier import Prediction


class Metrics:
    """Requests, latency, verdicts."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        names = ("route", "status")
        self._requests = Counter("harassclf_requests", "Requests answered", names, registry=self._registry)
        self._latency = Histogram("harassclf_request_seconds", "Time to answer", ("route",), registry=self._registry)
        self._verdicts = Counter("harassclf_verdicts", "Messages judged", ("label",), registry=self._registry)
        self._reviews = Counter("harassclf_needs_review", "Messages that need review", registry=self._registry)
        self._model = Info("harassclf_model", "The model that decides", registry=self._registry)

    async def observe(self, request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        """Middleware: count and time one request under its route's path, unknown paths under one name."""
        started = time.perf_counter()
        response = await call_next(request)
        route = getattr(request.scope.get("route"), "path", "unknown")
        self._requests.labels(route, response.status_code).inc()
        self._latency.labels(route).observe(time.perf_counter() - started)
        return response

    def count(self, prediction: Prediction) -> None:
        self._verdicts.labels(prediction.label).inc()
        if prediction.needs_review:
            self._reviews.inc()

    def model_info(self, model: str) -> None:
        self._model.info({"model": model})

    def exposition(self) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
