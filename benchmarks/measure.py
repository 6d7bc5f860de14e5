"""How every speed here is measured: ours and the peer take turns in one run, and only ratios of medians are told."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def interleave(
    ours: Callable[[], object], peer: Callable[[], object], rounds: int = 7
) -> tuple[list[float], list[float]]:
    """Seconds of each round of both, taking turns after one unmeasured round each."""
    ours()
    peer()
    pairs = [(seconds(ours), seconds(peer)) for _ in range(rounds)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def report(question: str, ours: list[float], peer: list[float], *, faster_is: str = "rate") -> None:
    """Print the ratio of medians and the spread of the ratios of single rounds.

    ``rate``: how many times the peer's rate ours is; ``time``: what share of the peer's time ours takes.
    """
    ratios = [b / a if faster_is == "rate" else a / b for a, b in zip(ours, peer, strict=True)]
    median = statistics.median(peer) / statistics.median(ours)
    shown = median if faster_is == "rate" else 1 / median
    print(f"{question}: {shown:.3g} (rounds {min(ratios):.3g} to {max(ratios):.3g}; "
          f"ours {statistics.median(ours):.4g} s, peer {statistics.median(peer):.4g} s)", flush=True)  # fmt: skip


def machine() -> str:
    """The machine, for the results file."""
    return f"{platform.machine()}, {os.cpu_count()} shared cores, Python {platform.python_version()}"
