"""Messages to measure on: the corpus, and as many distinct ones as wanted made of its halves."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from functools import cache

from measure import ROOT


@cache
def corpus() -> list[dict[str, str]]:
    """Rows of data/messages.csv."""
    with (ROOT / "data" / "messages.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def texts() -> list[str]:
    return [row["text"] for row in corpus()]


def distinct(n: int, seed: int = 0) -> Iterator[str]:
    """``n`` distinct texts: the front half of one message, the back half of another, and a running number."""
    chosen, generator = texts(), random.Random(seed)
    for i in range(n):
        front, back = generator.choice(chosen), generator.choice(chosen)
        yield f"{front[: len(front) // 2 + 1]}{back[len(back) // 2 :]}{i}"
