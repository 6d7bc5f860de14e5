"""Whether the places that the operator chose can be used; looked at before the service starts, so that no request finds
out. Nothing is created."""

from __future__ import annotations

import os
from pathlib import Path

from harassclf.errors import SettingsError
from harassclf.feedback import OFF
from harassclf.settings import PREFIX, Settings


def check_places(settings: Settings) -> None:
    """Raise :class:`SettingsError` for a ``FILES_ROOT`` or ``FEEDBACK`` that cannot be written. The default place of the
    feedback is not looked at: nobody asked for it, and its absence only turns feedback off."""
    if settings.files_root is not None:
        _check_folder(settings.files_root)
    chosen = settings.feedback.strip()
    if chosen and chosen.lower() != OFF:
        _check_feedback(Path(chosen))


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise _refusal("FILES_ROOT", folder, "is no folder", "make it, for the service's user only, or leave it unset")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _refusal("FILES_ROOT", folder, "cannot be written to", "choose another folder, or leave it unset")


def _check_feedback(path: Path) -> None:
    if reason := _unwritable(path):
        raise _refusal("FEEDBACK", path, reason, "choose another file, or off to take no feedback")


def _unwritable(path: Path) -> str:
    """Why :func:`harassclf.feedback.append` could not write ``path``; empty where it could."""
    if path.is_symlink():
        return "is a link, which is not followed"
    if path.exists() and not path.is_file():
        return "is no file"
    if path.exists():
        return "" if os.access(path, os.R_OK | os.W_OK) else "cannot be written"
    if not path.is_absolute() and not path.parent.is_dir():
        return "is in no folder that exists"
    nearest = next(
        folder for folder in path.parents if folder.exists()
    )  # those below it are made at the first feedback
    if not nearest.is_dir():
        return f"cannot be made, {nearest} is no folder"
    return "" if os.access(nearest, os.W_OK | os.X_OK) else f"cannot be made, {nearest} cannot be written to"


def _refusal(name: str, path: Path, found: str, advice: str) -> SettingsError:
    return SettingsError(f"{PREFIX}{name}: {path} {found}; {advice}")
