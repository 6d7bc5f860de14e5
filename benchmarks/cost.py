"""Cost per message against the number of messages, per character against length, and of one character repeated."""

from __future__ import annotations

import statistics

from measure import machine, seconds
from messages import distinct, texts

from harassclf import Classifier


def main() -> None:
    print(machine())
    classifier = Classifier.load()
    classifier.predict_proba(texts())
    for n in (1_000, 10_000, 100_000, 1_000_000):
        messages = list(distinct(min(n, 100_000)))
        repeats = n // len(messages)
        spent = statistics.median(
            sum(seconds(lambda: classifier.predict_proba(messages)) for _ in range(repeats))
            for _ in range(3 if n < 1_000_000 else 1)
        )
        print(f"{n:>9,} messages: {spent / n * 1e6:6.1f} µs a message", flush=True)
    whole = "，".join(texts())
    for length in (10, 100, 1_000, 10_000):
        pieces = [whole[i * length : (i + 1) * length] for i in range(200_000 // length)]
        pieces = [piece for piece in pieces if piece.strip()]
        spent = statistics.median(seconds(lambda: classifier.predict_proba(pieces)) for _ in range(5))
        print(f"{length:>9,} characters: {spent / sum(map(len, pieces)) * 1e9:6.0f} ns a character", flush=True)
    same = ["啊" * 10_000] * 20
    print(
        f"one character, 10,000 times: {seconds(lambda: classifier.predict_proba(same)) / 200_000 * 1e9:.0f} ns a character"
    )


if __name__ == "__main__":
    main()
