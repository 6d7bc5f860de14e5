"""Verdicts: one message, many messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from harassclf.classifier import Classifier, Prediction
from harassclf.errors import BatchTooLargeError, InputError
from harassclf.service import schemas
from harassclf.service.metrics import Metrics
from harassclf.service.shared import loaded, metrics_of, settings_of

router = APIRouter(tags=["messages"])
# Up to this length one message is scored in the event loop (0.1 to 0.5 ms): handing it to a thread costs more than
# scoring it, 0.58 against 0.85 of an empty route's requests a second. Longer ones and batches go to a thread.
_INLINE_CHARACTERS = 1_000
# A batch goes to the threads in slices of so many characters, 10 to 50 ms of work: small batches need not wait for large
# ones, and no single call into numpy or the segmenter keeps the interpreter lock, and with it /health, for long. The
# largest have larger slices, so that they come to an end while small ones keep coming.
_SLICE, _MOST_SLICES = 32_768, 16


@router.post("/v1/classify", response_model=schemas.PredictionOut)
async def classify(body: schemas.ClassifyRequest, request: Request) -> JSONResponse:
    """Judge one message."""
    classifier = loaded(request)
    if len(body.text) <= _INLINE_CHARACTERS:
        prediction = classifier.classify(body.text)
    else:
        prediction = await run_in_threadpool(classifier.classify, body.text)
    metrics_of(request).count(prediction, body.text)
    return JSONResponse(prediction.to_dict())


@router.post("/v1/classify/batch", response_model=schemas.BatchOut)
async def classify_batch(body: schemas.BatchRequest, request: Request) -> Response:
    """Judge many messages; an unusable one becomes an error at its place."""
    _check_size(body.texts, settings_of(request).max_batch)
    classifier, metrics = loaded(request), metrics_of(request)
    parts = [await run_in_threadpool(_judged, classifier, metrics, some) for some in _slices(body.texts)]
    return Response(b'{"results":[%s]}' % b",".join(parts), media_type="application/json")


def _slices(texts: list[Any]) -> Iterator[list[Any]]:
    """``texts`` in runs of about as many characters."""
    sizes = [len(text) if isinstance(text, str) else 1 for text in texts]
    enough = max(_SLICE, sum(sizes) // _MOST_SLICES)
    start = characters = 0
    for end, size in enumerate(sizes, 1):
        characters += size
        if characters >= enough or end == len(texts):
            yield texts[start:end]
            start, characters = end, 0


def _judged(classifier: Classifier, metrics: Metrics, texts: list[Any]) -> bytes:
    """Results as they are sent, without the brackets. One by one: writing a thousand at once would keep the interpreter
    lock for 50 ms."""
    results = classifier.judge_many(texts)
    for text, result in zip(texts, results, strict=True):
        if isinstance(result, Prediction):
            metrics.count(result, text)
    return b",".join(_json(_plain(result)) for result in results)


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _check_size(texts: list[Any], limit: int) -> None:
    if len(texts) > limit:
        raise BatchTooLargeError(f"texts: {len(texts):,} messages, the limit is {limit:,}; send several batches")


def _plain(result: Prediction | InputError) -> dict[str, Any]:
    if isinstance(result, Prediction):
        return result.to_dict()
    return {"error": {"code": result.code, "message": str(result)}}
