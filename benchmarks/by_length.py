"""Does the model err more in long messages? Each label's errors on the reserved voices, and false alarms in real traffic, by length.

Usage: by_length.py [FOLDER] [--messages N]
"""

from __future__ import annotations

import pandas as pd
from quality import parser, rows, table, told, traffic
from sklearn.metrics import f1_score

from harassclf import Classifier
from harassclf.corpus import RESERVED
from harassclf.labels import COLLECTION, HARASSMENT, LABELS, OTHER

EDGES = (0, 12, 20, 30, 45, 60, 90, 120, 10_000)  # characters


def flagged(messages: list[str], classifier: Classifier) -> pd.DataFrame:
    """Length and verdict of each message: ``length`` (an interval of ``EDGES``), ``predicted``."""
    predicted = [classifier.thresholds.label(one) for one in classifier.predict_proba(messages).tolist()]
    return pd.DataFrame({"length": pd.cut([len(m) for m in messages], EDGES), "predicted": predicted})


def share(predicted: pd.Series, unit: str = ".1%") -> str:
    """How many of these messages are called harassment."""
    return f"{(predicted == HARASSMENT).mean():{unit}}" if len(predicted) else "-"


def main() -> None:
    options = parser(__doc__).parse_args()
    told(options)
    classifier, reserved = Classifier.load(), rows(RESERVED, options.messages)
    judged = flagged(reserved["text"].tolist(), classifier).assign(label=reserved["label"])
    real = {kind: flagged(of, classifier) for kind, of in traffic(options.folder, options.messages).items()}
    lines = []
    for length, part in judged.groupby("length", observed=True):
        macro = f1_score(part["label"], part["predicted"], average="macro", labels=LABELS)
        of_label = [share(part.loc[part["label"] == label, "predicted"]) for label in (HARASSMENT, COLLECTION, OTHER)]
        alarms = [share(of.loc[of["length"] == length, "predicted"], ".2%") for of in real.values()]
        over, most = f"{length.left + 1:.0f}", f" to {length.right}" if length.right < EDGES[-1] else " and more"
        lines.append([f"{over}{most}", f"{len(part):,}", f"{macro:.3f}", *of_label, *alarms])
    print(
        table(
            ["characters", "messages", "macro-F1", "harassment found", "collection flagged", "other flagged", *real],
            lines,
        )
    )


if __name__ == "__main__":
    main()
