"""``harassclf feedback``: what people said is wrong, listed, counted, and as tasks for review in Label Studio."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harassclf.commands import add_command
from harassclf.errors import OutputError

if TYPE_CHECKING:
    from harassclf.feedback import Record

_WHERE = "the file (default: HARASSCLF_FEEDBACK, else the one in the data folder)"


def add(commands: Any) -> None:
    """Add the command and its own commands."""
    parser = add_command(commands, "feedback", _summary, "read what people said is wrong; nothing is trained by it")
    inner = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, run, summary in (
        ("summary", _summary, "how often which label was wished instead of which"),
        ("list", _list, "one line a record, without the texts"),
    ):
        command = add_command(inner, name, run, summary)
        command.add_argument("file", type=Path, nargs="?", metavar="FILE", help=_WHERE)
        command.add_argument("--json", action="store_true", help="print as JSON")
    _add_export(inner)


def _add_export(inner: Any) -> None:
    command = add_command(inner, "export", _export, "tasks for review in Label Studio (its JSON import format)")
    command.add_argument("file", type=Path, nargs="?", metavar="FILE", help=_WHERE)
    command.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.json")
    command.add_argument(
        "--interface", type=Path, metavar="OUT.xml", help="also write the labelling interface that fits"
    )
    command.add_argument("--force", action="store_true", help="overwrite")


def _records(file: Path | None) -> list[Record]:
    """The records; damaged lines go to standard error by number. Raises
    :class:`~harassclf.feedback.FeedbackUnreadableError` when all lines are damaged: then it is another file."""
    from harassclf.feedback import FeedbackUnreadableError, read

    path = file or _default_file()
    records, damaged = read(path)
    if damaged and not records:
        raise FeedbackUnreadableError(f"{path}: none of its {len(damaged):,} lines is a feedback record; expected a file that "
                                      "harassclf wrote")  # fmt: skip
    for line in damaged:
        print(f"line {line.line}: {line.reason}; left out", file=sys.stderr)
    return records


def _default_file() -> Path:
    from harassclf.feedback import FeedbackOffError, feedback_path
    from harassclf.settings import from_environment

    found = feedback_path(from_environment(os.environ).feedback)
    if found is None:
        raise FeedbackOffError("HARASSCLF_FEEDBACK is off; name the file to read")
    return found


def _export(options: argparse.Namespace) -> int:
    from harassclf.label_studio import labelling_interface, tasks

    targets = [path for path in (options.output, options.interface) if path is not None]
    _check_targets(targets, force=options.force)
    records = _records(options.file)
    found = tasks(records)
    _write(options.output, json.dumps(found, ensure_ascii=False, indent=2) + "\n", force=options.force)
    if options.interface:
        _write(options.interface, labelling_interface(), force=options.force)
    print(f"{len(found):,} tasks; {len(records) - len(found):,} records without a text left out", file=sys.stderr)
    print(options.output)
    return 0


def _check_targets(paths: Sequence[Path], *, force: bool) -> None:
    """Refuse all before any is written."""
    if len({path.resolve() for path in paths}) < len(paths):
        raise OutputError(f"{paths[0]}: is to hold the tasks and the interface; choose two names")
    for path in paths:
        if (path.exists() or path.is_symlink()) and not force:
            raise OutputError(f"{path}: exists; choose another name or give --force")
        if path.is_dir() or not path.parent.is_dir():
            raise OutputError(f"{path}: cannot be written (a folder, or in none); choose another name")


def _write(path: Path, content: str, *, force: bool) -> None:
    """Messages are in it: readable by its owner only."""
    mode = os.O_TRUNC if force else os.O_EXCL
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | mode, 0o600)
    except FileExistsError:
        raise OutputError(f"{path}: exists; choose another name or give --force") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)


def _list(options: argparse.Namespace) -> int:
    records = _records(options.file)
    if options.json:
        shown = [{key: value for key, value in record.to_dict().items() if key != "text"} for record in records]
        print(json.dumps(shown, ensure_ascii=False, indent=2))
        return 0
    for record in records:
        kept = "text kept" if record.text is not None else "-"
        comment = "".join(c if c.isprintable() else " " for c in record.comment)
        print(
            f"{record.time}  {record.text_sha256[:12]}  {record.label} -> {_wish(record)}  {kept}  {comment}".rstrip()
        )
    return 0


def _wish(record: Record) -> str:
    return record.wished_label + (f" ({', '.join(record.wished_categories)})" if record.wished_categories else "")


def _summary(options: argparse.Namespace) -> int:
    records = _records(options.file)
    wishes = Counter((record.model, record.label, record.wished_label) for record in records)
    kept = sum(record.text is not None for record in records)
    rows = [
        {"model": m, "label": said, "wished": wished, "records": n} for (m, said, wished), n in wishes.most_common()
    ]
    if options.json:
        print(json.dumps({"records": len(records), "with_text": kept, "wishes": rows}, ensure_ascii=False, indent=2))
        return 0
    print(f"{len(records):,} records, {kept:,} with their text")
    for row in rows:
        print(f"{row['records']:>6,}  {row['label']} -> {row['wished']}  {row['model']}")
    return 0
