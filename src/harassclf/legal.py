"""Law cards per category, from ``resources/law.json`` (source: ``design/legal-basis.md``, as of 2026-11-24).

A card says what may be involved (可能涉及), never that an offence was committed, and is no legal advice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


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
    source = json.loads(resources.files("harassclf").joinpath("resources/law.json").read_text("utf-8"))
    instruments = source["instruments"]
    return {
        category: tuple(
            LawCard(instruments[short]["name"], article, instruments[short]["in_force"], f"可能涉及：{summary}")
            for short, article, summary in cards
        )
        for category, cards in source["categories"].items()
    }
