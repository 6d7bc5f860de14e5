"""What each choice of features, training text and regularisation is worth, with 95% bootstrap intervals over voices.

Usage: ablation.py [FOLDER] [--messages N] [--only NAME ...]

Every variant changes one thing of what ships, is trained on the training voices and judges the reserved ones. False alarms: the
share of 4,000 real messages of each kind called harassment at the threshold that finds 85% of the reserved harassment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import scipy.sparse as sp
from quality import interval, parser, rows, table, told, traffic
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from harassclf.corpus import RESERVED, TRAIN
from harassclf.decision import softmax
from harassclf.features import BLOCKS, END, LENGTH, START, Block, columns
from harassclf.labels import HARASSMENT, LABELS
from harassclf.segment import Segmenter
from harassclf.stacking import label_decisions, subclass_decisions
from harassclf.subclasses import log_sum_exp
from harassclf.training import TrainingConfig, attacked, background_rows, fit_labels, fit_subclasses, vectorizer

CONFIG = TrainingConfig()
ALARMS, RECALL = 4000, 0.85
Blocks = dict[str, sp.csr_matrix]


def without(*names: str) -> tuple[Block, ...]:
    return tuple(block for block in BLOCKS if block.name not in names and block.about_debt not in names)


@dataclass(frozen=True)
class Variant:
    name: str
    blocks: tuple[Block, ...] = BLOCKS
    config: TrainingConfig = CONFIG
    norm: str | None = None
    terms: int | None = None  # only so many, those that the shipped fit weighs most
    marked: bool = True  # whether the start and the end of a message are read
    scaled: bool = True  # whether the evidence of long messages counts less
    subclasses: bool = True


VARIANTS = (
    Variant("shipped"),
    Variant("without subclasses", subclasses=False),
    Variant(
        "terms of 12, 22 and 20 messages or more",
        config=replace(CONFIG, min_df=12, pair_min_df=22, class_min_df=20),
    ),
    Variant("without pairs of words with others between", without("word_pairs")),
    Variant("without classes of words", without("classes", "class_pairs")),
    Variant("without marks of start and end", marked=False),
    Variant("without scaling by length", scaled=False),
    Variant("without sounds", without("sounds")),
    Variant("without words, their classes and pairs", without("words", "word_pairs", "classes", "class_pairs")),
    Variant("without characters and sounds", without("characters", "sounds")),
    Variant("without the second weights beside a debt", tuple(b for b in BLOCKS if not b.about_debt)),
    *(Variant(f"the {n:,} terms of largest weight", terms=n) for n in (15_000, 50_000, 100_000)),
    Variant("without models of half the voices", config=replace(CONFIG, halvings=0)),
    Variant("without second copies of fewer terms", config=replace(CONFIG, dropout=0.0)),
    Variant("without log-count ratios", config=replace(CONFIG, ratio_power=0.0)),
    Variant("L2 norm per block", norm="l2"),
    Variant("C 0.01", config=replace(CONFIG, C=0.01)),
    Variant("C 0.2", config=replace(CONFIG, C=0.2)),
    Variant("without background text", config=replace(CONFIG, background=0)),
    Variant("without attacked copies", config=replace(CONFIG, attacked_share=0.0, attacked_share_other=0.0)),
)


@dataclass(frozen=True)
class Training:
    """The training text of some variants, and every block of it and of what is judged."""

    config: TrainingConfig
    norm: str | None
    marked: bool
    scaled: bool
    training: pd.DataFrame
    judged: dict[str, pd.DataFrame]  # columns of the reserved voices ("") and of real messages by kind

    @cached_property
    def read(self) -> pd.DataFrame:
        parts = [self.training, attacked(self.training, self.config), background_rows(self.config)]
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def matrices(self) -> tuple[Blocks, dict[str, Blocks]]:
        """By block what is trained on, and what is judged."""
        frame = self.shown(columns(self.read["text"].tolist(), Segmenter()))
        rest = {name: self.shown(of) for name, of in self.judged.items()}
        trained: Blocks = {}
        judged: dict[str, Blocks] = {name: {} for name in rest}
        for block in BLOCKS:
            terms = vectorizer(block, self.config.min_df_of(block)).set_params(norm=self.norm)
            weight = 1.0 if self.norm else block.weight
            trained[block.name] = self.scale(frame) @ terms.fit_transform(frame[block.name]) * weight
            for name, of in rest.items():
                judged[name][block.name] = self.scale(of) @ terms.transform(of[block.name]) * weight
        return trained, judged

    def scale(self, frame: pd.DataFrame) -> sp.dia_matrix:
        return sp.diags(frame[LENGTH] if self.scaled else np.ones(len(frame)))

    def shown(self, frame: pd.DataFrame) -> pd.DataFrame:
        return (
            frame if self.marked else frame.assign(**{name: frame[name].map(strip) for name, strip in UNMARKED.items()})
        )


def unmarked_words(cell: str) -> str:
    return " ".join(term for term in cell.split(" ") if not term.startswith(START) and not term.endswith(END))


def unmarked_characters(cell: str) -> str:
    return cell.strip(START + END)


# What takes the marks of start and end out of a column.
UNMARKED = {block.name: unmarked_words if block.analyzer == "word" else unmarked_characters for block in BLOCKS}


def joined(blocks: Blocks, chosen: Iterable[Block], kept: np.ndarray | None) -> sp.csr_matrix:
    matrix = sp.hstack([blocks[block.name] for block in chosen]).tocsr()
    return matrix if kept is None else matrix[:, kept]


def judged(
    variant: Variant, text: Training, kept: np.ndarray | None
) -> tuple[LogisticRegression, dict[str, np.ndarray]]:
    """The variant's classifier and its probabilities, columns as ``LABELS``, of everything that is judged. Labels and subclasses
    count half each, since a stacking would need folds."""
    trained, rest = text.matrices
    labels, voices = text.read["label"].to_numpy(), text.read["voice"].to_numpy()
    matrix = joined(trained, variant.blocks, kept).astype(np.float32)
    model = fit_labels(matrix, labels, voices, variant.config)
    subclasses = fit_subclasses(matrix, text.read, variant.config) if variant.subclasses else None
    of = {
        name: softmax(decided(model, subclasses, joined(blocks, variant.blocks, kept))) for name, blocks in rest.items()
    }
    return model, of


def decided(model: LogisticRegression, subclasses: LogisticRegression | None, matrix: sp.csr_matrix) -> np.ndarray:
    """Decision values of the labels, shape ``(n, 3)``."""
    found = label_decisions(model, matrix)
    if subclasses is None:
        return found
    raw = subclass_decisions(subclasses, matrix)
    harassment, other = log_sum_exp(np.hstack([found, raw])).T
    return (found + np.stack([harassment, raw[:, -1], other], axis=1)) / 2


def heaviest(model: LogisticRegression, n: int) -> np.ndarray:
    return np.sort(np.argsort(-np.abs(model.coef_).max(axis=0), kind="stable")[:n])


def line(name: str, found: dict[str, np.ndarray], reserved: pd.DataFrame) -> list[str]:
    """The row of one variant in the table."""
    labels, probability = reserved["label"].to_numpy(), found[""]
    predicted, harassment = np.array(LABELS)[probability.argmax(axis=1)], probability[:, 0]
    macro: Callable[..., float] = lambda at: f1_score(labels[at], predicted[at], average="macro")  # noqa: E731
    threshold = np.quantile(harassment[labels == HARASSMENT], 1 - RECALL)
    precision = (labels[harassment >= threshold] == HARASSMENT).mean()
    alarms = [f"{(of[:, 0] >= threshold).mean():.2%}" for kind, of in found.items() if kind]
    return [
        name,
        f"{macro(slice(None)):.3f} ({interval(macro, reserved['voice'].to_numpy())})",
        f"{precision:.3f}",
        *alarms,
    ]


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--only", nargs="+", choices=[variant.name for variant in VARIANTS], help="some variants")
    options = made.parse_args()
    told(options)
    training, reserved = rows(TRAIN, options.messages), rows(RESERVED, options.messages)
    texts = {"": reserved["text"].tolist()} | traffic(options.folder, min(options.messages or ALARMS, ALARMS))
    frames = {name: columns(of, Segmenter()) for name, of in texts.items()}
    print(table(["variant", "macro-F1", f"precision at recall {RECALL}", *(name for name in texts if name)], []))
    text, shipped = None, None
    for variant in VARIANTS:
        if options.only and variant.name not in {*options.only, VARIANTS[0].name}:
            continue
        wanted = replace(
            variant.config, **{name: getattr(CONFIG, name) for name in ("C", "halvings", "dropout", "ratio_power")}
        )
        differs = (wanted, variant.norm, variant.marked, variant.scaled)
        # One at a time: each takes 2 GB.
        if text is None or (text.config, text.norm, text.marked, text.scaled) != differs:
            text = Training(*differs, training, frames)
        kept = heaviest(shipped, variant.terms) if variant.terms and shipped is not None else None
        model, found = judged(variant, text, kept)
        shipped = shipped or model
        print(table(line(variant.name, found, reserved), []).splitlines()[0], flush=True)


if __name__ == "__main__":
    main()
