"""Feedback over HTTP: "this is wrong", appended to the operator's file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from starlette.concurrency import run_in_threadpool

from harassclf.classifier import Classifier
from harassclf.feedback import (
    MAX_COMMENT,
    FeedbackOffError,
    FeedbackUnwritableError,
    Record,
    append,
    feedback_path,
    record_of,
)
from harassclf.labels import HARASSMENT
from harassclf.service import schemas
from harassclf.service.logs import event
from harassclf.service.shared import Loaded, settings_of

Label = Literal["harassment", "collection", "other"]
Category = Literal["threat", "insult", "third_party", "exposure", "deception", "coercion", "bombardment"]
router = APIRouter(prefix="/v1/feedback", tags=["feedback"])


class FeedbackRequest(schemas.ClassifyRequest):
    """What the person thinks is right. The text is kept only if ``keep_text`` is true, which only they may tick."""

    model_config = ConfigDict(
        extra="forbid",  # a misspelt keep_text or categories would be lost without a word
        json_schema_extra={"examples": [{"text": "您本期账单明天到期", "label": "collection", "keep_text": False}]},
    )

    label: Label
    categories: list[Category] = Field(default=[], max_length=7, description="Read only when label is harassment.")
    comment: str = Field(default="", max_length=MAX_COMMENT, description="Stored as typed.")
    keep_text: StrictBool = False


class VerdictBrief(BaseModel):
    """What the model says of the message; `probability` is that of harassment."""

    label: Label
    categories: list[Category]
    probability: float
    needs_review: bool


class FeedbackOut(BaseModel):
    """What was stored."""

    id: str
    time: str
    text_sha256: str
    kept_text: bool
    verdict: VerdictBrief
    model: str


class FeedbackStatus(BaseModel):
    """Whether this service takes feedback."""

    enabled: bool


def _place(request: Request) -> Path | None:
    return feedback_path(settings_of(request).feedback)


Place = Annotated[Path | None, Depends(_place)]


@router.get("", response_model=FeedbackStatus)
async def status(place: Place) -> dict[str, bool]:
    """Whether this service takes feedback."""
    return {"enabled": place is not None}


@router.post(
    "",
    status_code=201,
    response_model=FeedbackOut,
    responses={403: {"model": schemas.ErrorOut, "description": "This service takes no feedback"}},
)
async def store(body: FeedbackRequest, request: Request, place: Place, classifier: Loaded) -> dict[str, Any]:
    """Say what a message should have been called. Appended to a local file; nothing is trained by it."""
    if place is None:
        raise FeedbackOffError("this service takes no feedback; its operator has turned it off")
    record = await run_in_threadpool(_stored, body, classifier, place, settings_of(request).max_feedback)
    return _plain(record)


def _stored(body: FeedbackRequest, classifier: Classifier, place: Path, limit: int) -> Record:
    record = record_of(
        body.text,
        classifier.classify(body.text),
        label=body.label,
        categories=body.categories,
        comment=body.comment,
        keep_text=body.keep_text,
    )
    try:
        append(place, record, limit=limit)
    except FeedbackUnwritableError as error:  # names the file, which is for the operator
        event(logging.ERROR, "feedback not stored", reason=str(error))
        raise FeedbackUnwritableError("feedback cannot be stored now; the operator finds why in the log") from None
    return record


def _plain(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "time": record.time,
        "text_sha256": record.text_sha256,
        "kept_text": record.text is not None,
        "verdict": {
            "label": record.label,
            "categories": record.categories,
            "probability": record.probabilities[HARASSMENT],
            "needs_review": record.needs_review,
        },
        "model": record.model,
    }
