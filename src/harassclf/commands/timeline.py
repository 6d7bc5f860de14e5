"""``harassclf timeline``: a thread of contacts to flags and an evidence package."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harassclf.commands import add_command, add_model_option, report_sheets

if TYPE_CHECKING:
    from harassclf.timeline.contacts import Contact, Reading
    from harassclf.timeline.parties import Parties
    from harassclf.timeline.thread import Timeline

_ROWS = 20  # row numbers shown of one flag
_PASTED_ENDINGS = (".txt", ".text", ".md", ".log")
_DESCRIPTION = "contacts with time, direction, channel and text to rule flags and an evidence package"
_SOURCE_HELP = (
    "table (CSV, XLSX, Parquet), .json list of contacts, or copied chats (.txt, or - for standard input). Columns: time, "
    "direction, sender, recipient, recipient_role, channel, text, duration, status; Chinese names are understood"
)


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(commands, "timeline", _run, _DESCRIPTION)
    parser.add_argument("input", metavar="INPUT", help=_SOURCE_HELP)
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="evidence package (a new folder)")
    parser.add_argument("--json", action="store_true", help="print rows, flags and summary as JSON")
    parser.add_argument("--zip", action="store_true", help="also FOLDER.zip")
    parser.add_argument(
        "--no-pdf", action="store_true", help="do not print the report to PDF with an installed browser"
    )
    parser.add_argument("--mask", action="store_true", help="hide numbers and names in all that is written; the copy of "
                        "the original stays as it is")  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace FOLDER, if it is an evidence package")
    _add_reading(parser)
    _add_parties(parser)
    add_model_option(parser)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pasted", action="store_true", help="INPUT is copied text, whatever its ending")
    parser.add_argument("--encoding", metavar="NAME", help="encoding of a CSV (default: detect UTF-8 or GB18030)")
    parser.add_argument("--timezone", default="Asia/Shanghai", metavar="ZONE", help="IANA time zone of the person "
                        "reached: times without an offset, hours and days (default: Asia/Shanghai)")  # fmt: skip
    parser.add_argument("--exported-by", choices=("recipient", "collector"), default="recipient", help="whose view the "
                        "directions are: in = received by the recipient (default) or by the collector")  # fmt: skip


def _add_parties(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--debtor", action="append", default=[], metavar="NAME", help="name or number of the debtor "
                        "(repeat for more); other recipients are third persons")  # fmt: skip
    parser.add_argument("--guarantor", action="append", default=[], metavar="NAME", help="guarantor or co-borrower: no "
                        "third person")  # fmt: skip
    parser.add_argument("--collector", action="append", default=[], metavar="NAME", help="name or number of a collector; "
                        "then only what they sent counts (default: all that was received)")  # fmt: skip
    parser.add_argument("--owner-role", choices=("debtor", "guarantor", "third_party"), default="", help="who the owner "
                        "of the telephone is, where a recipient is blank or 我")  # fmt: skip


def _run(options: argparse.Namespace) -> int:
    from harassclf.errors import OutputError

    if options.output is None and not options.json:
        raise OutputError("no output; give a folder with -o FOLDER, or --json to print the result")
    source = None if options.input == "-" else Path(options.input)
    if options.output is not None:
        from harassclf.timeline.package import check_target

        check_target(options.output, source, force=options.force, zipped=options.zip)
    original = _original(source)
    timeline = _judge(_contacts(options, source, original), options)
    _check_unchanged(source, original)
    if options.output is not None:
        _write(options, timeline, original, source)
    _report(options, timeline)
    return 0


def _original(source: Path | None) -> bytes:
    from harassclf.errors import TableError

    if source is None:
        return sys.stdin.buffer.read()
    try:
        return source.read_bytes()
    except IsADirectoryError:
        raise TableError(f"{source}: is a directory, expected a table or copied text") from None
    except OSError as error:
        raise TableError(f"{str(source)[:60]}: cannot be read ({error.strerror})") from None


def _check_unchanged(source: Path | None, original: bytes) -> None:
    from harassclf.errors import OutputError

    if source is not None and source.read_bytes() != original:
        raise OutputError(f"{source}: changed while it was read; run again when nothing writes to it")


def _contacts(options: argparse.Namespace, source: Path | None, original: bytes) -> list[Contact]:
    from harassclf.timeline.contacts import Reading, contacts_of, read_contacts

    reading: Reading = Reading(options.timezone, options.exported_by, tuple(options.debtor))
    if source is not None and not options.pasted and source.suffix.lower() not in _PASTED_ENDINGS:
        contacts = read_contacts(source, reading, encoding=options.encoding)
        _report_sheets(source)
        return contacts
    return contacts_of(_pasted(original, source, options.encoding), reading)


def _report_sheets(source: Path) -> None:
    if source.suffix.lower() in (".xlsx", ".xlsm"):  # a long CSV is not read once more for its encoding
        from harassclf.tables import open_table

        report_sheets(open_table(source).other_sheets)


def _pasted(original: bytes, source: Path | None, encoding: str | None) -> list[dict[str, str]]:
    from harassclf.errors import TableError
    from harassclf.text_encoding import decoded, decoded_as
    from harassclf.timeline.pasted import NO_TIME, has_a_time, parse_pasted

    name = source or "standard input"
    text = decoded_as(original, encoding, name) if encoding else decoded(original)
    if text is None:
        raise TableError(f"{name}: neither UTF-8 nor GB18030; give its encoding with --encoding")
    if has_a_time(records := parse_pasted(text)):
        return records
    raise TableError(f"{name}: {NO_TIME}")


def _judge(contacts: list[Contact], options: argparse.Namespace) -> Timeline:
    from harassclf.classifier import Classifier
    from harassclf.timeline.parties import Parties
    from harassclf.timeline.thread import build_timeline

    parties: Parties = Parties(
        tuple(options.debtor), tuple(options.guarantor), tuple(options.collector), options.owner_role
    )
    return build_timeline(contacts, Classifier.load(options.model), parties, options.timezone)


def _write(options: argparse.Namespace, timeline: Timeline, original: bytes, source: Path | None) -> None:
    import os

    from harassclf.timeline.package import check_target, made_at, package_files, write_package

    at = made_at(os.environ)
    name = source.name if source else "粘贴文本.txt"
    previous = signal.signal(signal.SIGTERM, _stop)  # so that what is half written goes, as after Ctrl+C
    try:
        files, no_pdf = package_files(timeline, original, name, masked=options.mask, at=at, pdf=not options.no_pdf)
        check_target(options.output, source, force=options.force, zipped=options.zip)
        write_package(files, options.output, at, zipped=options.zip)
    finally:
        signal.signal(signal.SIGTERM, previous)
    if no_pdf and not options.no_pdf:
        print(f"PDF: {no_pdf}", file=sys.stderr)


def _shown(rows: tuple[int, ...]) -> str:
    more = f" and {len(rows) - _ROWS:,} more" if len(rows) > _ROWS else ""
    return ", ".join(map(str, rows[:_ROWS])) + more


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _report(options: argparse.Namespace, timeline: Timeline) -> None:
    import json

    from harassclf.timeline.package import zip_path
    from harassclf.timeline.thread import summary

    counts = summary(timeline)
    labels = ", ".join(f"{name} {count:,}" for name, count in counts["labels"].items())
    print(f"{counts['contacts']:,} contacts, {counts['errors']:,} unusable; {labels}; {len(timeline.flags):,} flags",
          file=sys.stderr)  # fmt: skip
    for flag in timeline.flags:
        print(f"- {flag.name_zh}{f' {flag.date}' if flag.date else ''}: rows {_shown(flag.rows)}",
              file=sys.stderr)  # fmt: skip
    if options.json:
        print(json.dumps(timeline.to_dict(), ensure_ascii=False, indent=2))
    if options.output is not None and not options.json:
        print(options.output)
        if options.zip:
            print(zip_path(options.output))
