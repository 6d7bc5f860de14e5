"""One message with categories and evidence, median latency, against the naive script's predict_proba([text])."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import naive
from measure import machine
from messages import texts

from harassclf import Classifier


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()  # no garbage collection in between: it would empty the caches before each message
    work()
    return time.perf_counter() - started


def main() -> None:
    print(machine())
    classifier, pipeline, messages = Classifier.load(), naive.train(), texts()[::20][:500]
    for text in messages[:20]:
        classifier.classify(text)
        pipeline.predict_proba([text])
    ours, peer = [], []
    for text in messages:
        ours.append(seconds(lambda text=text: classifier.classify(text)))
        peer.append(seconds(lambda text=text: pipeline.predict_proba([text])))
    share = statistics.median(ours) / statistics.median(peer)
    print(f"one message, share of the naive latency: 1/{1 / share:.1f} "
          f"(ours p50 {statistics.median(ours) * 1e6:.0f} µs, p99 {statistics.quantiles(ours, n=100)[-1] * 1e6:.0f} µs; "
          f"naive p50 {statistics.median(peer) * 1e6:.0f} µs)")  # fmt: skip


if __name__ == "__main__":
    main()
