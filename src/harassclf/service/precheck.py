"""The check before sending over HTTP, and the rules it knows."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from harassclf.labels import CATEGORY_NAMES_ZH
from harassclf.phrase_rules import PhraseRule, rule_book
from harassclf.precheck import plain_cards, precheck
from harassclf.service import schemas
from harassclf.service.shared import loaded, metrics_of

Level = Literal["block", "review"]
router = APIRouter(prefix="/v1/precheck", tags=["before sending"])


class CategoryBrief(BaseModel):
    """A prohibited means the classifier found."""

    name: str
    name_zh: str
    probability: float


class FindingOut(BaseModel):
    """A risky phrase of the raw message, in Unicode code points."""

    start: int
    end: int
    text: str
    source: Literal["rule", "model"] = Field(description="a reviewed phrase rule, or evidence of the classifier alone")
    rule: str = Field(description="id of the rule; `model-<category>` for the classifier")
    name_zh: str
    category: str
    category_zh: str
    level: Level = Field(description="what this finding alone leads to")
    legal_basis: list[schemas.LawCardOut]
    advice: str
    wording: str = Field(description="a compliant wording for this kind of phrase")


class PrecheckOut(BaseModel):
    """What to do with the message. `pass` is no proof of lawfulness: hour, number and recipient are not in a text."""

    verdict: Literal["pass", "review", "block"]
    verdict_zh: str
    reason_zh: str
    label: str
    label_zh: str
    probability: float = Field(description="the classifier's probability of harassment")
    needs_review: bool
    categories: list[CategoryBrief]
    findings: list[FindingOut]
    model: str
    notice_zh: str


class RuleOut(BaseModel):
    """A reviewed phrase rule."""

    id: str
    name_zh: str
    category: str
    category_zh: str
    level: Level
    legal_basis: list[schemas.LawCardOut]
    advice: str
    wording: str
    bad_example: str
    good_example: str


class RulesOut(BaseModel):
    """All rules; `as_of` is the date of the legal review."""

    as_of: str
    rules: list[RuleOut]


@router.post("", response_model=PrecheckOut)
async def check(body: schemas.ClassifyRequest, request: Request) -> JSONResponse:
    """Check a message before it is sent: risky phrases, the rule each may break, a compliant wording."""
    result = await run_in_threadpool(precheck, loaded(request), body.text)
    metrics_of(request).prechecked(result, body.text)
    return JSONResponse(result.to_dict())


@router.get("/rules", response_model=RulesOut)
def rules() -> dict[str, Any]:
    """The phrase rules, each with a bad and a good example."""
    book = rule_book()
    return {"as_of": book.as_of, "rules": [_plain(rule) for rule in book.rules]}


def _plain(rule: PhraseRule) -> dict[str, Any]:
    named = ("id", "name_zh", "category", "level", "advice", "wording", "bad_example", "good_example")
    return {name: getattr(rule, name) for name in named} | {
        "category_zh": CATEGORY_NAMES_ZH[rule.category],
        "legal_basis": plain_cards(rule.legal_basis),
    }
