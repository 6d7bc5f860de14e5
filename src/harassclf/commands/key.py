"""``harassclf key``: a new API key, shown once."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from harassclf.commands import add_command


def add(commands: Any) -> None:
    """Add the command."""
    parser = add_command(commands, "key", _key, "make an API key for the service and the line for its file of keys")
    parser.add_argument("--name", default="key", metavar="NAME", help="who it is for, seen in logs (default: key)")


def _key(options: argparse.Namespace) -> int:
    from harassclf.keys import key_line, new_key

    key = new_key()
    line = key_line(options.name, key)
    print("The key, shown this once; give it to whoever asks as the header Authorization: Bearer KEY", file=sys.stderr)
    print(key)
    print("The line for the file that HARASSCLF_API_KEYS names; restart the service after adding it", file=sys.stderr)
    print(line)
    return 0
