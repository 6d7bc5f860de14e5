"""Commands of the command line that live apart from :mod:`harassclf.cli`; each module has one ``add``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harassclf.errors import InputError
from harassclf.text_encoding import decoded

_SHEETS_NAMED = 5


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    """A sub-command that runs ``run`` and returns its exit status."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(command=run)
    return parser


def add_model_option(parser: argparse.ArgumentParser) -> None:
    """``--model FOLDER``."""
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="model folder (default: the one that ships)")


def report_sheets(left_out: Sequence[str], whose: str = "") -> None:
    """Say on standard error which sheets of a workbook were not read; nothing when there are none."""
    if left_out:
        names = ", ".join(left_out[:_SHEETS_NAMED]) + ", ..." * (len(left_out) > _SHEETS_NAMED)
        print(f"{whose}only the first visible sheet was read; left out: {names}", file=sys.stderr)


def message_text(argument: str) -> str:
    """The message that TEXT gives: itself, or standard input for ``-``. Raises :class:`InputError` for bytes that are
    neither UTF-8 nor GB18030."""
    if argument != "-":
        return argument
    text = decoded(sys.stdin.buffer.read())
    if text is None:
        raise InputError("standard input: neither UTF-8 nor GB18030; convert it first, for example with iconv")
    return text.removesuffix("\n").removesuffix("\r")
