"""API keys and the file of their hashes: a line a key, its name and the SHA-256 of the key in hexadecimal digits."""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from pathlib import Path

from harassclf.errors import SettingsError

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_PREFIX = "hclf_"  # so that scanners for leaked secrets, and people, see what it is


def new_key() -> str:
    """A key of 32 random bytes."""
    return _PREFIX + secrets.token_urlsafe(32)


def key_line(name: str, key: str) -> str:
    """The line for the file. Raises :class:`SettingsError` for a name that does not fit there."""
    if not _NAME.fullmatch(name):
        raise SettingsError("name: expected 1 to 64 letters, digits, dots, dashes or underscores, such as office-2")
    return f"{name} {sha256(key.encode()).hexdigest()}"


def read_keys(path: Path) -> dict[bytes, str]:
    """Names by the digest of their keys. Raises :class:`SettingsError` for a file that cannot be used; its lines are not
    repeated, for somebody may have put a key itself there."""
    keys: dict[bytes, str] = {}
    for number, line in enumerate(_lines(path), 1):
        content = line.partition("#")[0].split()
        if not content:
            continue
        if len(content) != 2 or not _NAME.fullmatch(content[0]) or not _HASH.fullmatch(content[1]):
            raise SettingsError(f"{path}: line {number} is no name and hash; put in what harassclf key prints")
        keys[bytes.fromhex(content[1])] = content[0]
    if not keys:
        raise SettingsError(f"{path}: holds no key, so nobody could ask; make one with harassclf key")
    return keys


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").splitlines()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); expected the file of API keys") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not text; expected the file of API keys") from None
