"""Evasion: recall of harassment clean and attacked, by the shipped model; and what attacked copies in training are worth.

Usage: robustness.py [--messages N] [--rows FILE] [--no-training]

The first table attacks the reserved voices, which the model has not read; ``--rows`` writes it as CSV. The second trains with and
without attacked copies, all voices of the hand-written evasion slice left out, and tests on those.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from measure import machine
from quality import rows, table

from harassclf import Classifier
from harassclf.attacks import ATTACKS, attack
from harassclf.corpus import RESERVED, TRAIN
from harassclf.decision import softmax
from harassclf.features import columns
from harassclf.labels import HARASSMENT
from harassclf.segment import Segmenter
from harassclf.training import TrainingConfig, decisions, fit

EVASION = "ev1"


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--messages", type=int, help="read at most this many messages of each kind: a quick look")
    made.add_argument("--rows", type=Path, help="write the first table there as CSV")
    made.add_argument("--no-training", action="store_true", help="the first table only")
    options = made.parse_args()
    print(machine())
    reserved = rows(RESERVED, options.messages)
    found = per_attack(reserved.loc[reserved["label"] == HARASSMENT, "text"].tolist())
    print(
        table(list(found), [[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row] for row in found.to_numpy()])
    )
    if options.rows:
        found.to_csv(options.rows, index=False)
    if not options.no_training:
        per_share(rows(TRAIN, options.messages))


def per_attack(texts: list[str]) -> pd.DataFrame:
    """One row an attack: recall clean and attacked, points lost, the share of evidence spans that are right."""
    classifier = Classifier.load()
    threshold = classifier.thresholds.harassment
    recall = lambda messages: float((classifier.predict_proba(messages)[:, 0] >= threshold).mean())  # noqa: E731
    clean, found = recall(texts), []
    for name in ATTACKS:
        attacked = [attack(name, text, seed=1) for text in texts]
        right = [s.text == text[s.start : s.end] for text in attacked[:200] for s in classifier.classify(text).evidence]
        after = recall(attacked)
        found.append((name, len(texts), clean, after, 100 * (clean - after), float(np.mean(right))))
    names = ["attack", "messages", "recall_clean", "recall_attacked", "points_lost", "spans_right"]
    return pd.DataFrame(found, columns=names)


def per_share(training: pd.DataFrame) -> None:
    written = training[training["slice"] == EVASION]
    rest = training[training["slice"] != EVASION].reset_index(drop=True)
    frame = columns(written["text"].tolist(), Segmenter())
    harassment = (written["label"] == HARASSMENT).to_numpy()
    for share in (0.0, 0.25, 1.0):
        config = replace(TrainingConfig(), attacked_share=share, folds=2)
        model = fit(rest, config, lambda line: None)
        found = softmax(decisions(model.pipeline, model.category_heads, frame))[:, 0] >= 0.5
        print(f"attacked copies of {share:.0%} of the messages: recall on hand-written evasion {found[harassment].mean():.3f}, "
              f"false alarms {found[~harassment].mean():.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
