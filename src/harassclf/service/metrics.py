"""Prometheus metrics of one application; its own registry, so that two applications in a process do not clash."""

from __future__ import annotations

import time

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, Info, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harassclf.classifier import Prediction
from harassclf.service.failures import failed


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

    def answered(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, status).inc()
        self._latency.labels(route).observe(seconds)

    def count(self, prediction: Prediction) -> None:
        self._verdicts.labels(prediction.label).inc()
        if prediction.needs_review:
            self._reviews.inc()

    def model_info(self, model: str) -> None:
        self._model.info({"model": model})

    def exposition(self) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)


class Observed:
    """ASGI middleware: count and time each request under its route's path, unknown paths under one name; answer what
    nobody else did with a 500.

    Plain ASGI: Starlette's ``BaseHTTPMiddleware`` takes a task group per request, a third of an empty route's rate.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status = time.perf_counter(), 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception as error:
            # Answered here and not raised on: the server would log the traceback, and with it what the error quotes.
            if not status:
                await failed(scope["path"], error)(scope, receive, observed)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.answered(route, status, time.perf_counter() - started)
