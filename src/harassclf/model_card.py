"""``MODEL_CARD.md`` of a model folder, made of the numbers in its metadata and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from string import Template
from typing import Any

from harassclf.labels import CATEGORIES, CATEGORY_NAMES_ZH, LABEL_NAMES_ZH, LABELS


def render(metadata: Mapping[str, Any]) -> str:
    """Fill ``resources/model_card.md`` with the metadata of one training run."""
    template = Template(resources.files("harassclf").joinpath("resources/model_card.md").read_text("utf-8"))
    corpus, metrics, thresholds = metadata["corpus"], metadata["metrics"], metadata["thresholds"]
    return template.substitute(
        model=f"{metadata['name']}-{metadata['version']}",
        messages=f"{corpus['messages']:,}",
        training_messages=f"{corpus['training_messages']:,}",
        training_voices=corpus["training_voices"],
        labels=", ".join(f"{name} {corpus['labels'][name]:,}" for name in LABELS),
        corpus_hash=corpus["sha256"],
        held_out="\n".join(_tables(metrics["held_out_voices"])),
        reserved="\n".join(_tables(metrics["reserved_voices"]))
        if metrics["reserved_voices"]
        else "No reserved voices.",
        harassment_threshold=thresholds["harassment"],
        review_low=thresholds["review"][0],
        review_high=thresholds["review"][1],
        category_thresholds=", ".join(f"{name} {thresholds['categories'][name]}" for name in CATEGORIES),
        config=", ".join(f"{key}={value}" for key, value in metadata["config"].items()),
        libraries=", ".join(f"{key} {value}" for key, value in metadata["libraries"].items()),
    )


def _tables(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield f"{metrics['messages']:,} messages. Accuracy {metrics['accuracy']:.3f}, macro-F1 {metrics['macro_f1']:.3f}, "
    yield f"expected calibration error {metrics['expected_calibration_error']:.3f}; "
    yield f"{metrics['review_share']:.1%} need review; called harassment by mistake: "
    yield f"{metrics['collection_flagged']:.1%} of lawful collection, {metrics['other_flagged']:.1%} of other.\n"
    yield "| label | precision | recall | F1 | messages |\n|---|---|---|---|---|"
    for name, score in metrics["labels"].items():
        yield _row(f"{name} {LABEL_NAMES_ZH[name]}", score)
    if metrics["categories"]:
        yield f"\nCategory macro-F1 over harassment messages: {metrics['category_macro_f1']:.3f}\n"
        yield "| category | precision | recall | F1 | messages |\n|---|---|---|---|---|"
        for name, score in metrics["categories"].items():
            yield _row(f"{name} {CATEGORY_NAMES_ZH[name]}", score)


def _row(name: str, score: Mapping[str, Any]) -> str:
    return f"| {name} | {score['precision']:.3f} | {score['recall']:.3f} | {score['f1']:.3f} | {score['support']:,} |"
