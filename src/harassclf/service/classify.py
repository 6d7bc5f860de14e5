"""Verdicts: one message, many messages."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from harassclf.classifier import Prediction
from harassclf.errors import BatchTooLargeError, InputError
from harassclf.service import schemas
from harassclf.service.shared import loaded, metrics_of, settings_of

router = APIRouter(tags=["messages"])
# Up to this length one message is scored in the event loop (0.1 to 0.5 ms): handing it to a thread costs more than
# scoring it, 0.58 against 0.85 of an empty route's requests a second. Longer ones and batches go to a thread.
_INLINE_CHARACTERS = 1_000


@router.post("/v1/classify", response_model=schemas.PredictionOut)
async def classify(body: schemas.ClassifyRequest, request: Request) -> JSONResponse:
    """Judge one message."""
    classifier = loaded(request)
    if len(body.text) <= _INLINE_CHARACTERS:
        prediction = classifier.classify(body.text)
    else:
        prediction = await run_in_threadpool(classifier.classify, body.text)
    metrics_of(request).count(prediction)
    return JSONResponse(prediction.to_dict())


@router.post("/v1/classify/batch", response_model=schemas.BatchOut)
async def classify_batch(body: schemas.BatchRequest, request: Request) -> JSONResponse:
    """Judge many messages; an unusable one becomes an error at its place."""
    _check_size(body.texts, settings_of(request).max_batch)
    results = await run_in_threadpool(loaded(request).judge_many, body.texts)
    for result in results:
        if isinstance(result, Prediction):
            metrics_of(request).count(result)
    return JSONResponse({"results": [_plain(result) for result in results]})


def _check_size(texts: list[Any], limit: int) -> None:
    if len(texts) > limit:
        raise BatchTooLargeError(f"texts: {len(texts):,} messages, the limit is {limit:,}; send several batches")


def _plain(result: Prediction | InputError) -> dict[str, Any]:
    if isinstance(result, Prediction):
        return result.to_dict()
    return {"error": {"code": result.code, "message": str(result)}}
