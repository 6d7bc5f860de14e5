"""Drift in metrics: what today's judged messages look like, beside what the model was measured on.

Counts of one UTC day at a time, so memory does not grow; Prometheus keeps the days. With several workers their counts
add up, each from its first message of the day on; ``label_psi`` is the largest of theirs. What the numbers mean is told in :mod:`harassclf.drift`.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge

from harassclf.classifier import Classifier
from harassclf.drift import FEWEST, Reference, Tally, WordCounter, label_psi
from harassclf.labels import LABELS

_DAY = 86_400  # seconds
# Cutting a message into words again costs a third of judging it: every message of a quiet day, one in 16 of a busy one.
_ALL_UNTIL, _ONE_IN = 200, 16
_LOOKED_AT = 1_000  # characters of a message


class Judged(Protocol):
    """What is counted of a verdict, of a check before sending as well."""

    @property
    def label(self) -> str:
        """The label."""

    @property
    def needs_review(self) -> bool:
        """Whether the model is not sure."""


class DriftCounters:
    """Counts until :meth:`start` has told the model are left out."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._words = Counter("harassclf_drift_words", "Words of messages looked at", registry=registry)
        self._unknown = Counter("harassclf_drift_unknown_words", "Those the model does not know", registry=registry)
        self._reference = _gauge(registry, "reference", "What the model was measured on, as shares", "livemax", "what")
        self._start = _gauge(registry, "day_start_timestamp_seconds", "Start of the day counted (UTC)", "livemax")
        self._messages = _gauge(registry, "day_messages", "Messages of the day by label", "livesum", "label")
        self._review = _gauge(registry, "day_needs_review", "Those that need review", "livesum")
        self._day_words = _gauge(registry, "day_words", "Words of the day's messages looked at", "livesum")
        self._day_unknown = _gauge(registry, "day_unknown_words", "Those the model does not know", "livesum")
        self._psi = _gauge(
            registry, "day_label_psi", "Population stability index of its labels, 0 below 100 messages", "livemax"
        )
        self._against: Reference | None = None
        self._day, self._tally = -1, Tally()
        self._lock = Lock()  # batches are judged in threads

    def start(self, classifier: Classifier) -> None:
        """Compare with this model from now on."""
        self._against, self._counter = Reference.from_metadata(classifier.metadata), WordCounter(classifier.words)
        shares = {**self._against.labels, "review": self._against.review_share}
        if self._against.unknown_words is not None:
            shares["unknown_words"] = self._against.unknown_words
        for what, share in shares.items():
            self._reference.labels(what).set(share)

    def observe(self, text: str, prediction: Judged, *, now: float | None = None) -> None:
        """Count one judged message; ``now`` in seconds since 1970 (default: now). Safe to call from any thread."""
        if self._against is None:
            return
        with self._lock:
            self._open_day(int((time.time() if now is None else now) // _DAY))
            words, unknown = self._counter.count([text[:_LOOKED_AT]])[0] if self._is_looked_at() else (0, 0)
            self._tally.add(prediction.label, prediction.needs_review, words, unknown)
            self._show(prediction, words, unknown, self._against)

    def _is_looked_at(self) -> bool:
        return self._tally.messages < _ALL_UNTIL or self._tally.messages % _ONE_IN == 0

    def _open_day(self, day: int) -> None:
        if day == self._day:
            return
        self._day, self._tally = day, Tally()
        self._start.set(day * _DAY)
        for gauge in (self._review, self._day_words, self._day_unknown, self._psi):
            gauge.set(0)
        for label in LABELS:
            self._messages.labels(label).set(0)

    def _show(self, prediction: Judged, words: int, unknown: int, against: Reference) -> None:
        self._messages.labels(prediction.label).inc()
        self._review.inc(prediction.needs_review)
        if not words:
            return
        self._words.inc(words)
        self._unknown.inc(unknown)
        self._day_words.inc(words)
        self._day_unknown.inc(unknown)
        if self._tally.messages >= FEWEST:
            self._psi.set(label_psi(self._tally, against))


def _gauge(registry: CollectorRegistry, name: str, text: str, mode: str, *labels: str) -> Gauge:
    return Gauge(f"harassclf_drift_{name}", text, labels, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]
