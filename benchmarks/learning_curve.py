"""Would more messages help? Macro-F1 on held-out voices and false alarms on real traffic against the number of training messages.

Usage: learning_curve.py [FOLDER] [--messages N] [--seeds N] [--independent] [--points N] [--picture FILE]

For each seed a fifth of the training voices is held out, and 1/32, 1/16 ... all of the others are trained on as they are trained
on for shipping (2 folds instead of 3): nested, whole voices, every slice in its proportion. False alarms: the share of real
messages over the threshold that finds 85% of held-out harassment. With ``--independent`` no training voice is held out: measured
are the ``independent`` voices, by people who knew nothing of the corpus. ``--points`` takes the last shares only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from quality import parser, rows, table, told, traffic
from sklearn.metrics import f1_score

from harassclf.corpus import INDEPENDENT, TRAIN, voice_folds
from harassclf.decision import softmax, verdicts
from harassclf.features import columns
from harassclf.labels import CATEGORIES, HARASSMENT, LABELS
from harassclf.segment import Segmenter
from harassclf.training import TrainingConfig, decisions, fit

HELD_OUT, SHARES, RECALL = 5, tuple(1 / 2**k for k in range(5, -1, -1)), 0.85
CONFIG = replace(TrainingConfig(), folds=2)


def nested(pool: pd.DataFrame, seed: int) -> list[str]:
    """The voices in an order of which every beginning holds each slice in about its proportion."""
    generator = np.random.default_rng(seed)
    voices = pool.groupby("voice")["slice"].first().sample(frac=1, random_state=seed)
    place = voices.groupby(voices).cumcount() + voices.groupby(voices).transform(lambda s: generator.random())
    return list((place / voices.groupby(voices).transform("size")).sort_values().index)


def trainable(part: pd.DataFrame) -> bool:
    """Whether there are voices enough for the folds: for every label as many, for every category two."""
    marks = pd.get_dummies(part["label"]).join(part["categories"].str.get_dummies(";"))
    voices = marks.groupby(part["voice"]).any().sum().reindex([*LABELS, *CATEGORIES], fill_value=0)
    return part["voice"].nunique() >= 2 * CONFIG.folds <= voices[list(LABELS)].min() and voices.min() >= 2


def points(
    pool: pd.DataFrame, held: pd.DataFrame, kinds: dict[str, pd.DataFrame], seed: int, shares: tuple[float, ...]
) -> Iterator[dict[str, float]]:
    """One point for each share of the pool's voices: messages, macro-F1, false alarms by kind."""
    order, frame = nested(pool, seed), columns(held["text"].tolist(), Segmenter())
    for share in shares:
        part = pool[pool["voice"].isin(order[: max(1, round(share * len(order)))])]
        if not trainable(part):
            continue
        model = fit(part, CONFIG, lambda line: None)
        found = decisions(model.pipeline, model.category_heads, frame)
        threshold = np.quantile(softmax(found)[(held["label"] == HARASSMENT).to_numpy(), 0], 1 - RECALL)
        macro = f1_score(held["label"], verdicts(found, model.thresholds).labels, average="macro", labels=LABELS)
        over = {k: float((softmax(decisions(model.pipeline, model.category_heads, f))[:, 0] >= threshold).mean())
                for k, f in kinds.items()}  # fmt: skip
        print(f"seed {seed}: {len(part):,} messages, macro-F1 {macro:.3f}", flush=True)
        yield {"share": share, "messages": len(part), "macro-F1": float(macro), **over}


def held_out(training: pd.DataFrame, independent: pd.DataFrame | None, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The voices to train on, and those to measure on."""
    if independent is not None:
        return training, independent
    out = voice_folds(training["voice"], HELD_OUT, seed) == 0
    return training[~out], training[out]


def last_doubling(mean: pd.DataFrame, kinds: list[str]) -> str:
    before, after = mean.iloc[-2], mean.iloc[-1]
    alarms = ", ".join(f"{k} {before[k]:.2%} to {after[k]:.2%}" for k in kinds)
    return (f"last doubling ({before['messages']:,.0f} to {after['messages']:,.0f} messages): macro-F1 "
            f"{100 * (after['macro-F1'] - before['macro-F1']):+.2f} points; false alarms {alarms or 'not measured'}")  # fmt: skip


def draw(found: pd.DataFrame, kinds: list[str], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    mean = found.groupby("share").mean()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(found["messages"], found["macro-F1"], ".", color="0.6", label="one seed")
    left.plot(mean["messages"], mean["macro-F1"], "o-", label="mean")
    left.set(xscale="log", xlabel="training messages", ylabel="macro-F1 on other voices")
    for kind in kinds:
        right.plot(mean["messages"], 1000 * mean[kind], "o-", label=kind)
    right.set(
        xscale="log", yscale="log", xlabel="training messages", ylabel=f"false alarms per 1,000 at recall {RECALL}"
    )
    for axes in (left, right):
        axes.set_xticks(mean["messages"], [f"{n:,.0f}" for n in mean["messages"]])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    figure.savefig(path, dpi=150)


def main() -> None:
    made = parser(__doc__, picture=True)
    made.add_argument("--seeds", type=int, default=3)
    made.add_argument(
        "--independent", action="store_true", help="train on all training voices, measure on the independent"
    )
    made.add_argument(
        "--points", type=int, choices=range(1, len(SHARES) + 1), default=len(SHARES), help="the last N shares"
    )
    options = made.parse_args()
    told(options)
    warnings.filterwarnings("ignore", "Label not", UserWarning)  # a category that one fold of a tiny part lacks
    kinds = {k: columns(t, Segmenter()) for k, t in traffic(options.folder, options.messages or 4000).items()}
    training = rows(TRAIN, options.messages)
    independent = rows(INDEPENDENT, options.messages) if options.independent else None
    found = pd.DataFrame(
        [
            point
            for seed in range(options.seeds)
            for point in points(*held_out(training, independent, seed), kinds, seed, SHARES[-options.points :])
        ]
    )
    mean = found.groupby("share").mean()
    spread = found.groupby("share")["macro-F1"].agg(["min", "max"])
    lines = [
        [f"1/{1 / share:.0f}", f"{row['messages']:,.0f}", f"{row['macro-F1']:.3f} ({low:.3f} to {high:.3f})",
         *(f"{row[kind]:.2%}" for kind in kinds)]
        for (share, row), (low, high) in zip(mean.iterrows(), spread.to_numpy(), strict=True)
    ]  # fmt: skip
    print(table(["voices", "messages", f"macro-F1 (spread of {options.seeds} seeds)", *kinds], lines))
    if len(mean) > 1:
        print(last_doubling(mean, list(kinds)))
    if options.picture:
        draw(found, list(kinds), options.picture)


if __name__ == "__main__":
    main()
