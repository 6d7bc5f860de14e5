"""Where should the threshold lie? Recall and precision on held-out voices against false alarms on real traffic; calibration.

Usage: operating_point.py [FOLDER] [--messages N] [--picture FILE]

Trains as for shipping. Held-out: the training voices, each judged by a model that has not read it, calibrated. Reserved: voices
that the model has not read and no threshold was chosen on. Prints precision, recall and alarms per 1,000 messages over thresholds, the chosen one marked; the
expected calibration error; what the review band holds and what lies outside. The picture shows the trade-off and the reliability.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from quality import parser, rows, table, told, traffic

from harassclf.corpus import RESERVED, TRAIN
from harassclf.decision import Thresholds, softmax
from harassclf.evaluation import expected_calibration_error
from harassclf.features import columns
from harassclf.labels import COLLECTION, HARASSMENT, OTHER
from harassclf.segment import Segmenter
from harassclf.training import TrainedModel, TrainingConfig, decisions, fit

SHOWN = np.round(np.arange(0.1, 0.96, 0.05), 2)
FINE = np.round(np.arange(0.02, 0.995, 0.005), 3)
BINS = 10


@dataclass(frozen=True)
class Judged:
    """Probabilities ``(n, 3)`` and true labels ``(n,)``."""

    probability: np.ndarray
    truth: np.ndarray

    @property
    def harassment(self) -> np.ndarray:
        return self.truth == HARASSMENT

    def precision(self, threshold: float) -> float:
        over = self.probability[:, 0] >= threshold
        return float(self.harassment[over].mean()) if over.any() else 1.0

    def recall(self, threshold: float) -> float:
        return float((self.probability[self.harassment, 0] >= threshold).mean())


def alarms(probability: np.ndarray, threshold: float) -> float:
    """Messages per 1,000 at or over the threshold."""
    return 1000 * float((probability >= threshold).mean())


def judge(model: TrainedModel, texts: list[str]) -> np.ndarray:
    return softmax(decisions(model.pipeline, model.category_heads, columns(texts, Segmenter())))


def trade_off(held: Judged, kinds: dict[str, np.ndarray], chosen: float) -> str:
    lines = [
        [f"**{t:.2f}** chosen" if t == chosen else f"{t:.2f}", f"{held.recall(t):.3f}", f"{held.precision(t):.3f}",
         *(f"{alarms(p, t):.2f}" for p in kinds.values())]
        for t in sorted({*map(float, SHOWN), chosen})
    ]  # fmt: skip
    return table(["threshold", "recall", "precision", *(f"{kind} per 1,000" for kind in kinds)], lines)


def band(name: str, judged: Judged, thresholds: Thresholds) -> list[str]:
    low, high = thresholds.review
    probability = judged.probability[:, 0]
    inside = (probability >= low) & (probability < high)
    below = float((probability[judged.harassment] < low).mean())
    return [name, f"{inside.mean():.1%}", f"{judged.precision(high):.3f}", f"{below:.1%}",
            f"{judged.precision(thresholds.harassment):.3f} / {judged.recall(thresholds.harassment):.3f}",
            f"{expected_calibration_error(judged.truth, judged.probability):.4f}"]  # fmt: skip


def reliability(judged: Judged) -> pd.DataFrame:
    """Mean probability of harassment, observed share and messages in bins of equal width."""
    probability = judged.probability[:, 0]
    frame = pd.DataFrame({"said": probability, "seen": judged.harassment, "messages": 1})
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    return frame.groupby(bins).agg({"said": "mean", "seen": "mean", "messages": "sum"})


def draw(held: Judged, reserved: Judged, kinds: dict[str, np.ndarray], thresholds: Thresholds, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    recall, precision = [held.recall(t) for t in FINE], [held.precision(t) for t in FINE]
    for kind, probability in kinds.items():
        line = left.plot([alarms(probability, t) for t in FINE], recall, label=kind)[0]
        left.plot(
            alarms(probability, thresholds.harassment), held.recall(thresholds.harassment), "o", color=line.get_color()
        )
    left.set(xscale="symlog", xlabel="false alarms per 1,000 messages", ylabel="harassment recall, held-out voices")
    middle.plot(FINE, recall, label="recall")
    middle.plot(FINE, precision, label="precision")
    middle.axvline(thresholds.harassment, color="0.3", linestyle="--", label=f"threshold {thresholds.harassment:.2f}")
    middle.axvspan(*thresholds.review, color="0.9", label="review band")
    middle.set(xlabel="threshold", ylabel="harassment, held-out voices")
    bins = reliability(reserved)
    right.plot([0, 1], [0, 1], color="0.7", linestyle="--")
    right.plot(bins["said"], bins["seen"], "o-", label="reserved voices")
    right.set(xlabel="probability of harassment", ylabel="share that is harassment")
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=150)


def main() -> None:
    options = parser(__doc__, picture=True).parse_args()
    told(options)
    training, rest = rows(TRAIN, options.messages), rows(RESERVED, options.messages)
    model = fit(training, TrainingConfig(), lambda line: print(line, flush=True))
    held = Judged(softmax(model.held_out_decisions), training["label"].to_numpy())
    reserved = Judged(judge(model, rest["text"].tolist()), rest["label"].to_numpy())
    kinds = {f"held-out {label}": held.probability[held.truth == label, 0] for label in (COLLECTION, OTHER)}
    kinds |= {kind: judge(model, texts)[:, 0] for kind, texts in traffic(options.folder, options.messages).items()}
    print(trade_off(held, kinds, model.thresholds.harassment), end="\n\n")
    low, high = model.thresholds.review
    print(f"review band from {low:.2f} to below {high:.2f}")
    print(table(["", "in the band", "precision above it", "harassment below it", "precision / recall at the threshold", "calibration error"],
                [band("held-out voices", held, model.thresholds), band("reserved voices", reserved, model.thresholds)]))  # fmt: skip
    print("in the band: " + ", ".join(f"{k} {((p >= low) & (p < high)).mean():.2%}" for k, p in kinds.items()))
    print(reliability(reserved).to_string(float_format="{:.3f}".format))
    if options.picture:
        draw(held, reserved, kinds, model.thresholds, options.picture)


if __name__ == "__main__":
    main()
