"""A check before a message is sent, for collectors and gateways: reviewed phrase rules joined with the classifier.

The verdict
    ``block``: a phrase rule of level ``block`` matched, or the classifier calls the message harassment and is either
    sure (outside its review band) or joined by any phrase rule.
    ``review``: not blocked, and a phrase rule of level ``review`` matched, or the classifier calls it harassment, or
    the classifier is not sure enough to act on alone (``needs_review``).
    ``pass``: nothing of this. It is no proof of lawfulness: hour, number of contacts and recipient are not in a text.

Rules know what is forbidden whatever surrounds it; the classifier knows what no list of phrases holds. Neither is
overruled by the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harassclf.classifier import Category, Classifier, Evidence, Prediction
from harassclf.labels import CATEGORY_NAMES_ZH, HARASSMENT, LABEL_NAMES_ZH
from harassclf.legal import LawCard, law_cards
from harassclf.normalize import normalize
from harassclf.phrase_rules import BLOCK, REVIEW, PhraseMatch, find_phrases, rule_book

PASS = "pass"  # noqa: S105
VERDICTS = (PASS, REVIEW, BLOCK)
VERDICT_NAMES_ZH = {PASS: "可以发送", REVIEW: "人工复核后再发", BLOCK: "不要发送"}
NOTICE_ZH = "仅供参考，不构成法律意见；“可以发送”不等于合法，联系的时间、频次和对象须另行核查。"
RULE, MODEL = "rule", "model"
# Laws shown for what only the classifier found; a rule names its own.
_MODEL_CARDS = 4
_CLAUSE = re.compile(r"[^\s，。！？；,!?;](?:[^，。！？；,!?;\n]*[^\s，。！？；,!?;])?")
# A clause is shown when its evidence is at least this share of the strongest clause's.
_CLAUSE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Finding:
    """A risky phrase: ``text == raw[start:end]``, code points.

    ``source`` is ``rule`` (a reviewed phrase rule, ``rule`` its id) or ``model`` (a clause that carries the classifier's
    evidence and no rule's match, ``rule`` then ``model-<category>``). ``level`` is what it leads to alone, ``block`` or ``review``.
    """

    start: int
    end: int
    text: str
    source: str
    rule: str
    name_zh: str
    category: str
    level: str
    legal_basis: tuple[LawCard, ...]
    advice: str
    wording: str

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return {
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "source": self.source,
            "rule": self.rule,
            "name_zh": self.name_zh,
            "category": self.category,
            "category_zh": CATEGORY_NAMES_ZH[self.category],
            "level": self.level,
            "legal_basis": plain_cards(self.legal_basis),
            "advice": self.advice,
            "wording": self.wording,
        }


@dataclass(frozen=True, slots=True)
class Precheck:
    """What to do with a message before it is sent; the rule of ``verdict`` stands in the module's docstring."""

    verdict: str
    findings: tuple[Finding, ...]
    label: str
    probability: float  # of harassment
    needs_review: bool
    categories: tuple[Category, ...]
    model: str

    @property
    def reason_zh(self) -> str:
        """Why, in one sentence that repeats nothing of the message."""
        rules = sum(finding.source == RULE for finding in self.findings)
        parts = [f"命中{rules}处短语规则"] if rules else ["未命中短语规则"]
        parts.append(f"模型判断为{LABEL_NAMES_ZH[self.label]}" + ("（把握不足）" if self.needs_review else ""))
        return "；".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return {
            "verdict": self.verdict,
            "verdict_zh": VERDICT_NAMES_ZH[self.verdict],
            "reason_zh": self.reason_zh,
            "label": self.label,
            "label_zh": LABEL_NAMES_ZH[self.label],
            "probability": self.probability,
            "needs_review": self.needs_review,
            "categories": [
                {"name": found.name, "name_zh": found.name_zh, "probability": found.probability}
                for found in self.categories
            ],
            "findings": [finding.to_dict() for finding in self.findings],
            "model": self.model,
            "notice_zh": NOTICE_ZH,
        }


def plain_cards(cards: tuple[LawCard, ...]) -> list[dict[str, str]]:
    """Law cards as plain values."""
    return [
        {"law": card.law, "article": card.article, "in_force": card.in_force, "summary": card.summary} for card in cards
    ]


def precheck(classifier: Classifier, text: str) -> Precheck:
    """Check one message of 1 to 10,000 characters.

    Raises :class:`~harassclf.errors.InputError` for what is not a message.
    """
    prediction = classifier.classify(text)
    rules = [_of_rule(match, text) for match in find_phrases(text)]
    findings = [*rules, *_of_model(classifier, prediction, rules, text)]
    return Precheck(
        verdict=_verdict(prediction, rules),
        findings=tuple(sorted(findings, key=lambda found: (found.start, found.end, found.rule))),
        label=prediction.label,
        probability=prediction.probabilities[HARASSMENT],
        needs_review=prediction.needs_review,
        categories=prediction.categories,
        model=prediction.model,
    )


def _verdict(prediction: Prediction, rules: list[Finding]) -> str:
    harassment = prediction.label == HARASSMENT
    if any(found.level == BLOCK for found in rules):
        return BLOCK
    if harassment and (rules or not prediction.needs_review):
        return BLOCK
    return REVIEW if rules or harassment or prediction.needs_review else PASS


def _of_rule(match: PhraseMatch, text: str) -> Finding:
    rule = match.rule
    return Finding(
        start=match.start,
        end=match.end,
        text=text[match.start : match.end],
        source=RULE,
        rule=rule.id,
        name_zh=rule.name_zh,
        category=rule.category,
        level=rule.level,
        legal_basis=rule.legal_basis,
        advice=rule.advice,
        wording=rule.wording,
    )


def _of_model(classifier: Classifier, prediction: Prediction, rules: list[Finding], text: str) -> list[Finding]:
    """The clauses of a harassing message that carry the classifier's evidence and no rule's match.

    Clauses, because evidence itself is a few characters long and no phrase that a person could reword.
    """
    clauses = _weighed_clauses(prediction.evidence, text)
    least = _CLAUSE_SHARE * max((weight for _, _, weight in clauses), default=0.0)
    alone = [
        (start, end)
        for start, end, weight in clauses
        if weight >= least and not any(start < rule.end and rule.start < end for rule in rules)
    ]
    if prediction.label != HARASSMENT or not alone:
        return []
    category_of = _attribution(classifier, prediction.categories, text)
    level = REVIEW if prediction.needs_review else BLOCK
    return [_of_clause(text, start, end, category_of(start, end), level) for start, end in alone]


def _weighed_clauses(evidence: tuple[Evidence, ...], text: str) -> list[tuple[int, int, float]]:
    """Start, end and evidence of each clause that has any."""
    clauses = []
    for match in _CLAUSE.finditer(text):
        weight = sum(span.weight for span in evidence if span.start < match.end() and match.start() < span.end)
        if weight:
            clauses.append((*match.span(), weight))
    return clauses


def _of_clause(text: str, start: int, end: int, category: str, level: str) -> Finding:
    advice = rule_book().model_advice[category]
    return Finding(
        start=start,
        end=end,
        text=text[start:end],
        source=MODEL,
        rule=f"{MODEL}-{category}",
        name_zh=f"模型依据：{CATEGORY_NAMES_ZH[category]}",
        category=category,
        level=level,
        legal_basis=law_cards()[category][:_MODEL_CARDS],
        advice=advice.advice,
        wording=advice.wording,
    )


def _attribution(classifier: Classifier, categories: tuple[Category, ...], text: str) -> Callable[[int, int], str]:
    """Which of the message's categories a stretch of it speaks for most; evidence itself only speaks for harassment."""
    if len(categories) == 1:
        return lambda start, end: categories[0].name
    normalized = normalize(text)
    shares = {
        category.name: [
            (*normalized.raw_span(start, end), contribution.value / len(contribution.spans))
            for contribution in classifier.explain(text, category.name).contributions
            for start, end in contribution.spans
        ]
        for category in categories
    }

    def strongest(start: int, end: int) -> str:
        inside = {
            name: sum(value for first, last, value in parts if first < end and start < last)
            for name, parts in shares.items()
        }
        return max(inside, key=lambda name: inside[name])

    return strongest
