"""Feedback as tasks for review in Label Studio: its JSON import format, and the labelling interface that fits.

A task is ``{"data": {...}, "predictions": [...]}`` (https://labelstud.io/guide/predictions). Two predictions a task: what
the model said, and what the person wished, so that the reviewer sees both and starts from either. Only records whose
text was kept become tasks: there is nothing to read in the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree

from harassclf.feedback import Record
from harassclf.labels import CATEGORIES, CATEGORY_NAMES_ZH, LABEL_NAMES_ZH, LABELS

# Names in the labelling interface that predictions refer to.
_TEXT, _LABEL, _CATEGORIES = "text", "label", "categories"
WISH = "feedback"  # stands where a prediction names its model


def tasks(records: Iterable[Record]) -> list[dict[str, Any]]:
    """One task for each record with a text, in order."""
    return [_task(record) for record in records if record.text is not None]


def _task(record: Record) -> dict[str, Any]:
    said: dict[str, Any] = {"score": record.probabilities[record.label]}
    return {
        "data": {
            "text": record.text,
            "feedback_id": record.id,
            "time": record.time,
            "text_sha256": record.text_sha256,
            "model": record.model,
            "model_label": record.label,
            "wished_label": record.wished_label,
            "needs_review": record.needs_review,
            "comment": record.comment,
        },
        "predictions": [
            _prediction(record.model, record.label, record.categories) | said,
            _prediction(WISH, record.wished_label, record.wished_categories),
        ],
    }


def _prediction(by: str, label: str, categories: Sequence[str]) -> dict[str, Any]:
    result = [_choice(_LABEL, [label])]
    if categories:
        result.append(_choice(_CATEGORIES, list(categories)))
    return {"model_version": by, "result": result}


def _choice(name: str, chosen: list[str]) -> dict[str, Any]:
    return {"id": name, "from_name": name, "to_name": _TEXT, "type": "choices", "value": {"choices": chosen}}


def labelling_interface() -> str:
    """The interface (XML) of a Label Studio project that can take :func:`tasks`."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Text", name=_TEXT, value="$text")
    for value in ("提交人意见", "$comment"):  # a variable must stand alone
        ElementTree.SubElement(view, "Header", value=value, size="5")
    _choices(view, _LABEL, "single", {label: LABEL_NAMES_ZH[label] for label in LABELS}, required="true")
    only = {"visibleWhen": "choice-selected", "whenTagName": _LABEL, "whenChoiceValue": LABELS[0]}
    _choices(view, _CATEGORIES, "multiple", {name: CATEGORY_NAMES_ZH[name] for name in CATEGORIES}, **only)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _choices(view: ElementTree.Element, name: str, choice: str, values: dict[str, str], **more: str) -> None:
    element = ElementTree.SubElement(
        view, "Choices", {"name": name, "toName": _TEXT, "choice": choice, "showInline": "true", **more}
    )
    for value, shown in values.items():
        ElementTree.SubElement(element, "Choice", value=value, hint=shown)
