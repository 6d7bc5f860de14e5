"""Bulk scoring against the naive pipeline and against fastText prediction with the same words."""

from __future__ import annotations

import tempfile
from pathlib import Path

import naive
from measure import interleave, machine, report
from messages import corpus, texts

from harassclf import Classifier


def main() -> None:
    print(machine())
    classifier, pipeline, messages = Classifier.load(), naive.train(), texts()
    ours = lambda: classifier.predict_proba(messages)  # noqa: E731
    report("bulk scoring, times the naive pipeline", *interleave(ours, lambda: pipeline.predict_proba(messages), 5))
    fasttext(ours, messages)


def fasttext(ours, messages: list[str]) -> None:
    try:
        import fasttext as peer
    except ImportError:
        print("fastText: not installed (pip install fasttext-numpy2)")
        return
    import rjieba

    def words(text: str) -> str:
        return " ".join(rjieba.cut(text, False)).replace("\n", " ")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        path.write_text("".join(f"__label__{row['label']} {words(row['text'])}\n" for row in corpus()), "utf-8")
        model = peer.train_supervised(str(path), wordNgrams=2, epoch=10, dim=50, verbose=0)
    report(
        "bulk scoring, times fastText with the same words",
        *interleave(ours, lambda: model.predict([words(t) for t in messages], k=3)),
    )


if __name__ == "__main__":
    main()
