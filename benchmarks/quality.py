"""What the quality scripts share: their options, the messages they measure on, intervals over voices.

The evaluation folder (``../shared/data`` unless told otherwise) is read where it lies: none of its text is copied or printed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from measure import ROOT, machine

from harassclf.corpus import read_corpus

EVALUATION = ROOT.parent / "shared" / "data"


def parser(doc: str | None, *, picture: bool = False) -> argparse.ArgumentParser:
    """The command line of every quality script: the evaluation folder, a limit for a quick look, a picture file."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("folder", nargs="?", type=Path, default=EVALUATION, help="evaluation folder (../shared/data)")
    made.add_argument("--messages", type=int, help="read at most this many messages of each kind: a quick look")
    if picture:
        made.add_argument("--picture", type=Path, help="write a picture there")
    return made


def told(options: argparse.Namespace) -> None:
    """Print the machine and what was left out, so that a quick look is not taken for a result."""
    print(machine())
    print(f"QUICK LOOK: at most {options.messages:,} messages of each kind" if options.messages else "all messages")
    if not options.folder.is_dir():
        print(f"no folder {options.folder}: real messages are left out")


def rows(split: str, limit: int | None) -> pd.DataFrame:
    """Messages of the corpus by split, in id order; with a limit an even sample of them."""
    corpus = read_corpus(ROOT / "data")
    chosen = corpus[corpus["split"] == split].sort_values("id")
    if limit and limit < len(chosen):
        chosen = chosen.sample(limit, random_state=0).sort_values("id")
    return chosen.reset_index(drop=True)


def traffic(folder: Path, limit: int | None) -> dict[str, list[str]]:
    """Real messages by kind, none of them collection harassment, from ``traffic_KIND.csv.gz``; empty without the folder."""
    return {
        path.name.removeprefix("traffic_").split(".")[0]: _texts(path, limit)
        for path in sorted(folder.glob("traffic_*.csv.gz"))
    }


def _texts(path: Path, limit: int | None) -> list[str]:
    csv.field_size_limit(10**9)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file) if row["text"].strip()][:limit]


def real(folder: Path) -> pd.DataFrame | None:
    """Real labelled lines (``text, label, categories``); ``None`` where the folder has none."""
    path = folder / "real_labelled.csv.gz"
    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else None


def interval(score: Callable[[np.ndarray], float], voices: np.ndarray, rounds: int = 200) -> str:
    """95% bootstrap interval over whole voices of ``score(row numbers)``."""
    names, generator = np.unique(voices), np.random.default_rng(0)
    of = {name: np.flatnonzero(voices == name) for name in names}
    values = [score(np.concatenate([of[n] for n in generator.choice(names, len(names))])) for _ in range(rounds)]
    return f"{np.quantile(values, 0.025):.3f} to {np.quantile(values, 0.975):.3f}"


def table(header: list[str], lines: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, ["---"] * len(header), *lines])
