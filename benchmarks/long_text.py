"""How should long and mixed text be judged: whole, by windows of its sentences, by the passages around its evidence? Measured on
voices the model has not read.

Usage: long_text.py [FOLDER] [--messages N] [--folds N]

Each fold of the training voices is judged by a model trained on the others, the reserved voices by the shipped model. Found: long
harassing messages as written, and chains of 150 to 400 and of 1,000 to 3,000 characters of everyday messages with one harassing
message inside. Alarms: long messages that are not harassment, the same chains without it, reports that hold a harassing message with
and without quotation marks, long real messages. The table holds the share of each that is flagged at the model's own threshold; its last column what is found, the mean of
all such columns, at the threshold (log-odds over the model's own) at which a way raises as many alarms, the mean of theirs, as the whole
text does. A message that fits into one window is judged nearly the same by every way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from quality import parser, rows, table, told, traffic

from harassclf import Classifier, artifact
from harassclf.corpus import RESERVED, TRAIN, voice_folds
from harassclf.decision import softmax
from harassclf.labels import HARASSMENT, LABELS, OTHER
from harassclf.passages import LONG_TEXT, PASSAGE, margin_of, passages
from harassclf.passages import PLACES as PACKAGE_PLACES
from harassclf.scorer import Scorer
from harassclf.segment import Segmenter
from harassclf.settings import MAX_TEXT
from harassclf.training import TrainingConfig, fit, write

SIZES, LONG, ABOVE = (80, 150, 300), 150, (2, 4, 6)
PLACES, PASSAGE_SIZES, PASSAGES_ABOVE = (3, 6), (50, 80), (2, 4, 6)
CHAINS = {"150 to 400": (150, 400), "1,000 to 3,000": (1000, 3000)}  # characters
NAMES = ("小李", "阿芳", "老周", "陈姐", "三楼王工", "妈", "班长", "小曹")
REPORTS = (
    "请问一下各位，我前阵子手头紧，有一笔钱晚了几天没还上，今天收到这样一条短信：“{}”我现在很害怕，这种情况应该向哪个部门投诉？需要准备哪些材料？有经验的朋友说说，谢谢。",
    "【求助】帮朋友发。她把聊天记录给我看了，对方原话是「{}」已经截图保存。她一个人带孩子，不敢接电话。想问问律师，这样的话算不算违法，报警有没有用，平台会不会管？",
    "近日，市民刘女士向本报反映，自己收到了催收人员发来的信息，内容为“{}”。记者随后联系了该公司，客服表示将核实情况。律师提醒，遇到类似情形应当保留证据，及时向监管部门反映。",
    "投诉内容：贵司委外人员本周多次联系本人，其中一条写道：“{}”本人要求停止此类行为，书面道歉，并在十五日内答复处理结果。如不处理，将继续向有关部门反映。",
)


def windows(text: str, size: int) -> list[str]:
    """Runs of whole sentences of at most ``size`` characters (a longer sentence is cut), each as long as it can be."""
    sentences = [
        s[i : i + size] for s in re.findall(r"[^。！？!?；;\n]+[。！？!?；;\n]*", text) for i in range(0, len(s), size)
    ]
    found, end_before = [], 0
    for start in range(len(sentences)):
        end, length = start, 0
        while end < len(sentences) and length + len(sentences[end]) <= size:
            length, end = length + len(sentences[end]), end + 1
        if end > end_before:  # else it lies inside the window before it
            found.append("".join(sentences[start:end]))
            end_before = end
    return [window for window in found if window.strip()] or [text]


@dataclass(frozen=True)
class Judge:
    """A model, and voices that it has not read."""

    classifier: Classifier
    held: pd.DataFrame

    def margins(self, texts: list[str]) -> np.ndarray:
        """Log-odds of harassment over the model's threshold, of each text as a whole: flagged from 0 up."""
        probability = softmax(self.classifier.decision_function(texts))[:, 0]
        return log_odds(probability) - log_odds(self.classifier.thresholds.harassment)

    def highest(self, cut: list[list[str]]) -> np.ndarray:
        """The highest margin of the parts of each text."""
        values = self.margins([part for of_one in cut for part in of_one])
        return np.maximum.reduceat(values, np.cumsum([0, *map(len, cut[:-1])]))

    def evidence(self, texts: list[str]) -> list[list[tuple[int, int, float]]]:
        """The stretches of each text that speak for harassment."""
        scorer = Scorer(artifact.read(self.classifier.folder), Segmenter())
        return [scorer.score(text).spans(LABELS.index(HARASSMENT)) for text in texts]


def ways(judge: Judge, texts: list[str]) -> dict[str, np.ndarray]:
    """The margin of each text by every way of judging it."""
    whole, long = judge.margins(texts), np.array([len(text) > LONG_TEXT for text in texts])
    found, evidence = {"whole text": whole}, judge.evidence(texts)
    for places, size in product(PLACES, PASSAGE_SIZES):
        spans = [passages(text, of_one, places, size) for text, of_one in zip(texts, evidence, strict=True)]
        most = judge.highest([[text[a:b] for a, b in of] or [text] for text, of in zip(texts, spans, strict=True)])
        if (places, size) == (PACKAGE_PLACES, PASSAGE):
            margins = np.array([margin_of(len(text)) for text in texts])
            found["as the package does it"] = np.maximum(whole, most - margins)
        for above in PASSAGES_ABOVE:
            way = f"whole, in texts over {LONG_TEXT} or one of {places} passages of {size} by {above} more"
            found[way] = np.where(long, np.maximum(whole, most - above), whole)
    for size in SIZES:
        most = judge.highest([windows(text, size) for text in texts])
        found |= {f"windows of {size}": most, f"mean of whole and windows of {size}": (whole + most) / 2}
        for above in ABOVE:
            either = np.maximum(whole, most - above)
            found[f"whole, or a window of {size} by {above} more"] = either
            found[f"the same for texts over {LONG_TEXT} only ({size}, {above})"] = np.where(long, either, whole)
    return found


@dataclass(frozen=True)
class Case:
    name: str
    harassing: bool
    texts: list[str]


def cases(held: pd.DataFrame, kinds: dict[str, list[str]], synthetic: int, seed: int) -> Iterator[Case]:
    """What is measured on one set of voices."""
    length, harassing = held["text"].str.len(), held["label"] == HARASSMENT
    yield Case("long harassment", True, held["text"][(length > LONG) & harassing].tolist())
    yield Case("long, not harassment", False, held["text"][(length > LONG) & ~harassing].tolist())
    messages = held["text"][(length <= LONG) & harassing].tolist()
    ordinary = held["text"][
        (held["label"] == OTHER) & held["slice"].str.startswith("e") & (held["tags"] == "")
    ].tolist()
    everyday = {"ordinary messages": ordinary, "real SMS": kinds.get("sms", [])}
    for (size, length_of), (name, lines) in product(CHAINS.items(), everyday.items()):
        chains = list(mixtures(messages, lines, length_of, synthetic, np.random.default_rng(seed)))
        yield Case(f"{size} characters of {name} with harassment inside", True, [mixed for mixed, _ in chains])
        yield Case(f"{size} characters of {name} alone", False, [plain for _, plain in chains])
    quoting = reports(messages, synthetic, np.random.default_rng(seed))
    yield Case("report with a quote", False, quoting)
    yield Case("report, quote unmarked", False, [re.sub("[“”「」]", "", text) for text in quoting])
    yield Case("long real messages", False, [t for of in kinds.values() for t in of if LONG < len(t) <= MAX_TEXT])


def mixtures(
    messages: list[str], ordinary: list[str], length: tuple[int, int], n: int, generator: np.random.Generator
) -> Iterator[tuple[str, str]]:
    """A forwarded chain of ordinary messages with a harassing one in it, and the same without it."""
    for _ in range(n if ordinary and messages else 0):
        inside = f"{generator.choice(NAMES)}：{generator.choice(messages)}"
        lines, wanted = [], generator.integers(*length) - len(inside)  # so that both keep to the length
        while sum(map(len, lines)) + len(lines) < wanted:
            lines.append(f"{generator.choice(NAMES)}：{generator.choice(ordinary)}")
        place = generator.integers(len(lines) + 1)
        mixed = [*lines[:place], inside, *lines[place:]]
        yield "\n".join(mixed), "\n".join(lines)


def reports(messages: list[str], n: int, generator: np.random.Generator) -> list[str]:
    """Reports, questions and news that quote a harassing message: none of them is harassment."""
    return [str(generator.choice(REPORTS)).format(generator.choice(messages)) for _ in range(n if messages else 0)]


def log_odds(probability: np.ndarray | float) -> np.ndarray:
    clipped = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.log(clipped / (1 - clipped))


def trained(corpus: pd.DataFrame, folder: Path) -> Classifier:
    config = replace(TrainingConfig(), folds=2)
    write(fit(corpus, config, lambda line: None), folder, corpus, config)
    return Classifier.load(folder)


def judges(folds: int, messages: int | None, folder: Path) -> Iterator[Judge]:
    """Models, each with voices that it has not read."""
    yield Judge(Classifier.load(), rows(RESERVED, messages))
    training = rows(TRAIN, messages)
    fold_of = voice_folds(training["voice"], folds, seed=0) if folds else None
    for fold in range(folds):
        yield Judge(trained(training[fold_of != fold], folder / str(fold)), training[fold_of == fold])
        print(f"fold {fold + 1} of {folds}", flush=True)


def rate(found: pd.DataFrame, way: str, threshold: float) -> pd.Series:
    """The share flagged of every case by one way."""
    return (found[way] >= threshold).groupby(found["case"], sort=False).mean()


def main() -> None:
    made = parser(__doc__)
    made.add_argument(
        "--folds", type=int, default=3, help="folds of training voices, 2 or more; 0: the shipped model only (3)"
    )
    made.add_argument("--synthetic", type=int, default=150, help="chains of each kind and reports for each model (150)")
    options = made.parse_args()
    told(options)
    kinds = traffic(options.folder, options.messages)
    parts = []
    with TemporaryDirectory() as folder:
        for seed, judge in enumerate(judges(options.folds, options.messages, Path(folder))):
            for case in cases(judge.held, kinds, options.synthetic, seed):
                if case.texts:
                    parts.append(pd.DataFrame(ways(judge, case.texts)).assign(case=case.name, harassing=case.harassing))
    found = pd.concat(parts, ignore_index=True)
    alarms, harassing = found[~found["harassing"]], found[found["harassing"]]
    budget = rate(alarms, "whole text", 0.0).mean()  # every case weighs the same
    lines = []
    for way in found.columns.drop(["case", "harassing"]):
        even = next((t for t in np.arange(-6, 15, 0.05) if rate(alarms, way, t).mean() <= budget), 15.0)
        lines.append([way, *(f"{share:.3f}" for share in rate(found, way, 0.0)),
                      f"{rate(harassing, way, even).mean():.3f} ({even:+.2f})"])  # fmt: skip
    sizes = found.groupby("case", sort=False).size()
    print(
        table(
            ["way", *(f"{name} ({n:,})" for name, n in sizes.items()), f"found at equal alarms ({budget:.3f})"], lines
        )
    )


if __name__ == "__main__":
    main()
