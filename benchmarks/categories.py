"""What is tuning the category heads one by one worth? C, training messages and threshold of each, by folds of voices.

Usage: categories.py [--messages N]

Category macro-F1 over harassing messages, as it is measured for shipping. A head reads either all messages or, as shipped, the
harassing ones only. Choices are cross-fitted: what is scored on one fold was chosen on the other four. The last table chooses on
all folds: that is what to set.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from quality import interval, parser, rows, table, told
from sklearn.linear_model import LogisticRegression

from harassclf.corpus import TRAIN, category_matrix, voice_folds
from harassclf.features import BLOCKS, LENGTH, columns
from harassclf.labels import CATEGORIES, HARASSMENT
from harassclf.segment import Segmenter
from harassclf.training import TrainingConfig, vectorizer

CONFIG = TrainingConfig()
GRID = (0.005, 0.02, 0.05, 0.2)
READS = ("all", "harassment")
Choice = tuple[str, float]  # what a head reads, its C


def matrices(frame: pd.DataFrame, labels: np.ndarray, inside: np.ndarray) -> sp.csr_matrix:
    """Features of all messages, terms and their selection from those inside the fold, as training does it."""
    parts = []
    for block in BLOCKS:
        terms = vectorizer(block, CONFIG.min_df_of(block)).fit(frame[block.name][inside])
        parts.append(sp.diags(frame[LENGTH]) @ terms.transform(frame[block.name]) * block.weight)
    matrix = sp.hstack(parts).tocsr()
    model = LogisticRegression(C=CONFIG.C, max_iter=100, tol=1e-3).fit(matrix[inside], labels[inside])
    return matrix[:, np.argsort(-np.abs(model.coef_).max(axis=0), kind="stable")[: CONFIG.max_features]]


def scores(training: pd.DataFrame, fold_of: np.ndarray) -> dict[Choice, np.ndarray]:
    """Held-out decision values ``(n, 7)`` of every choice; only those of harassing messages are filled in."""
    labels, truth = training["label"].to_numpy(), category_matrix(training["categories"])
    frame, harassing = columns(training["text"].tolist(), Segmenter()), labels == HARASSMENT
    found: dict[Choice, np.ndarray] = {(reads, c): np.zeros(truth.shape) for reads in READS for c in GRID}
    for fold in np.unique(fold_of):
        matrix, out = matrices(frame, labels, fold_of != fold), harassing & (fold_of == fold)
        for reads in READS:
            inside = (fold_of != fold) & (harassing if reads == "harassment" else True)
            for i in range(len(CATEGORIES)):
                model = LogisticRegression(max_iter=CONFIG.max_iter, tol=1e-3, warm_start=True)
                for c in GRID:
                    found[reads, c][out, i] = (
                        model.set_params(C=c).fit(matrix[inside], truth[inside, i]).decision_function(matrix[out])
                    )
        print(f"fold {fold + 1} of {len(np.unique(fold_of))}", flush=True)
    return {choice: values[harassing] for choice, values in found.items()}


def best_cut(truth: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """The decision value with the best F1 from it upwards, and that F1."""
    order = np.argsort(-score, kind="stable")
    f1 = 2 * np.cumsum(truth[order]) / (np.arange(1, len(truth) + 1) + truth.sum())
    return float(score[order][f1.argmax()]), float(f1.max())


def crossfitted(
    found: dict[Choice, np.ndarray], truth: np.ndarray, fold_of: np.ndarray, choices: list[Choice], *, cut: bool
) -> np.ndarray:
    """Verdicts ``(n, 7)``: per category and fold, the best of ``choices`` on the other folds; threshold too with ``cut``."""
    out = np.zeros(truth.shape, dtype=bool)
    for fold in np.unique(fold_of):
        here = fold_of == fold
        for i in range(len(CATEGORIES)):
            best = max(choices, key=lambda c: best_cut(truth[~here, i], found[c][~here, i])[1])
            at = best_cut(truth[~here, i], found[best][~here, i])[0] if cut else 0.0
            out[here, i] = found[best][here, i] >= at
    return out


def f1(truth: np.ndarray, verdict: np.ndarray) -> np.ndarray:
    return 2 * (truth & verdict).sum(0) / np.maximum(1, truth.sum(0) + verdict.sum(0))


def main() -> None:
    options = parser(__doc__).parse_args()
    told(options)
    training = rows(TRAIN, options.messages)
    folds = voice_folds(training["voice"], CONFIG.folds, CONFIG.seed)
    found = scores(training, folds)
    harassing = training["label"].to_numpy() == HARASSMENT
    truth, fold_of = category_matrix(training["categories"])[harassing].astype(bool), folds[harassing]
    voices, shipped = (
        training["voice"].to_numpy()[harassing],
        ("all", min(GRID, key=lambda c: abs(c - CONFIG.category_C))),
    )
    variants = {
        f"reads {shipped[0]}, C {shipped[1]:g}, threshold at 0.5": ([shipped], False),
        "the same, threshold per category (near to shipped)": ([shipped], True),
        "C per category too": ([choice for choice in found if choice[0] == "all"], True),
        "reads harassment only, one C": ([("harassment", shipped[1])], True),
        "C and what it reads per category": (list(found), True),
    }
    lines = []
    for name, (choices, cut) in variants.items():
        verdict = crossfitted(found, truth, fold_of, choices, cut=cut)
        macro = lambda at: float(f1(truth[at], verdict[at]).mean())  # noqa: E731
        each = [f"{value:.3f}" for value in f1(truth, verdict)]
        lines.append([name, f"{macro(np.arange(len(truth))):.3f} ({interval(macro, voices)})", *each])
    print(table(["", "category macro-F1", *CATEGORIES], lines), end="\n\n")
    grid = [
        [f"reads {c[0]}, C {c[1]:g}", *(f"{best_cut(truth[:, i], v[:, i])[1]:.3f}" for i in range(len(CATEGORIES)))]
        for c, v in found.items()
    ]
    print(table(["best F1 on all folds, threshold chosen there", *CATEGORIES], grid))


if __name__ == "__main__":
    main()
