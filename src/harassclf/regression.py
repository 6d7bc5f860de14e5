"""The regression set: what must hold before a model replaces the shipped one, from ``resources/regression.json``.

Four kinds of rule: messages that users would be angry to see wrong; minimal pairs, both sides right; invariances (a name,
an amount, a date, punctuation or a disguise must not change the label); added threats, which must raise the score.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from harassclf.classifier import Classifier
from harassclf.labels import HARASSMENT


@dataclass(frozen=True, slots=True)
class Expectation:
    """One message and the label that it must get; ``rule`` is the id of the case, pair or invariance it belongs to."""

    rule: str
    text: str
    label: str
    categories: tuple[str, ...] = ()
    known_failure: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a model breaks, in words; names the rule by its id."""

    rule: str
    what: str


def expectations() -> list[Expectation]:
    """Every message of the set whose label is fixed."""
    source = _source()
    found = [
        Expectation(c["id"], c["text"], c["label"], tuple(c.get("categories", ())), c.get("known_failure", False))
        for c in source["cases"]
    ]
    for pair in source["pairs"]:
        found += [Expectation(pair["id"], *side) for side in zip(pair["texts"], pair["labels"], strict=True)]
    for group in source["invariances"]:
        found += [Expectation(group["id"], text, group["label"]) for text in group["texts"]]
    return found


def added_threats() -> list[tuple[str, str, str]]:
    """Rule id, a message, and the same message with a prohibited means added."""
    return [(rule["id"], rule["base"], rule["worse"]) for rule in _source()["added_threats"]]


def broken_rules(classifier: Classifier) -> list[Broken]:
    """Every rule that ``classifier`` breaks, known failures aside; empty when it may be shipped."""
    wanted = [expectation for expectation in expectations() if not expectation.known_failure]
    return [*_wrong_labels(classifier, wanted), *_unraised(classifier)]


def mended_failures(classifier: Classifier) -> list[str]:
    """Ids of the known failures that ``classifier`` judges rightly: their mark has to go."""
    known = [expectation for expectation in expectations() if expectation.known_failure]
    broken = {rule.rule for rule in _wrong_labels(classifier, known)}
    return [expectation.rule for expectation in known if expectation.rule not in broken]


def _wrong_labels(classifier: Classifier, wanted: Sequence[Expectation]) -> Iterator[Broken]:
    for expected, found in zip(wanted, classifier.classify_many([e.text for e in wanted]), strict=True):
        missing = set(expected.categories) - {category.name for category in found.categories}
        if found.label != expected.label:
            yield Broken(expected.rule, f"expected {expected.label}, found {found.label}")
        elif missing:
            yield Broken(expected.rule, f"lacks category {', '.join(sorted(missing))}")


def _unraised(classifier: Classifier) -> Iterator[Broken]:
    rules = added_threats()
    before = classifier.classify_many([base for _, base, _ in rules])
    after = classifier.classify_many([worse for _, _, worse in rules])
    for (rule, _, _), low, high in zip(rules, before, after, strict=True):
        if high.probabilities[HARASSMENT] <= low.probabilities[HARASSMENT]:
            yield Broken(rule, "an added threat does not raise the score")


def _source() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        resources.files("harassclf").joinpath("resources/regression.json").read_text("utf-8")
    )
    return found
