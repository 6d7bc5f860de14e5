"""The public face: :class:`Classifier` gives a :class:`Prediction` whose :class:`Evidence` points at the raw text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from harassclf import artifact
from harassclf.bulk import BulkScorer, ScoredChunk
from harassclf.decision import Thresholds, expit, expit_of_one, softmax, softmax_of_one
from harassclf.drift import known_words
from harassclf.errors import (
    InputError,
    LabelError,
    ModelError,
    TextEmptyError,
    TextEncodingError,
    TextTooLongError,
    TextTypeError,
)
from harassclf.evidence import MAX_SPANS, SPAN_SHARE
from harassclf.kernel import KernelChunk, KernelScorer
from harassclf.kernel_library import load_library, return_free_memory
from harassclf.labels import CATEGORIES, CATEGORY_NAMES_ZH, COLLECTION, HARASSMENT, LABELS, OTHER
from harassclf.legal import LawCard, law_cards
from harassclf.passages import LONG_TEXT, lowered, margin_of, passages
from harassclf.scorer import Contribution, Scorer
from harassclf.segment import Segmenter, default_cut, fingerprint
from harassclf.settings import MAX_TEXT
from harassclf.weights import check_blocks

DEFAULT_MODEL = "harassclf-zh"
# Evidence is shown for a finding, not for "other": nothing needs pointing at in everyday talk, nine messages in ten of a
# real export, and leaving it out halved the time of a table of such messages.
_EVIDENCE_COLUMN = {HARASSMENT: LABELS.index(HARASSMENT), COLLECTION: LABELS.index(COLLECTION), OTHER: -1}
_HARASSMENT_COLUMN = _EVIDENCE_COLUMN[HARASSMENT]
_EDGES = " \t\n\r，。！？、；：,.!?;:"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Category:
    """A prohibited means found in a harassing message."""

    name: str
    name_zh: str
    probability: float
    legal_basis: tuple[LawCard, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of the raw message that speaks for its label: ``text == raw[start:end]``, code points.

    ``weight`` is the part of the label's decision value that rests on these characters.
    """

    start: int
    end: int
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The verdict on one message; its fields are those of an answer over HTTP."""

    label: str
    probabilities: dict[str, float]
    needs_review: bool
    categories: tuple[Category, ...]
    evidence: tuple[Evidence, ...]
    model: str

    def to_dict(self) -> dict[str, Any]:
        """The same as plain dicts and lists, ready for JSON."""
        # Written out: dataclasses.asdict copies deeply, 95 µs of a 250 µs answer.
        return {
            "label": self.label,
            "probabilities": dict(self.probabilities),
            "needs_review": self.needs_review,
            "categories": [_category_dict(category) for category in self.categories],
            "evidence": [
                {"start": span.start, "end": span.end, "text": span.text, "weight": span.weight}
                for span in self.evidence
            ],
            "model": self.model,
        }


def _category_dict(category: Category) -> dict[str, Any]:
    return {
        "name": category.name,
        "name_zh": category.name_zh,
        "probability": category.probability,
        "legal_basis": [
            {"law": card.law, "article": card.article, "in_force": card.in_force, "summary": card.summary}
            for card in category.legal_basis
        ],
    }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a message got its decision value for ``label``: ``intercept`` plus all contributions give it exactly. A label's intercept
    differs from message to message, with the subclasses that it is like (:mod:`harassclf.subclasses`)."""

    label: str
    decision_value: float
    intercept: float
    contributions: tuple[Contribution, ...]


class Judgement(NamedTuple):
    """A verdict before it is wrapped for readers: a table of millions of rows needs no objects for each of them.

    ``probabilities`` has one number a label, ``categories`` the indices and probabilities of those chosen, most probable
    first, ``spans`` start, end and weight of the evidence, strongest first.
    """

    text: str
    label: str
    probabilities: list[float]
    needs_review: bool
    categories: list[tuple[int, float]]
    spans: list[tuple[int, int, float]]


def check_text(text: object) -> str:
    """Return ``text`` if it can be judged, else raise an :class:`~harassclf.errors.InputError` saying why."""
    if not isinstance(text, str):
        raise TextTypeError(f"text: expected a string, found {type(text).__name__}")
    if len(text) > MAX_TEXT:
        raise TextTooLongError(f"text: {len(text):,} characters, the limit is {MAX_TEXT:,}; send the message alone")
    if not text or text.isspace():
        raise TextEmptyError("text: empty or blank; expected the message to judge")
    if _SURROGATE.search(text):
        raise TextEncodingError("text: holds lone surrogates, so it was decoded wrongly; decode it as UTF-8 or GB18030")
    return text


def _refusal(text: object) -> InputError | None:
    try:
        check_text(text)
    except InputError as error:
        return error
    return None


def default_model_folder() -> Path:
    """The model that ships: inside an installed package, or ``models/`` of a checkout."""
    packaged = Path(str(resources.files("harassclf"))) / "models" / DEFAULT_MODEL
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "models" / DEFAULT_MODEL


class Classifier:
    """Judges Chinese messages. Make one with :meth:`load`; safe to share between threads."""

    def __init__(self, model: artifact.Artifact, segmenter: Segmenter) -> None:
        check_blocks(model)
        self._arrays: artifact.Artifact | None = model
        self._segmenter = segmenter
        self._folder, self._metadata, self._model = model.folder, model.metadata, model.model_id
        self._thresholds = Thresholds.from_dict(model.metadata["thresholds"])

    @classmethod
    def load(cls, path: str | Path | None = None) -> Classifier:
        """Load the model that ships, or the model folder at ``path``.

        Raises :class:`~harassclf.errors.ModelError` for a folder that is damaged, tampered with, of another format,
        or trained with another word segmenter.
        """
        folder = Path(path) if path is not None else default_model_folder()
        cut = default_cut()
        return cls(artifact.read(folder, fingerprint=fingerprint(cut)), Segmenter(cut))

    def _artifact(self) -> artifact.Artifact:
        """The model's arrays, read again once the kernel has its own copy: 60 MB a process that only explanations need."""
        arrays = self._arrays
        if arrays is None:
            arrays = artifact.read(self._folder)
            if arrays.metadata != self._metadata:
                raise ModelError(f"{self._folder}: is another model than when it was loaded; load it again")
        return arrays

    def let_go(self) -> None:
        """Give the model's arrays back to memory, for a process that lets others score; they are read again when needed."""
        self._arrays = None

    @cached_property
    def _kernel(self) -> KernelScorer | None:
        library = load_library()
        if library is None:
            return None
        scorer = KernelScorer(self._artifact(), self._segmenter, library)
        self.let_go()
        return_free_memory()
        return scorer

    @cached_property
    def _scorer(self) -> Scorer:  # explains, and scores one message where there is no kernel
        return Scorer(self._artifact(), self._segmenter)

    @cached_property
    def _bulk(self) -> BulkScorer | KernelScorer:  # 0.1 s to build, which one message need not wait for
        return self._kernel or BulkScorer(self._artifact(), self._segmenter)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the column order of :meth:`predict_proba`."""
        return LABELS

    @property
    def metadata(self) -> dict[str, Any]:
        """What ``metadata.json`` of the model folder says."""
        return dict(self._metadata)

    @property
    def thresholds(self) -> Thresholds:
        """The operating point stored with the model."""
        return self._thresholds

    @property
    def words(self) -> frozenset[str]:
        """The words that the model knows: jieba's, folded as :func:`harassclf.features.fold` does."""
        return known_words(self._artifact().vocabulary["words"].split())

    @property
    def folder(self) -> Path:
        """The model folder."""
        return self._folder

    @property
    def model(self) -> str:
        """Name and version of the model."""
        return self._model

    def classify(self, text: str) -> Prediction:
        """Judge one message of 1 to 10,000 characters; a long text by its strongest passages, too (``passages``).

        Raises :class:`~harassclf.errors.InputError` for what is not a message.
        """
        return self._prediction(self._judgement(check_text(text)))

    def _judgement(self, text: str) -> Judgement:
        scored = (self._kernel or self._scorer).score(text)
        probabilities = softmax_of_one(scored.labels)
        label = self._thresholds.label(probabilities)
        column = _EVIDENCE_COLUMN[label]
        spans = _shown(text, scored.spans(column)) if column >= 0 else []
        categories: list[tuple[int, float]] = []
        if label == HARASSMENT:
            of_each = expit_of_one(scored.categories)
            categories = [(i, of_each[i]) for i in self._thresholds.chosen_categories(of_each)]
        review = self._thresholds.needs_review(probabilities[0])
        whole = Judgement(text, label, probabilities, review, categories, spans)
        return self._by_passages(whole, scored.spans(_HARASSMENT_COLUMN)) if _may_drown_harassment(whole) else whole

    def _by_passages(self, whole: Judgement, spans: Sequence[tuple[int, int, float]]) -> Judgement:
        """The verdict on a long text that is no harassment as a whole: that of its surest passage where it is sure enough."""
        found = [(start, self._judgement(whole.text[start:end])) for start, end in passages(whole.text, spans)]
        if not found:
            return whole
        start, surest = max(found, key=lambda one: one[1].probabilities[0])
        probabilities = lowered(surest.probabilities, margin_of(len(whole.text)))
        if self._thresholds.label(probabilities) != HARASSMENT:
            return whole
        return surest._replace(
            text=whole.text,
            probabilities=probabilities,
            needs_review=self._thresholds.needs_review(probabilities[0]),
            spans=[(start + first, start + last, weight) for first, last, weight in surest.spans],
        )

    def classify_many(self, texts: Iterable[str]) -> list[Prediction]:
        """Judge many messages: same order, same length."""
        return [self._prediction(judgement) for judgement in self._judged([check_text(text) for text in _many(texts)])]

    def judge_many(self, texts: Sequence[object]) -> list[Prediction | InputError]:
        """Judge what may not all be messages: at the place of each unusable one stands its error."""
        return [self._prediction(one) if isinstance(one, Judgement) else one for one in self.judgements(texts)]

    def judgements(self, texts: Sequence[object]) -> list[Judgement | InputError]:
        """The same, unwrapped: for tables."""
        results: list[Any] = [_refusal(text) for text in texts]
        usable = [i for i, error in enumerate(results) if error is None]
        for i, judgement in zip(usable, self._judged([str(texts[i]) for i in usable]), strict=True):
            results[i] = judgement
        return results

    def _judged(self, texts: list[str]) -> Iterator[Judgement]:
        start = 0
        for chunk in self._bulk.chunks(texts):
            yield from self._judgements(texts[start : start + chunk.messages], chunk)
            start += chunk.messages

    def _judgements(self, texts: list[str], chunk: ScoredChunk | KernelChunk) -> Iterator[Judgement]:
        probabilities = softmax(chunk.labels)
        rows = probabilities.tolist()
        labels = list(map(self._thresholds.label, rows))
        harassment = np.array([label == HARASSMENT for label in labels])
        of_each = expit(chunk.categories(harassment))
        categories = iter(self._thresholds.chosen_of_many(of_each))
        spans = chunk.spans(np.array([_EVIDENCE_COLUMN[label] for label in labels]), SPAN_SHARE)
        whole = []
        for text, label, row, found in zip(texts, labels, rows, spans, strict=True):
            chosen = next(categories) if label == HARASSMENT else []
            whole.append(
                Judgement(text, label, row, self._thresholds.needs_review(row[0]), chosen, _shown(text, found))
            )
        yield from self._long_ones_again(whole, chunk)

    def _long_ones_again(self, whole: list[Judgement], chunk: ScoredChunk | KernelChunk) -> Iterator[Judgement]:
        again = np.array([_may_drown_harassment(one) for one in whole])
        if not again.any():
            return iter(whole)
        spans = chunk.spans(np.where(again, _HARASSMENT_COLUMN, -1), SPAN_SHARE)
        return (
            self._by_passages(one, found) if look else one
            for one, found, look in zip(whole, spans, again.tolist(), strict=True)
        )

    def predict_proba(self, texts: Iterable[str]) -> np.ndarray:
        """Calibrated probabilities, shape ``(n, 3)``, columns as :attr:`labels`; those of the verdict, for long texts, too."""
        checked = [check_text(text) for text in _many(texts)]
        long = np.array([len(text) > LONG_TEXT for text in checked], dtype=bool)
        out = np.empty((len(checked), len(LABELS)))
        out[~long] = softmax(
            self._bulk.decisions([text for text in checked if len(text) <= LONG_TEXT], categories=False)
        )
        of_long = [
            judgement.probabilities for judgement in self._judged([text for text in checked if len(text) > LONG_TEXT])
        ]
        out[long] = np.reshape(of_long, (-1, len(LABELS)))
        return out

    def decision_function(self, texts: Iterable[str]) -> np.ndarray:
        """Decision values of labels then categories, shape ``(n, 3 + 7)``: the model's, of each text as a whole."""
        return self._bulk.decisions([check_text(text) for text in _many(texts)])

    def explain(self, text: str, label: str = HARASSMENT) -> Explanation:
        """Every term's share in the decision value of ``label``, one of the labels or categories, of the text as a whole.

        Raises :class:`~harassclf.errors.LabelError` for another label, :class:`~harassclf.errors.InputError` for what is
        not a message.
        """
        names = (*LABELS, *CATEGORIES)
        if label not in names:  # not repeated: it may be the message, given in the wrong place
            raise LabelError(f"label: unknown, expected one of {', '.join(names)}")
        column = names.index(label)
        scored = self._scorer.score(check_text(text))
        contributions = tuple(scored.contributions(column))
        return Explanation(label, float(scored.decision[column]), scored.intercept(column), contributions)

    def _prediction(self, judgement: Judgement) -> Prediction:
        text = judgement.text
        return Prediction(
            label=judgement.label,
            probabilities=dict(zip(LABELS, judgement.probabilities, strict=True)),
            needs_review=judgement.needs_review,
            categories=_categories(judgement.categories) if judgement.categories else (),
            evidence=tuple([Evidence(start, end, text[start:end], weight) for start, end, weight in judgement.spans]),
            model=self._model,
        )


def _categories(chosen: list[tuple[int, float]]) -> tuple[Category, ...]:
    cards = law_cards()
    return tuple(
        Category(CATEGORIES[i], CATEGORY_NAMES_ZH[CATEGORIES[i]], probability, cards[CATEGORIES[i]])
        for i, probability in chosen
    )


def _may_drown_harassment(whole: Judgement) -> bool:
    """Whether a text is so long that its passages are judged, too: a sum over all of it has found no harassment."""
    return len(whole.text) > LONG_TEXT and whole.label != HARASSMENT


def _shown(text: str, spans: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """The strongest spans of the raw text, strongest first; those that mark nothing but blanks are left out."""
    shown = [span for span in spans if span[2] > 0 and not text[span[0] : span[1]].isspace()]
    if len(shown) > 1:
        # Rounded: equal weights summed in another order differ in the last bits, and would change places.
        shown.sort(key=lambda span: (-round(span[2], 9), span[0]))
        del shown[MAX_SPANS:]
    return [_trimmed(text, *span) if text[span[0]] in _EDGES or text[span[1] - 1] in _EDGES else span for span in shown]


def _trimmed(text: str, start: int, end: int, weight: float) -> tuple[int, int, float]:
    """The span without the blanks and phrase marks at its edges, which pairs and triples of sounds bring along; as it is
    where it has nothing else."""
    marked = text[start:end]
    inner = marked.strip(_EDGES)
    if not inner:
        return start, end, weight
    start += len(marked) - len(marked.lstrip(_EDGES))
    return start, start + len(inner), weight


def _many(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):
        raise TextTypeError("texts: expected a list of strings, found one string; use classify() for one message")
    return list(texts)
