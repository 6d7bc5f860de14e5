"""The application: routes, their errors, their metrics. Nothing here logs or repeats a message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from harassclf import __version__
from harassclf.classifier import Classifier, Prediction
from harassclf.errors import BatchTooLargeError, InputError
from harassclf.service import schemas
from harassclf.service.failures import add_failures
from harassclf.service.limits import BodyLimit
from harassclf.service.metrics import Metrics, Observed
from harassclf.service.shared import ERRORS, Loaded
from harassclf.settings import Settings

_WARM_UP = "您好，请尽快处理您的账单"
# Up to this length one message is scored in the event loop (0.1 to 0.5 ms): handing it to a thread costs more than
# scoring it, 0.58 against 0.85 of an empty route's requests a second. Longer ones and batches go to a thread.
_INLINE_CHARACTERS = 1_000


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application; the model is loaded when it starts, not here."""
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        classifier = await run_in_threadpool(Classifier.load, chosen.model)
        await run_in_threadpool(classifier.classify, _WARM_UP)
        await run_in_threadpool(classifier.classify_many, [_WARM_UP])
        app.state.metrics.model_info(classifier.model)
        app.state.classifier = classifier
        yield
        app.state.classifier = None

    app = FastAPI(
        title="harassclf",
        version=__version__,
        description="Debt-collection harassment (催收骚扰) in Chinese messages. Message text is neither logged nor stored.",
        lifespan=lifespan,
    )
    app.state.settings, app.state.metrics, app.state.classifier = chosen, Metrics(), None
    add_failures(app)
    app.add_middleware(BodyLimit, max_body=chosen.max_body)
    app.add_middleware(Observed, metrics=app.state.metrics)
    _add_routes(app)
    return app


def _add_routes(app: FastAPI) -> None:
    metrics: Metrics = app.state.metrics
    settings: Settings = app.state.settings

    @app.post("/v1/classify", response_model=schemas.PredictionOut, responses=ERRORS)
    async def classify(body: schemas.ClassifyRequest, classifier: Loaded) -> JSONResponse:
        """Judge one message."""
        if len(body.text) <= _INLINE_CHARACTERS:
            prediction = classifier.classify(body.text)
        else:
            prediction = await run_in_threadpool(classifier.classify, body.text)
        metrics.count(prediction)
        return JSONResponse(prediction.to_dict())

    @app.post("/v1/classify/batch", response_model=schemas.BatchOut, responses=ERRORS)
    async def classify_batch(body: schemas.BatchRequest, classifier: Loaded) -> JSONResponse:
        """Judge many messages; an unusable one becomes an error at its place."""
        if len(body.texts) > settings.max_batch:
            raise BatchTooLargeError(
                f"texts: {len(body.texts):,} messages, the limit is {settings.max_batch:,}; send several batches"
            )
        results = await run_in_threadpool(classifier.judge_many, body.texts)
        for result in results:
            if isinstance(result, Prediction):
                metrics.count(result)
        return JSONResponse({"results": [_plain(result) for result in results]})

    @app.get("/v1/model", responses={503: {"model": schemas.ErrorOut}})
    async def model(classifier: Loaded) -> dict[str, Any]:
        """Name, version, labels, categories, thresholds, metrics and hashes of the model."""
        shown = ("name", "version", "labels", "categories", "thresholds", "metrics", "sha256", "corpus", "libraries")
        return {"model": classifier.model} | {key: classifier.metadata[key] for key in shown}

    @app.get("/health", response_model=schemas.StatusOut)
    async def health() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @app.get("/ready", response_model=schemas.StatusOut, responses={503: {"model": schemas.ErrorOut}})
    async def ready(classifier: Loaded) -> dict[str, str]:
        """The model is loaded and warm."""
        return {"status": "ready"}

    @app.get("/", include_in_schema=False)
    async def root() -> RedirectResponse:
        """The documentation, until there is a page."""
        return RedirectResponse("docs")

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def prometheus() -> Response:
        """Counters in Prometheus' text format."""
        return metrics.exposition()


def _plain(result: Prediction | InputError) -> dict[str, Any]:
    if isinstance(result, Prediction):
        return result.to_dict()
    return {"error": {"code": result.code, "message": str(result)}}
