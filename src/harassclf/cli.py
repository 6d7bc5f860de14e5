"""The command line. Heavy imports stay inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from harassclf import __version__
from harassclf.commands import (
    add_command,
    add_model_option,
    compare,
    drift,
    feedback,
    key,
    message_text,
    precheck,
    report_sheets,
    timeline,
)
from harassclf.errors import CorpusError, HarassclfError, TableError
from harassclf.labels import CATEGORY_NAMES_ZH, COLLECTION, LABEL_NAMES_ZH, OTHER

if TYPE_CHECKING:
    from harassclf.batch import ScoreOptions, Summary
    from harassclf.classifier import Prediction
    from harassclf.corpus import Problem
    from harassclf.evaluation import Evaluation, LabelScore

_QUIET_SECONDS = 10.0  # between progress lines where standard error is not a terminal


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (0 done, 2 wrong use or unusable input, 1 anything else)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a terminal that cannot show Chinese gets escapes, not a crash
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except HarassclfError as error:
        print(f"harassclf: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:  # the reader of our output went away: harassclf classify ... | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("harassclf: stopped", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"harassclf: {error.filename or 'input/output'}: {error.strerror or error}", file=sys.stderr)
        return 1


class _Parser(argparse.ArgumentParser):
    """Wrong use in one line. Words that fit nowhere are not repeated: they are often the rest of a message."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments"):
            message = "more arguments than expected; put the message in quotes, and -- before one that begins with -"
        elif "TEXT" in message:
            message += "; put -- before a message that begins with -"
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="harassclf", description="Detect debt-collection harassment (催收骚扰) in Chinese messages.")
    parser.add_argument("--version", action="version", version=f"harassclf {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (
        _add_classify,
        _add_score,
        _add_serve,
        _add_train,
        _add_evaluate,
        _add_check_data,
        compare.add,
        key.add,
        precheck.add,
        drift.add,
        feedback.add,
        timeline.add,
    ):
        add(commands)
    return parser


def _add_classify(commands: Any) -> None:
    parser = add_command(commands, "classify", _classify, "judge one message")
    parser.add_argument("text", metavar="TEXT", help="the message, or - to read standard input")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_model_option(parser)


def _add_score(commands: Any) -> None:
    parser = add_command(commands, "score", _score, "score a table (CSV, TSV, Parquet or XLSX by file ending)")
    parser.add_argument("input", type=Path, metavar="INPUT")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUTPUT")
    parser.add_argument("--text-column", default="text", metavar="NAME", help="column of the message (default: text)")
    parser.add_argument("--encoding", metavar="NAME", help="encoding of a CSV (default: detect UTF-8 or GB18030)")
    parser.add_argument(
        "--workers", type=_positive, metavar="N", help="processes (default: one a core for large tables)"
    )
    parser.add_argument("--resume", action="store_true", help="go on where an interrupted run of the same stopped")
    parser.add_argument("--force", action="store_true", help="overwrite OUTPUT")
    add_model_option(parser)


def _add_serve(commands: Any) -> None:
    parser = add_command(commands, "serve", _serve, "run the HTTP service")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port (default: 8000)")
    parser.add_argument("--workers", type=_positive, default=1, metavar="N", help="processes (default: 1)")
    add_model_option(parser)


def _add_train(commands: Any) -> None:
    parser = add_command(commands, "train", _train, "train a model folder from the corpus")
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER", help="corpus (default: data)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="model folder (default: models/harassclf-zh)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the voice folds")


def _add_evaluate(commands: Any) -> None:
    parser = add_command(
        commands, "evaluate", _evaluate, "metrics of a labelled table (text, label, optional categories)"
    )
    parser.add_argument("table", type=Path, metavar="TABLE")
    parser.add_argument("--json", action="store_true", help="print the metrics as JSON")
    parser.add_argument("--encoding", metavar="NAME")
    add_model_option(parser)


def _add_check_data(commands: Any) -> None:
    parser = add_command(
        commands, "check-data", _check_data, "prove the rules of the corpus; print its counts and kappa"
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data"), metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")


def _positive(value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError("expected a whole number, 1 or more")
    return int(value)


def _classify(options: argparse.Namespace) -> int:
    from harassclf.classifier import Classifier

    text = message_text(options.text)
    prediction = Classifier.load(options.model).classify(text)
    if options.json:
        print(json.dumps(prediction.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(render(prediction, text, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    return 0


def render(prediction: Prediction, text: str, *, colour: bool) -> str:
    """A verdict for a terminal: label, probabilities, categories with their law, the message with its evidence marked
    (colour where the terminal has it, else 【】)."""
    name = LABEL_NAMES_ZH[prediction.label]
    lines = [f"{name} ({prediction.label})" + ("  需要人工复核" if prediction.needs_review else "")]
    lines.append("  ".join(f"{LABEL_NAMES_ZH[k]} {v:.1%}" for k, v in prediction.probabilities.items()))
    for category in prediction.categories:
        lines.append(f"- {category.name_zh} {category.probability:.0%}")
        lines += [f"    {card.summary}（{card.law} {card.article}，{card.in_force}）" for card in category.legal_basis]
    lines += ["", _marked(prediction, text, ("\x1b[1;33m", "\x1b[0m") if colour else ("【", "】"))]
    return "\n".join([*lines, "", f"{prediction.model}；仅供参考，不构成法律意见"])


def _marked(prediction: Prediction, text: str, marks: tuple[str, str]) -> str:
    shown = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)  # no escape of the sender's
    pieces, position = [], 0
    for span in sorted(prediction.evidence, key=lambda span: span.start):
        pieces += [shown[position : span.start], marks[0], shown[span.start : span.end], marks[1]]
        position = span.end
    return "".join([*pieces, shown[position:]])


def _score(options: argparse.Namespace) -> int:
    from harassclf.batch import score_table, unfinished_advice

    chosen, started = _score_options(options), time.monotonic()
    try:
        with _ProgressBar() as bar:
            summary = score_table(options.input, options.output, chosen, bar.update)
    except TableError as error:
        raise TableError(f"{error}{unfinished_advice(options.output)}") from None
    _report_scored(summary, time.monotonic() - started)
    print(options.output)
    return 0


def _score_options(options: argparse.Namespace) -> ScoreOptions:
    from harassclf.batch import ScoreOptions

    return ScoreOptions(
        text_column=options.text_column,
        encoding=options.encoding,
        model=options.model,
        workers=options.workers,
        force=options.force,
        resume=options.resume,
    )


def _report_scored(summary: Summary, seconds: float) -> None:
    counts = ", ".join(f"{name} {count:,}" for name, count in summary.to_dict()["labels"].items())
    print(f"{summary.rows:,} rows in {seconds:.1f} s: {counts}; need review {summary.review:,}; errors {summary.errors:,}",
          file=sys.stderr)  # fmt: skip
    if summary.categories:
        print("; ".join(f"{CATEGORY_NAMES_ZH[k]} {v:,}" for k, v in summary.categories.most_common()), file=sys.stderr)
    report_sheets(summary.sheets_left_out)


class _ProgressBar:
    """A tqdm bar with rate and remaining time on a terminal, a quiet line every ten seconds elsewhere."""

    def __enter__(self) -> _ProgressBar:
        self._started = self._spoken = time.monotonic()
        self._bar: Any = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=1.0, bar_format="{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, rows: int, share: float) -> None:
        now = time.monotonic()
        rate = rows / max(now - self._started, 1e-9)
        if self._bar is not None:
            self._bar.set_postfix_str(f"{rows:,} rows, {rate:,.0f}/s", refresh=False)
            self._bar.update(share - self._bar.n)
        elif now - self._spoken >= _QUIET_SECONDS:
            self._spoken = now
            print(f"{rows:,} rows ({share:.0%}), {rate:,.0f} a second", file=sys.stderr, flush=True)


def _serve(options: argparse.Namespace) -> int:
    from harassclf.service.run import serve

    serve(options.host, options.port, workers=options.workers, model=options.model)
    return 0


def _train(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from harassclf.classifier import DEFAULT_MODEL
    from harassclf.corpus import check_corpus, read_corpus
    from harassclf.training import TrainingConfig, train

    config = TrainingConfig() if options.seed is None else replace(TrainingConfig(), seed=options.seed)
    folder = options.output or Path("models") / DEFAULT_MODEL
    corpus = read_corpus(options.data)
    _refuse(options.data, check_corpus(corpus))
    model = train(corpus, folder, config, lambda line: print(line, file=sys.stderr, flush=True))
    for name, result in (("held-out voices", model.held_out), ("reserved voices", model.reserved)):
        if result is not None:
            print(f"== {name}\n{render_evaluation(result)}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from harassclf.classifier import Classifier
    from harassclf.labelled import evaluate_classifier, read_labelled

    table = read_labelled(options.table, encoding=options.encoding)
    result = evaluate_classifier(Classifier.load(options.model), table)
    report_sheets(table.sheets_left_out)
    print(json.dumps(result.to_dict(), ensure_ascii=False, indent=2) if options.json else render_evaluation(result))
    return 0


def render_evaluation(result: Evaluation) -> str:
    """Metrics for a terminal; ``-`` where there is nothing to take a share of."""
    flagged = [
        f"{share:.1%}" if result.labels[label].support else "-"
        for label, share in ((COLLECTION, result.collection_flagged), (OTHER, result.other_flagged))
    ]
    lines = [
        f"messages {result.messages:,}  accuracy {result.accuracy:.3f}  macro-F1 {result.macro_f1:.3f}",
        f"expected calibration error {result.expected_calibration_error:.3f}  need review {result.review_share:.1%}",
        f"called harassment: {flagged[0]} of collection, {flagged[1]} of other",
    ]
    if result.category_macro_f1 is not None:
        lines.append(f"category macro-F1 over harassment messages {result.category_macro_f1:.3f}")
    lines.append(f"{'':<14}{'precision':>10}{'recall':>10}{'F1':>10}{'messages':>10}")
    lines += [_score_line(name, score) for name, score in (*result.labels.items(), *result.categories.items())]
    return "\n".join(lines)


def _score_line(name: str, score: LabelScore) -> str:
    rates = ((score.precision, score.given), (score.recall, score.support), (score.f1, score.given + score.support))
    shown = "".join(f"{value:>10.3f}" if of else f"{'-':>10}" for value, of in rates)
    return f"{name:<14}{shown}{score.support:>10,}"


def _check_data(options: argparse.Namespace) -> int:
    from harassclf.corpus import check_corpus, read_corpus, read_readings
    from harassclf.data_card import counts, render_counts

    corpus = read_corpus(options.folder)
    _refuse(options.folder, check_corpus(corpus))
    found = counts(corpus, read_readings(options.folder))
    print(json.dumps(found, ensure_ascii=False, indent=2) if options.json else render_counts(found))
    return 0


def _refuse(folder: Path, problems: Sequence[Problem]) -> None:
    for problem in problems[:50]:
        print(f"{problem.message}: {problem.rule}", file=sys.stderr)
    if problems:
        raise CorpusError(f"{folder}: {len(problems)} problems; mend or drop the messages named above")
