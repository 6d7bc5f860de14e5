"""Drift: how a day's messages differ from those the model was measured on.

Two things are watched, because they need no true labels. The *shares of the labels* the model gives (and how many need
review), and the *share of unknown words*: jieba's words of the folded normalised text that are not in the model's
vocabulary.

How to read it
    Labels by the population stability index (PSI) against the reference: below 0.1 ``stable``, from 0.1 ``watch``, from
    0.25 ``shifted`` (the usual reading in credit scoring). The corpus was made with far more harassment than any real
    stream has, so against it most streams read ``shifted`` from the first day: give an own month as the reference
    (``harassclf drift --against``) and watch the change.
    Words by the held-out writers: ``watch`` above the share that nine in ten of them stay under, ``shifted`` above the
    highest of them. One writer alone strays further than a day of many.
    Days with fewer than 100 messages read ``few``: there PSI passes 0.05 by chance in one day of twenty (3 labels,
    chi-square of 2 degrees over n).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harassclf.errors import ModelError
from harassclf.features import fold
from harassclf.labels import LABELS
from harassclf.normalize import normalize
from harassclf.segment import Segmenter

STABLE, WATCH, SHIFTED, FEW, UNKNOWN = "stable", "watch", "shifted", "few", "no reference"
READINGS_ZH = {STABLE: "平稳", WATCH: "留意", SHIFTED: "明显变化", FEW: "样本太少", UNKNOWN: "无参照"}
REFERENCE = "drift_reference"  # its key in metadata.json
_PSI_WATCH, _PSI_SHIFTED = 0.1, 0.25
FEWEST = 100  # messages
_SMOOTHING = 0.5  # messages added to every label, so that a label which never came gives no infinite PSI


class WordCounter:
    """Counts words and unknown words. ``vocabulary`` holds the words the model knows, folded."""

    def __init__(self, vocabulary: Iterable[str], segmenter: Segmenter | None = None) -> None:
        self._known = frozenset(vocabulary)
        self._segmenter = segmenter or Segmenter()

    def count(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """Words and unknown words of each text; blanks are no words."""
        folded = [fold(normalize(text).text) for text in texts]
        return [self._of(words) for words in self._segmenter.words_many(folded)]

    def _of(self, words: list[str]) -> tuple[int, int]:
        shown = [word for word in words if not word.isspace()]
        return len(shown), sum(word not in self._known for word in shown)


def known_words(terms: Iterable[str]) -> frozenset[str]:
    """The words among the terms of the model's word block; pairs of words, written with a blank between, are left out."""
    return frozenset(term for term in terms if " " not in term)


@dataclass(slots=True)
class Tally:
    """Counts of some messages, such as those of a day."""

    labels: Counter[str] = field(default_factory=Counter)
    review: int = 0
    words: int = 0
    unknown: int = 0

    def add(self, label: str, needs_review: bool, words: int = 0, unknown: int = 0) -> None:
        """One message; ``words`` and ``unknown`` as :meth:`WordCounter.count` gives them."""
        self.labels[label] += 1
        self.review += needs_review
        self.words += words
        self.unknown += unknown

    @property
    def messages(self) -> int:
        return self.labels.total()

    @property
    def label_shares(self) -> dict[str, float]:
        return {label: self.labels[label] / max(1, self.messages) for label in LABELS}

    @property
    def review_share(self) -> float:
        return self.review / max(1, self.messages)

    @property
    def unknown_word_share(self) -> float:
        return self.unknown / max(1, self.words)


@dataclass(frozen=True, slots=True)
class Reference:
    """What to compare with. ``unknown_words`` is None where nobody measured it; ``unknown_bounds`` are the shares that
    nine in ten writers, and all of them, stay under. ``source`` says where the numbers are from."""

    labels: Mapping[str, float]
    review_share: float
    unknown_words: float | None
    unknown_bounds: tuple[float, float] | None
    source: str

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Reference:
        """From a model's metadata: its ``drift_reference``, else what the model said of held-out voices, which tells
        nothing of words. Raises :class:`ModelError` for a ``drift_reference`` that is damaged."""
        if REFERENCE not in metadata:
            return _from_metrics(metadata["metrics"]["held_out_voices"])
        return cls.from_dict(metadata[REFERENCE], "held-out voices of the model's corpus")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str) -> Reference:
        """From what :func:`reference` gives."""
        try:
            low, high = (float(values["unknown_word_share_of_voices"][key]) for key in ("p90", "max"))
            shares = {label: float(values["labels"][label]) for label in LABELS}
            found = cls(shares, float(values["review_share"]), float(values["unknown_word_share"]), (low, high), source)
        except (LookupError, TypeError, ValueError):
            raise ModelError(f"{REFERENCE}: not what this version writes; train again with 'harassclf train'") from None
        if not all(0 <= value <= 1 for value in (*shares.values(), found.review_share, low, high)):
            raise ModelError(f"{REFERENCE}: expected shares from 0 to 1; train again with 'harassclf train'")
        return found


def _from_metrics(held_out: Mapping[str, Any]) -> Reference:
    # A label was given to recall * support / precision of the messages.
    given = {
        name: score["recall"] * score["support"] / score["precision"] if score["precision"] else 0.0
        for name, score in held_out["labels"].items()
    }
    shares = {label: given[label] / held_out["messages"] for label in LABELS}
    return Reference(shares, held_out["review_share"], None, None, "the model's held-out metrics")


def reference(
    texts: Sequence[str],
    labels: Sequence[str],
    needs_review: Iterable[bool],
    voices: Sequence[str],
    counter: WordCounter,
) -> dict[str, Any]:
    """What training stores as ``metadata["drift_reference"]``: the shares on messages that the model has not read.

    ``labels`` and ``needs_review`` are the model's verdicts; ``voices`` says who wrote each message. All have one entry
    a message, at least one message (else ValueError). Give it the reserved voices and the final vocabulary: on voices
    that made the vocabulary, words are known more often (0.117 unknown against 0.149).
    """
    if not texts:
        raise ValueError("no messages to make a reference from")
    by_voice = {voice: Tally() for voice in voices}
    rows = zip(labels, needs_review, voices, counter.count(texts), strict=True)
    for label, review, voice, (words, unknown) in rows:
        by_voice[voice].add(str(label), bool(review), words, unknown)
    return reference_of(list(by_voice.values()))


def reference_of(groups: Sequence[Tally]) -> dict[str, Any]:
    """The same from the tallies of some groups of messages, at least one, such as those of voices or of days."""
    total = Tally(
        sum((group.labels for group in groups), Counter()),
        *(sum(getattr(group, name) for group in groups) for name in ("review", "words", "unknown")),
    )
    of_groups = sorted(group.unknown_word_share for group in groups)
    p90 = of_groups[math.ceil(0.9 * len(of_groups)) - 1]
    return {
        "messages": total.messages,
        "labels": {label: round(share, 6) for label, share in total.label_shares.items()},
        "review_share": round(total.review_share, 6),
        "words": total.words,
        "unknown_word_share": round(total.unknown_word_share, 6),
        "unknown_word_share_of_voices": {"p90": round(p90, 6), "max": round(of_groups[-1], 6)},
    }


@dataclass(frozen=True, slots=True)
class DayDrift:
    """One day beside the reference. ``day`` is an ISO date, or ``all`` for messages without one."""

    day: str
    messages: int
    labels: dict[str, float]
    review_share: float
    words: int
    unknown_word_share: float
    label_psi: float
    label_reading: str
    word_reading: str

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return {
            "day": self.day,
            "messages": self.messages,
            "labels": dict(self.labels),
            "review_share": self.review_share,
            "words": self.words,
            "unknown_word_share": self.unknown_word_share,
            "label_psi": self.label_psi,
            "label_reading": self.label_reading,
            "word_reading": self.word_reading,
        }


def day_drift(day: str, tally: Tally, against: Reference) -> DayDrift:
    """Read one day against the reference."""
    psi = label_psi(tally, against)
    return DayDrift(
        day=day,
        messages=tally.messages,
        labels=tally.label_shares,
        review_share=tally.review_share,
        words=tally.words,
        unknown_word_share=tally.unknown_word_share,
        label_psi=psi,
        label_reading=_reading(psi, (_PSI_WATCH, _PSI_SHIFTED), tally.messages),
        word_reading=_reading(tally.unknown_word_share, against.unknown_bounds, tally.messages),
    )


def label_psi(tally: Tally, against: Reference) -> float:
    """The population stability index of the label shares, 0 for the same shares; half a message is added to each
    label on both sides."""
    extra = _SMOOTHING / max(1, tally.messages)
    now = {label: share + extra for label, share in tally.label_shares.items()}
    then = {label: against.labels[label] + extra for label in LABELS}
    total_now, total_then = sum(now.values()), sum(then.values())
    pairs = [(now[label] / total_now, then[label] / total_then) for label in LABELS]
    return sum((a - b) * math.log(a / b) for a, b in pairs)


def _reading(value: float, bounds: tuple[float, float] | None, messages: int) -> str:
    if bounds is None:
        return UNKNOWN
    if messages < FEWEST:
        return FEW
    return STABLE if value < bounds[0] else WATCH if value < bounds[1] else SHIFTED
