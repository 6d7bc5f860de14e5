"""The naive script that everything is compared with: TfidfVectorizer over jieba.lcut, words (1,2), no normaliser."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import joblib

warnings.simplefilter("ignore")
import jieba
from messages import corpus
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline


def cut(text: str) -> list[str]:
    return jieba.lcut(text)


def train(rows: list[dict[str, str]] | None = None) -> Pipeline:
    """Fit it on the corpus, or on some rows of it, as a first afternoon would."""
    rows = rows or corpus()
    pipeline = make_pipeline(
        TfidfVectorizer(tokenizer=cut, token_pattern=None, ngram_range=(1, 2)), LogisticRegression(max_iter=300)
    )
    return pipeline.fit([row["text"] for row in rows], [row["label"] for row in rows])


def saved(path: Path) -> Path:
    """Save it, for the cold start."""
    if not path.exists():
        joblib.dump(train(), path)
    return path


if __name__ == "__main__":
    sys.modules["naive"] = sys.modules["__main__"]  # the naive command line: naive.py MODEL TEXT
    print(joblib.load(sys.argv[1]).predict_proba([sys.argv[2]]))
