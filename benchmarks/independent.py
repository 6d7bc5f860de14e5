"""How good is it on messages by writers who knew nothing of the corpus? And what did more messages bring there?

Usage: independent.py [MODEL ...] [--errors]

The voices of the split ``independent`` were written by people who had read the annotation guide and the recipe, and no message,
brief or model of this project; no model is trained on them. One line for each model folder (default: the shipped one), with 95%
bootstrap intervals over whole voices; of two or more, the difference of the last and the first on the same messages, too.
``--errors`` counts the errors of the last by slice, true and given label. Verdicts are those of the package, passages included.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from measure import machine
from quality import interval, rows, table
from sklearn.metrics import f1_score, precision_score, recall_score

from harassclf import Classifier
from harassclf.classifier import default_model_folder
from harassclf.corpus import INDEPENDENT, category_matrix
from harassclf.labels import COLLECTION, HARASSMENT, LABELS, OTHER

Score = Callable[[np.ndarray], float]


class Judged:
    """What one model says of the messages."""

    def __init__(self, model: Path, messages: pd.DataFrame) -> None:
        predictions = Classifier.load(model).classify_many(messages["text"].tolist())
        self.true, self.given = messages["label"].to_numpy(), np.array([one.label for one in predictions])
        self.categories = category_matrix(messages["categories"])
        self.chosen = category_matrix(pd.Series([";".join(c.name for c in one.categories) for one in predictions]))

    def macro_f1(self, at: np.ndarray) -> float:
        return float(f1_score(self.true[at], self.given[at], average="macro", labels=LABELS))

    def of_harassment(self, score: Callable[..., float]) -> Score:
        return lambda at: float(score(self.true[at] == HARASSMENT, self.given[at] == HARASSMENT, zero_division=0))

    def flagged(self, label: str) -> Score:
        return lambda at: float((self.given[at][self.true[at] == label] == HARASSMENT).mean())

    def category_macro_f1(self, at: np.ndarray) -> float:
        """Over the harassing messages, found or not."""
        harassing = at[self.true[at] == HARASSMENT]
        return float(f1_score(self.categories[harassing], self.chosen[harassing], average="macro", zero_division=0))

    def scores(self) -> dict[str, Score]:
        return {
            "macro-F1": self.macro_f1,
            "precision": self.of_harassment(precision_score),
            "recall": self.of_harassment(recall_score),
            "F1 of harassment": self.of_harassment(f1_score),
            "lawful collection flagged": self.flagged(COLLECTION),
            "other flagged": self.flagged(OTHER),
            "category macro-F1": self.category_macro_f1,
        }


def difference(before: Score, after: Score) -> Score:
    return lambda at: after(at) - before(at)


def line(name: str, scores: dict[str, Score], voices: np.ndarray) -> list[str]:
    everything = np.arange(len(voices))
    return [name, *(f"{score(everything):.3f} ({interval(score, voices)})" for score in scores.values())]


def errors(judged: Judged, messages: pd.DataFrame) -> str:
    wrong = messages.assign(given=judged.given)[judged.true != judged.given]
    found = wrong.groupby(["slice", "label", "given"]).size().reset_index(name="messages")
    return table(list(found), found.astype(str).to_numpy().tolist())


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("models", nargs="*", type=Path, metavar="MODEL", help="model folders (default: the shipped one)")
    made.add_argument("--errors", action="store_true", help="also count the errors of the last model")
    options = made.parse_args()
    print(machine())
    messages = rows(INDEPENDENT, None)
    voices = messages["voice"].to_numpy()
    sizes = messages["label"].value_counts()
    print(f"{len(messages):,} messages of {messages['voice'].nunique()} voices: "
          f"{', '.join(f'{label} {sizes[label]:,}' for label in LABELS)}")  # fmt: skip
    judged = {str(model): Judged(model, messages) for model in options.models or [default_model_folder()]}
    lines = [line(name, one.scores(), voices) for name, one in judged.items()]
    first, *_, last = [*judged.values()] * 2
    if first is not last:
        pairs = zip(first.scores().items(), last.scores().values(), strict=True)
        lines.append(line("last less first", {name: difference(a, b) for (name, a), b in pairs}, voices))
    print(table(["model", *first.scores()], lines))
    if options.errors:
        print(errors(last, messages))


if __name__ == "__main__":
    main()
