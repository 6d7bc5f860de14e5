"""What each choice of features, training text and regularisation is worth, with 95% bootstrap intervals over voices.

Usage: ablation.py [TRAFFIC_FOLDER]. Every variant changes one thing of what ships, is trained on the training voices and
judges the reserved ones. With a folder of ``traffic_*.csv.gz`` (column ``text``) the false alarms on real traffic are told
too: the share called harassment at the threshold that finds 85% of the reserved harassment.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from measure import ROOT, machine
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score

from harassclf.corpus import RESERVED, TRAIN, read_corpus
from harassclf.features import BLOCKS, Block, columns
from harassclf.labels import HARASSMENT, LABELS
from harassclf.segment import Segmenter
from harassclf.training import TrainingConfig, attacked, background_rows, fit_labels

CONFIG = TrainingConfig()


def without(*names: str) -> tuple[Block, ...]:
    return tuple(block for block in BLOCKS if block.name not in names and block.about_debt not in names)


@dataclass(frozen=True)
class Variant:
    name: str
    blocks: tuple[Block, ...] = BLOCKS
    config: TrainingConfig = CONFIG
    norm: str | None = None


VARIANTS = (
    Variant("shipped"),
    Variant("without the second weights beside a debt", tuple(b for b in BLOCKS if not b.about_debt)),
    Variant("without background text", config=replace(CONFIG, background=0)),
    Variant("without sounds", without("sounds")),
    Variant("without attacked copies", config=replace(CONFIG, attacked_share=0.0, attacked_share_other=0.0)),
    Variant("without log-count ratios", config=replace(CONFIG, ratio_power=0.0)),
    Variant("without models of half the voices", config=replace(CONFIG, halvings=0)),
    Variant("L2 norm per block", norm="l2"),
    Variant("C 1", config=replace(CONFIG, C=1.0)),
    Variant("C 20", config=replace(CONFIG, C=20.0)),
)


def vectorizers(variant: Variant) -> Iterator[tuple[str, float, TfidfVectorizer]]:
    for block in variant.blocks:
        yield block.name, 1.0 if variant.norm else block.weight, TfidfVectorizer(
            analyzer=block.analyzer, token_pattern=r"\S+" if block.analyzer == "word" else None, lowercase=False,
            ngram_range=block.ngram_range, sublinear_tf=True, min_df=variant.config.min_df, norm=variant.norm,
        )  # fmt: skip


def fit(variant: Variant, frame: pd.DataFrame, labels: np.ndarray, voices: np.ndarray):
    made = list(vectorizers(variant))
    matrix = sp.hstack([v.fit_transform(frame[name]) * weight for name, weight, v in made]).tocsr()
    model = fit_labels(matrix, labels, voices, variant.config)
    order = [list(model.classes_).index(label) for label in LABELS]
    transform = lambda f: sp.hstack([v.transform(f[name]) * weight for name, weight, v in made]).tocsr()  # noqa: E731
    return lambda f: model.predict_proba(transform(f))[:, order]


def interval(score, voices: np.ndarray, rounds: int = 200) -> str:
    names, generator = np.unique(voices), np.random.default_rng(0)
    rows = {name: np.flatnonzero(voices == name) for name in names}
    values = [score(np.concatenate([rows[n] for n in generator.choice(names, len(names))])) for _ in range(rounds)]
    return f"{np.quantile(values, 0.025):.3f} to {np.quantile(values, 0.975):.3f}"


def traffic(folder: Path) -> dict[str, pd.DataFrame]:
    found = {}
    for path in sorted(folder.glob("traffic_*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            texts = [row["text"] for row in csv.DictReader(file) if row["text"].strip()][:4000]
        found[path.name.removeprefix("traffic_").split(".")[0]] = columns(texts, Segmenter())
    return found


@cache
def training_rows(
    attacked_share: float, attacked_share_other: float, background: int
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    config = replace(
        CONFIG, attacked_share=attacked_share, attacked_share_other=attacked_share_other, background=background
    )
    corpus = read_corpus(ROOT / "data")
    rows = corpus[corpus["split"] == TRAIN].sort_values("id").reset_index(drop=True)
    rows = pd.concat([rows, attacked(rows, config), background_rows(config)], ignore_index=True)
    return columns(rows["text"].tolist(), Segmenter()), rows["label"].to_numpy(), rows["voice"].to_numpy()


def main() -> None:
    print(machine())
    csv.field_size_limit(10**9)
    corpus = read_corpus(ROOT / "data")
    reserved = corpus[corpus["split"] == RESERVED]
    held_out, labels, voices = columns(reserved["text"].tolist(), Segmenter()), reserved["label"].to_numpy(), reserved["voice"].to_numpy()  # fmt: skip
    real = traffic(Path(sys.argv[1])) if len(sys.argv) > 1 else {}
    for variant in VARIANTS:
        c = variant.config
        predict = fit(variant, *training_rows(c.attacked_share, c.attacked_share_other, c.background))
        probability = predict(held_out)
        predicted, harassment = np.array(LABELS)[probability.argmax(axis=1)], probability[:, 0]
        macro = lambda at: f1_score(labels[at], predicted[at], average="macro")  # noqa: E731
        threshold = np.quantile(harassment[labels == HARASSMENT], 0.15)
        precision = (labels[harassment >= threshold] == HARASSMENT).mean()
        alarms = [f"{name} {(predict(frame)[:, 0] >= threshold).mean():.2%}" for name, frame in real.items()]
        print(f"{variant.name}: macro-F1 {macro(slice(None)):.3f} ({interval(macro, voices)}), precision at recall 0.85 "
              f"{precision:.3f}; alarms: {', '.join(alarms) or 'not measured'}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
