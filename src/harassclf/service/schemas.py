"""Bodies of requests and answers, as version 1 of the interface has them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harassclf.settings import MAX_TEXT

# What Python calls a blank, spelled out: \s means other characters to other readers of the schema.
_NOT_BLANK = f"[^{''.join(chr(c) for c in range(0x3001) if chr(c).isspace())}]"


class ClassifyRequest(BaseModel):
    """One message."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "再不还钱就爆你通讯录"}]})

    text: str = Field(
        description=f"The message, 1 to {MAX_TEXT:,} characters, not all of them blank.",
        max_length=MAX_TEXT,
        min_length=1,
        json_schema_extra={"pattern": _NOT_BLANK},  # told here, checked by the classifier
    )


class BatchRequest(BaseModel):
    """Many messages. An item that cannot be judged becomes an error at its place."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"texts": ["在吗", "您本期账单明天到期"]}]})

    texts: list[Any] = Field(description="Messages; each is judged like `text` of /v1/classify.")


class LawCardOut(BaseModel):
    """A provision that may be involved; no legal advice."""

    law: str
    article: str
    in_force: str
    summary: str


class CategoryOut(BaseModel):
    """A prohibited means."""

    name: str
    name_zh: str
    probability: float
    legal_basis: list[LawCardOut]


class EvidenceOut(BaseModel):
    """A span of the raw message, in Unicode code points."""

    start: int
    end: int
    text: str
    weight: float


class PredictionOut(BaseModel):
    """The verdict on one message."""

    label: str
    probabilities: dict[str, float]
    needs_review: bool
    categories: list[CategoryOut]
    evidence: list[EvidenceOut]
    model: str


class ErrorDetail(BaseModel):
    """What went wrong; never repeats the message."""

    code: str
    message: str


class ErrorOut(BaseModel):
    """The body of every answer with status 4xx or 5xx."""

    error: ErrorDetail


class BatchOut(BaseModel):
    """Results in the order of the request."""

    results: list[PredictionOut | ErrorOut]


class StatusOut(BaseModel):
    """Alive, or ready."""

    status: str
