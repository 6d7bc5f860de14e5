"""Prometheus metrics of one application: its own registry, so that two applications in a process do not clash.

With several workers each writes its numbers to files in ``PROMETHEUS_MULTIPROC_DIR`` (set by ``serve``), and whichever
worker is asked adds all of them up.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from fastapi import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from harassclf.precheck import Precheck
from harassclf.service.drift import DriftCounters, Judged

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
_LIVE = re.compile(r"gauge_live[a-z]*_(\d+)\.db")
# Seconds. One message takes well under a millisecond, a full batch a tenth of a second, a long one some seconds.
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Requests, latency, refusals, verdicts, the model."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()  # further collectors register here
        self._requests = Counter("harassclf_requests", "Requests answered", ("route", "status"), registry=own)
        self._latency = Histogram(
            "harassclf_request_seconds", "Time to answer", ("route",), registry=own, buckets=_BUCKETS
        )
        self._answers: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._rejected = Counter("harassclf_rejected", "Requests refused before any work", ("reason",), registry=own)
        self._in_progress = Gauge(
            "harassclf_in_progress", "Requests worked on", registry=own, multiprocess_mode="livesum"
        )
        self._verdicts = Counter("harassclf_verdicts", "Messages judged", ("label",), registry=own)
        self._reviews = Counter("harassclf_needs_review", "Messages that need review", registry=own)
        self.drift = DriftCounters(own)
        self._prechecks = Counter("harassclf_prechecks", "Messages checked before sending", ("verdict",), registry=own)
        self._model = Gauge(
            "harassclf_model_info", "The model that decides", ("model",), registry=own, multiprocess_mode="livemax"
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one request; ``route`` is a template, never a path."""
        if (route, status) not in self._answers:  # a look-up by labels takes a lock and a quarter of the counting
            self._answers[route, status] = self._requests.labels(route, str(status)), self._latency.labels(route)
        count, latency = self._answers[route, status]
        count.inc()
        latency.observe(seconds)

    def rejected(self, reason: str) -> None:
        """Count one request refused before any work; ``reason`` is the code of its error."""
        self._rejected.labels(reason).inc()

    def in_progress(self, change: int) -> None:
        """One request more or less is worked on."""
        self._in_progress.inc(change)

    def count(self, prediction: Judged, text: str) -> None:
        """Count one verdict; of the message only how many of its words are known."""
        self.drift.observe(text, prediction)
        self._verdicts.labels(prediction.label).inc()
        if prediction.needs_review:
            self._reviews.inc()

    def prechecked(self, result: Precheck, text: str) -> None:
        """Count one check before sending, and the classifier's verdict in it like any other."""
        self.count(result, text)
        self._prechecks.labels(result.verdict).inc()

    def model_info(self, model: str) -> None:
        """Name the model."""
        self._model.labels(model).set(1)

    def exposition(self) -> Response:
        """All numbers, of all workers where there are several."""
        registry, folder = self.registry, os.environ.get(MULTIPROCESS)
        if folder:
            _forget_dead_workers(Path(folder))
            registry = CollectorRegistry()
            MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _forget_dead_workers(folder: Path) -> None:
    """A worker that was killed still has its gauges in the folder; its counters stay, for they only grow."""
    for file in folder.glob("gauge_live*.db"):
        found = _LIVE.fullmatch(file.name)
        if found and not _alive(int(found.group(1))):
            with suppress(FileNotFoundError):  # another worker did it
                mark_process_dead(int(found.group(1)), str(folder))  # type: ignore[no-untyped-call]


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
