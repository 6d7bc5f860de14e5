"""The application: its routers, what stands before them, the model. Nothing here logs or repeats a message."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from harassclf import __version__
from harassclf.classifier import Classifier
from harassclf.service import about, classify, docs, feedback, files, ocr, page, precheck, timeline
from harassclf.service.failures import add_failures
from harassclf.service.limits import Load
from harassclf.service.metrics import Metrics
from harassclf.service.protection import add_protection
from harassclf.service.shared import ERRORS
from harassclf.settings import Settings

_WARM_UP = "您好，请尽快处理您的账单"
_TITLE = (
    "Debt-collection harassment (催收骚扰) in Chinese messages. Message text is not logged, and stored only on request."
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application; the model is loaded when it starts, not here."""
    chosen, metrics = settings or Settings(), Metrics()
    app = FastAPI(
        title="harassclf", version=__version__, description=_TITLE, lifespan=_lifespan, docs_url=None, redoc_url=None
    )
    app.state.settings, app.state.metrics, app.state.classifier = chosen, metrics, None
    app.state.load, app.state.paths = Load(chosen, metrics), frozenset()
    add_failures(app)
    add_protection(app, chosen, metrics, app.state.load)
    _add_routers(app)
    if chosen.api_keys:
        docs.describe_keys(app)
    return app


def _add_routers(app: FastAPI) -> None:
    """One line a feature: its module has a ``router``; handlers take what they need from ``shared``."""
    app.include_router(about.router, responses=ERRORS)
    app.include_router(classify.router, responses=ERRORS)
    app.include_router(files.router, responses=ERRORS)
    app.include_router(ocr.router, responses=ERRORS)
    app.include_router(precheck.router, responses=ERRORS)
    app.include_router(timeline.router, responses=ERRORS)
    app.include_router(feedback.router, responses=ERRORS)
    app.include_router(page.router)
    app.include_router(docs.router)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Threads share one interpreter lock: each one more makes the event loop wait 5 ms longer for its turn.
    current_default_thread_limiter().total_tokens = app.state.settings.threads
    classifier = await run_in_threadpool(Classifier.load, app.state.settings.model)
    app.state.metrics.model_info(classifier.model)
    app.state.metrics.drift.start(classifier)  # before the first message, with which the model's word list is let go
    await run_in_threadpool(classifier.classify, _WARM_UP)
    await run_in_threadpool(classifier.classify_many, [_WARM_UP])
    app.state.classifier = classifier
    app.state.paths = frozenset(path for path in app.openapi()["paths"] if "{" not in path)
    yield
    app.state.classifier = None
