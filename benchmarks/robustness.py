"""Evasion: recall of harassment clean and attacked, by the shipped model; and what attacked copies in training are worth.

The first table attacks the reserved voices, which the model has not read. The second trains with and without attacked copies,
all voices of the hand-written evasion slice left out, and tests on those.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from measure import ROOT, machine

from harassclf import Classifier
from harassclf.attacks import ATTACKS, attack
from harassclf.corpus import RESERVED, TRAIN, read_corpus
from harassclf.decision import softmax
from harassclf.features import columns
from harassclf.labels import HARASSMENT
from harassclf.segment import Segmenter
from harassclf.training import TrainingConfig, decisions, fit

EVASION = "ev1"


def main() -> None:
    print(machine())
    corpus = read_corpus(ROOT / "data")
    per_attack(corpus[(corpus["split"] == RESERVED) & (corpus["label"] == HARASSMENT)]["text"].tolist())
    per_share(corpus[corpus["split"] == TRAIN].reset_index(drop=True))


def per_attack(texts: list[str]) -> None:
    classifier = Classifier.load()
    threshold = classifier.thresholds.harassment
    recall = lambda messages: (classifier.predict_proba(messages)[:, 0] >= threshold).mean()  # noqa: E731
    clean = recall(texts)
    print(f"clean: recall {clean:.3f} of {len(texts)} reserved harassing messages")
    for name in ATTACKS:
        attacked = [attack(name, text, seed=1) for text in texts]
        right = [s.text == text[s.start : s.end] for text in attacked[:200] for s in classifier.classify(text).evidence]
        print(
            f"{name}: recall {recall(attacked):.3f} ({recall(attacked) - clean:+.3f}), spans right {np.mean(right):.0%}"
        )


def per_share(training) -> None:
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
