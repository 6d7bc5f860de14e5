"""Counts and agreement of the corpus: what ``harassclf check-data`` prints and ``data/README.md`` quotes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harassclf.corpus import category_matrix
from harassclf.evaluation import kappa
from harassclf.labels import CATEGORIES, HARASSMENT, LABELS


def counts(corpus: pd.DataFrame, readings: pd.DataFrame) -> dict[str, Any]:
    """Messages, voices, labels, categories, slices, tags, lengths, pairs, and Cohen's kappa of the two readings."""
    first = category_matrix(corpus["categories"])
    harassment = corpus["label"] == HARASSMENT
    length = corpus["text"].str.len()
    return {
        "messages": len(corpus),
        "voices": int(corpus["voice"].nunique()),
        "split": {k: int(v) for k, v in corpus["split"].value_counts().items()},
        "labels": {name: int((corpus["label"] == name).sum()) for name in LABELS},
        "categories": {name: int(first[:, i].sum()) for i, name in enumerate(CATEGORIES)},
        "several_categories": int((first[harassment].sum(axis=1) > 1).sum()),
        "registers": {k: int(v) for k, v in corpus["register"].value_counts().items()},
        "slices": {k: int(v) for k, v in corpus["slice"].value_counts().items()},
        "tags": {k: int(v) for k, v in corpus["tags"].str.split(";").explode().value_counts().items() if k},
        "up_to_12_characters": int((length <= 12).sum()),
        "over_300_characters": int((length > 300).sum()),
        "pairs": int(corpus.loc[corpus["pair"] != "", "pair"].nunique()),
        "settled": {k: int(v) for k, v in readings["settled"].value_counts().items()},
        "kappa": agreement(readings),
    }


def agreement(readings: pd.DataFrame) -> dict[str, float]:
    """Cohen's kappa of the two blind readings, dropped messages included: for the label, and for each category
    present or absent."""
    first, second = category_matrix(readings["first_categories"]), category_matrix(readings["second_categories"])
    label = kappa(readings["first_label"].tolist(), readings["second_label"].tolist())
    per_category = {n: kappa(first[:, i].tolist(), second[:, i].tolist()) for i, n in enumerate(CATEGORIES)}
    return {name: round(value, 4) for name, value in ({"label": label} | per_category).items()}


def render_counts(found: dict[str, Any]) -> str:
    """The counts as lines of ``name: value``."""
    return "\n".join(f"{name}: {_value(value)}" for name, value in found.items())


def _value(value: Any) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else f"{value:,}"
