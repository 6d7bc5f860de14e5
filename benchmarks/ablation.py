"""What each choice of features and regularisation is worth: held-out voices, with 95% bootstrap intervals over voices.

Usage: ablation.py [TRAFFIC_FOLDER]. With a folder of ``traffic_*.csv.gz`` (column ``text``) the false alarms on real traffic
are told too: the share called harassment at the threshold that finds 85% of held-out harassment.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from measure import machine
from quality import interval, rows, traffic
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from harassclf.corpus import TRAIN, voice_folds
from harassclf.features import columns
from harassclf.labels import HARASSMENT
from harassclf.segment import Segmenter

FOLDS = 3


@dataclass(frozen=True)
class Variant:
    name: str
    words: int | None = 2
    characters: int | None = 3
    pairs: bool = False
    norm: str | None = None
    C: float = 5.0
    class_weight: str | None = None


VARIANTS = (
    Variant("base: words (1,2), characters (1,3), no norm, C 5"),
    Variant("L2 norm per block", norm="l2"),
    Variant("words only", characters=None),
    Variant("characters only", words=None),
    Variant("words (1,1)", words=1),
    Variant("shipped: characters (1,2)", characters=2),
    Variant("characters (1,4)", characters=4),
    Variant("with pairs of words within four words", pairs=True),
    Variant("C 1", C=1.0),
    Variant("C 20", C=20.0),
    Variant("class_weight balanced", class_weight="balanced"),
)


def pairs_of(words: str) -> str:
    tokens = words.split(" ")
    return " ".join(sorted({f"{a}_{b}" for i, a in enumerate(tokens) for b in tokens[i + 2 : i + 5]}))


def blocks(variant: Variant) -> Iterator[tuple[str, TfidfVectorizer]]:
    common = {"lowercase": False, "sublinear_tf": True, "min_df": 2, "norm": variant.norm}
    if variant.words:
        yield "words", TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, variant.words), **common)
    if variant.characters:
        yield "characters", TfidfVectorizer(analyzer="char", ngram_range=(1, variant.characters), **common)
    if variant.pairs:
        yield "pairs", TfidfVectorizer(token_pattern=r"\S+", **common)


def fit(variant: Variant, frame: pd.DataFrame, labels: np.ndarray):
    made = list(blocks(variant))
    scale = 1.0 if variant.norm else 0.05
    matrix = sp.hstack([vectorizer.fit_transform(frame[column]) for column, vectorizer in made]).tocsr() * scale
    model = LogisticRegression(C=variant.C, class_weight=variant.class_weight, max_iter=200, tol=1e-3).fit(
        matrix, labels
    )
    transform = lambda f: sp.hstack([v.transform(f[c]) for c, v in made]).tocsr() * scale  # noqa: E731
    return lambda f: model.predict_proba(transform(f)), list(model.classes_)


def frame_of(texts: list[str]) -> pd.DataFrame:
    frame = columns(texts, Segmenter())
    return frame.assign(pairs=[pairs_of(words) for words in frame["words"]])


def main() -> None:
    print(machine())
    training = rows(TRAIN, None)
    labels, voices = training["label"].to_numpy(), training["voice"].to_numpy()
    frame = frame_of(training["text"].tolist())
    real = traffic(Path(sys.argv[1]), 4000) if len(sys.argv) > 1 else {}
    real = {kind: frame_of(texts) for kind, texts in real.items()}
    folds = voice_folds(voices, FOLDS, seed=0)
    for variant in VARIANTS:
        probability = np.zeros((len(training), 3))
        for fold in range(FOLDS):
            predict, classes = fit(variant, frame[folds != fold], labels[folds != fold])
            probability[folds == fold] = predict(frame[folds == fold])
        predicted = np.array(classes)[probability.argmax(axis=1)]
        macro = lambda at: f1_score(labels[at], predicted[at], average="macro")  # noqa: E731
        harassment = probability[:, classes.index(HARASSMENT)]
        threshold = np.quantile(harassment[labels == HARASSMENT], 0.15)
        alarms = [f"{n} {(predict(f)[:, classes.index(HARASSMENT)] >= threshold).mean():.2%}" for n, f in real.items()]
        f1 = f1_score(labels == HARASSMENT, harassment >= threshold)
        print(f"{variant.name}: macro-F1 {macro(slice(None)):.3f} ({interval(macro, voices)}), harassment F1 at recall 0.85 "
              f"{f1:.3f}; alarms: {', '.join(alarms) or 'not measured'}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
