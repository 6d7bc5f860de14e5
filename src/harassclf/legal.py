"""Law cards per category, from ``resources/law.json`` (from the project's legal basis of 2026-11-24, which is not in this repository; each names its law and article).

A card says what may be involved (可能涉及), never that an offence was committed, and is no legal advice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class LawCard:
    """One provision a category may involve. ``in_force`` is an ISO date, or 现行文本 for a text amended many times."""

    law: str
    article: str
    in_force: str
    summary: str


@cache
def law_cards() -> Mapping[str, tuple[LawCard, ...]]:
    """Cards of every category, most general first."""
    return {category: tuple(card(*entry) for entry in cards) for category, cards in _source()["categories"].items()}


def card(short: str, article: str, summary: str) -> LawCard:
    """One card from an instrument's short name (民法典, 银协指引 ...; KeyError for another), article and summary."""
    instrument = _source()["instruments"][short]
    return LawCard(instrument["name"], article, instrument["in_force"], f"可能涉及：{summary}")


@cache
def _source() -> dict[str, Any]:
    source: dict[str, Any] = json.loads(resources.files("harassclf").joinpath("resources/law.json").read_text("utf-8"))
    return source
