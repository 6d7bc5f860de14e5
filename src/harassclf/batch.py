"""Tables in, tables out: every row keeps its place, memory stays bounded, and a stop loses at most one chunk.

Rows are scored in chunks and appended to ``OUTPUT.partial`` (CSV); ``OUTPUT.progress`` says after each chunk how many
rows and bytes are safe and for which input and model. ``resume`` cuts the partial file back to that point and goes on.
The output appears under its name only when it is complete.
"""

from __future__ import annotations

import csv
import gc
import io
import json
import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

from harassclf.artifact import METADATA, sha256_of
from harassclf.classifier import Classifier, Judgement
from harassclf.errors import OutputError, TableError
from harassclf.labels import CATEGORIES, LABELS
from harassclf.table_output import ENDINGS, batched, check_engine, check_target, safe_cell, write_table
from harassclf.tables import Row, TableReader, message_column, open_table

RESULT_COLUMNS = (
    "predicted_label",
    "harassment_probability",
    "predicted_categories",
    "needs_review",
    "evidence",
    "error",
    "model",
)
_CHUNK = 4_000  # rows; 0.2 to 0.4 s of scoring, so little is repeated after a stop
_LARGE = 4_000_000  # bytes; below, starting processes (0.6 s) takes longer than they save
_REMEMBERED = 25_000  # distinct texts whose results are kept for repeats; about 10 MB a process
_WORK_ENDINGS = (".partial", ".progress", ".converting", ".progress.new")

Result = tuple[str, ...]  # the cells of RESULT_COLUMNS
Progress = Callable[[int, float], None]  # rows done, share of the input read


@dataclass(slots=True)
class Summary:
    """Counts of one run."""

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    review: int = 0
    sheets_left_out: tuple[str, ...] = ()  # of a workbook: its first visible sheet is read

    def add(self, results: Sequence[Result]) -> None:
        labels, _, categories, review, _, errors, _ = zip(*results, strict=True)
        self.rows += len(results)
        self.errors += len(results) - errors.count("")
        self.labels.update(filter(None, labels))
        for together, count in Counter(filter(None, categories)).items():
            self.categories.update(dict.fromkeys(together.split(";"), count))
        self.review += review.count("true")

    def to_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "labels": {name: self.labels[name] for name in LABELS},
            "categories": dict(self.categories.most_common()),
            "errors": self.errors,
            "review": self.review,
            "sheets_left_out": list(self.sheets_left_out),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Summary:
        return cls(
            values["rows"],
            Counter(values["labels"]),
            Counter(values["categories"]),
            values["errors"],
            values["review"],
            tuple(values.get("sheets_left_out", ())),  # older state files have none
        )


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How a table is scored; ``model`` is a folder or ``None`` for the one that ships."""

    text_column: str = "text"
    encoding: str | None = None
    model: Path | None = None
    workers: int | None = None  # None: one a core for a table over _LARGE bytes, else one
    force: bool = False
    resume: bool = False


def results_of(classifier: Classifier, texts: Sequence[object]) -> list[Result]:
    """The result cells of many messages; an unusable one has only ``error`` and ``model`` filled."""
    return [
        _cells(one, classifier.model)
        if isinstance(one, Judgement)
        else ("", "", "", "", "", str(one), classifier.model)
        for one in classifier.judgements(texts)
    ]


def _cells(judgement: Judgement, model: str) -> Result:
    text, label, probabilities, review, categories, spans = judgement
    return (
        label,
        f"{probabilities[0]:.6f}",
        ";".join([CATEGORIES[i] for i, _ in categories]) if categories else "",
        "true" if review else "false",
        " | ".join([text[start:end] for start, end, _ in spans]) if spans else "",
        "",
        model,
    )


def score_table(input_path: Path, output_path: Path, options: ScoreOptions, progress: Progress) -> Summary:
    """Score ``input_path`` into ``output_path`` (CSV, TSV, Parquet or XLSX by ending; CSV without one).

    Raises :class:`OutputError` before any work when the output exists (without ``force``), is the input or cannot be
    written; :class:`TableError` for an unreadable input, after which ``resume`` goes on.
    """
    reader = open_table(input_path, encoding=options.encoding)
    column = message_column(reader, options.text_column, input_path, RESULT_COLUMNS)
    _check_output(input_path, output_path, options)
    check_engine(output_path)
    run = _Run(reader, column, input_path, output_path, options)
    summary = run.score(progress)
    if not summary.rows:
        run.discard()
        raise TableError(f"{input_path}: a header and no rows; nothing to score")
    try:
        run.finish()
    except OutputError:  # what no sheet can hold, however often it is tried
        run.discard()
        raise
    return summary


def unfinished_advice(output_path: Path) -> str:
    """What to do with the unfinished files beside ``output_path``, to go after an error; empty when there are none."""
    try:
        if not _is_ours(output_path):
            return ""
    except (OSError, ValueError):  # no such name can be: then there is nothing beside it
        return ""
    partial, state, *_ = _work_files(output_path)
    return (
        f"; what was scored so far, with its messages, is in {partial}: go on with --resume if the table is unchanged, "
        f"start anew without it, or remove {partial.name} and {state.name}"
    )


def _check_output(input_path: Path, output_path: Path, options: ScoreOptions) -> None:
    check_target(input_path, output_path, force=options.force)
    for work in _work_files(output_path):
        if work.exists() and (work.samefile(input_path) or not _is_ours(output_path)):
            raise OutputError(f"{work}: is needed for the unfinished result, but is a file of somebody else's; move it away "
                              "or choose another output")  # fmt: skip
    if len(os.fsencode(output_path.name)) + len(_WORK_ENDINGS[-1]) > 255:
        raise OutputError(f"{output_path.name[:40]}...: the name is too long")


def _work_files(output_path: Path) -> list[Path]:
    return [output_path.with_name(output_path.name + ending) for ending in _WORK_ENDINGS]


def _is_ours(output_path: Path) -> bool:
    """Whether the unfinished files beside ``output_path`` are those of an interrupted run."""
    partial, state, *_ = _work_files(output_path)
    return partial.is_file() and state.is_file() and b'"identity"' in state.read_bytes()[:100]


class _Run:
    """One scoring of one table, from its last safe point to the final file."""

    def __init__(
        self, reader: TableReader, column: int, input_path: Path, output_path: Path, options: ScoreOptions
    ) -> None:
        self._reader, self._column, self._output, self._options = reader, column, output_path, options
        large = input_path.stat().st_size > _LARGE
        self._workers = options.workers or (os.cpu_count() or 1 if large else 1)
        self._partial, self._state, self._converting, self._fresh = _work_files(output_path)
        self._classifier = Classifier.load(options.model)
        kind = ENDINGS[output_path.suffix.lower()]
        self._is_csv = kind in ("csv", "tsv")
        self._delimiter = "\t" if kind == "tsv" else ","
        self._identity = _identity(input_path, self._classifier, options)

    def score(self, progress: Progress) -> Summary:
        summary, size = self._safe_point()
        summary.sheets_left_out = self._reader.other_sheets
        if size == 0:
            self._state.unlink(missing_ok=True)  # it would speak of a file that is emptied now
        with _open_partial(self._partial, size) as file:
            if size == 0:
                _append(file, [list(map(safe_cell, self._header()))], self._delimiter, bom=True)
                self._remember(summary, file.tell())
            rows = islice(self._reader.rows(), summary.rows, None)
            for chunk, results in self._scored(batched(rows, _CHUNK)):
                _append(file, map(self._cells, chunk, results), self._delimiter)
                summary.add(results)
                self._remember(summary, file.tell())
                progress(summary.rows, self._reader.share_read())
        return summary

    def finish(self) -> None:
        """Put the complete file under its name, in one step."""
        if not self._is_csv:
            _convert(self._reader, self._partial, self._converting, self._output.suffix.lower())
            self._converting.replace(self._output)
            self._partial.unlink()
        else:
            self._partial.replace(self._output)
        self._state.unlink()

    def discard(self) -> None:
        """Remove the unfinished files."""
        for path in (self._partial, self._state, self._converting):
            path.unlink(missing_ok=True)

    def _header(self) -> list[str]:
        return [*(self._reader.columns if self._is_csv else ()), *RESULT_COLUMNS]

    def _cells(self, row: Row, result: Result) -> Sequence[str]:
        return [*map(safe_cell, row.cells), *result] if self._is_csv else result

    def _scored(self, chunks: Iterable[Sequence[Row]]) -> Iterator[tuple[Sequence[Row], list[Result]]]:
        remembered = _Remembered(self._classifier.model, ahead=2 * self._workers)
        with ExitStack() as stack:
            submit = _submitter(self._classifier, self._options.model, self._workers, stack)
            try:
                yield from remembered.score(chunks, self._column, submit)
            except BrokenProcessPool:
                raise OutputError("a worker process died, perhaps for want of memory; go on with --resume and fewer "
                                  "--workers") from None  # fmt: skip

    def _safe_point(self) -> tuple[Summary, int]:
        """Where to go on: counts and size of the partial file, or nothing."""
        if not self._options.resume or not self._state.exists() or not self._partial.exists():
            return Summary(), 0
        state = self._read_state()
        if state["identity"] != self._identity:
            raise OutputError(f"{self._state}: belongs to another input, column or model; remove it and "
                              f"{self._partial.name}, or run without --resume")  # fmt: skip
        if self._partial.stat().st_size < state["bytes"]:
            raise OutputError(
                f"{self._partial}: shorter than {self._state.name} says; remove both, or run without --resume"
            )
        return Summary.from_dict(state["summary"]), int(state["bytes"])

    def _read_state(self) -> dict[str, Any]:
        try:
            state = json.loads(self._state.read_text("utf-8"))
            return {key: state[key] for key in ("identity", "summary", "bytes")}
        except (ValueError, KeyError, TypeError):
            raise OutputError(f"{self._state}: damaged; remove it, or run without --resume") from None

    def _remember(self, summary: Summary, size: int) -> None:
        state = {"identity": self._identity, "summary": summary.to_dict(), "bytes": size}
        with self._fresh.open("w", encoding="utf-8") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        self._fresh.replace(self._state)


def _identity(input_path: Path, classifier: Classifier, options: ScoreOptions) -> dict[str, Any]:
    stat = input_path.stat()
    return {
        "input": str(input_path.resolve()),
        "size": stat.st_size,
        "modified": stat.st_mtime_ns,
        "text_column": options.text_column,
        "encoding": options.encoding,
        "model": sha256_of(classifier.folder / METADATA),
    }


def _open_partial(path: Path, size: int) -> BinaryIO:
    try:
        file = path.open("r+b" if size else "w+b")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
    file.truncate(size)
    file.seek(size)
    return file


def _append(file: BinaryIO, rows: Iterable[Sequence[str]], delimiter: str, *, bom: bool = False) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    try:
        file.write(("\ufeff" if bom else "").encode() + text.getvalue().encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"{file.name}: {error.strerror}; what is written so far is kept, make room and go on with "
                          "--resume") from None  # fmt: skip


def _safe_results(classifier: Classifier, texts: list[str]) -> list[Result]:
    """Only evidence begins as a message may; done where messages are scored, so that workers share it."""
    return [
        result if (evidence := safe_cell(result[4])) == result[4] else (*result[:4], evidence, *result[5:])
        for result in results_of(classifier, texts)
    ]


class _Remembered:
    """Scores each distinct text once; keeps the results used last."""

    def __init__(self, model: str, ahead: int) -> None:
        self._results: OrderedDict[str, Result] = OrderedDict()
        self._submitted: set[str] = set()
        self._model, self._ahead = model, ahead
        # Never less than what the chunks under way can push out while another one still needs it.
        self._limit = max(_REMEMBERED, 2 * ahead * _CHUNK)

    def score(
        self, chunks: Iterable[Sequence[Row]], column: int, submit: Callable[[list[str]], Future[list[Result]]]
    ) -> Iterator[tuple[Sequence[Row], list[Result]]]:
        waiting: list[tuple[Sequence[Row], list[str], Future[list[Result]]]] = []
        for chunk in chunks:
            new = self._new([row.cells[column] for row in chunk if not row.error])
            waiting.append((chunk, new, submit(new)))
            if len(waiting) >= self._ahead:
                yield self._collect(*waiting.pop(0), column)
        for item in waiting:
            yield self._collect(*item, column)

    def _new(self, texts: list[str]) -> list[str]:
        new = []
        for text in dict.fromkeys(texts):
            if text in self._results:
                self._results.move_to_end(text)
            elif text not in self._submitted:
                new.append(text)
        self._submitted.update(new)
        return new

    def _collect(
        self, chunk: Sequence[Row], new: list[str], future: Future[list[Result]], column: int
    ) -> tuple[Sequence[Row], list[Result]]:
        self._results.update(zip(new, future.result(), strict=True))
        self._submitted.difference_update(new)
        results = [self._result(row, column) for row in chunk]
        while len(self._results) > self._limit:
            self._results.popitem(last=False)
        return chunk, results

    def _result(self, row: Row, column: int) -> Result:
        return ("", "", "", "", "", row.error, self._model) if row.error else self._results[row.cells[column]]


_worker: Classifier  # set in each worker process by _start_worker


def _start_worker(model: Path | None) -> None:
    global _worker
    _worker = Classifier.load(model)
    _worker.classify_many(["预热"])
    gc.freeze()  # the model's half million objects need not be looked through again and again: 5% of the time


def _score_in_worker(texts: list[str]) -> list[Result]:
    return _safe_results(_worker, texts)


def _submitter(
    classifier: Classifier, model: Path | None, workers: int, stack: ExitStack
) -> Callable[[list[str]], Future[list[Result]]]:
    if workers > 1:
        classifier.let_go()  # 60 MB that only the workers' own models need
        pool = stack.enter_context(ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (model,)))
        return lambda texts: pool.submit(_score_in_worker, texts)

    def here(texts: list[str]) -> Future[list[Result]]:
        future: Future[list[Result]] = Future()
        future.set_result(_safe_results(classifier, texts))
        return future

    return here


def _convert(reader: TableReader, partial: Path, target: Path, suffix: str) -> None:
    with partial.open(encoding="utf-8-sig", newline="") as file:
        results = csv.reader(file)
        next(results)
        write_table(reader, results, RESULT_COLUMNS, target, suffix)
