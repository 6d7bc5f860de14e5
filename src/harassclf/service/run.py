"""Start uvicorn on one address, with a readable line where that fails."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from harassclf.classifier import Classifier
from harassclf.errors import ServeError
from harassclf.service.app import create_app
from harassclf.service.file_store import private_folder
from harassclf.settings import PREFIX, from_environment


def app_from_environment() -> FastAPI:
    """The application with settings from ``HARASSCLF_*``; what each worker process runs."""
    return create_app(from_environment(os.environ))


def serve(host: str, port: int, *, workers: int, model: Path | None) -> None:
    """Serve until stopped. Raises :class:`ServeError` when the address is taken, :class:`ModelError` when the model
    is refused: both are checked before uvicorn starts."""
    if model is not None:
        os.environ[f"{PREFIX}MODEL"] = str(model.resolve())
    settings = from_environment(os.environ)
    Classifier.load(settings.model)
    _check_address(host, port)
    print(f"harassclf: http://{host}:{port}/ (documentation at /docs, stop with Ctrl+C)", file=sys.stderr)
    with ExitStack() as stack:
        if workers > 1 and settings.files_root is None:  # any worker may be asked for a table that another one took
            os.environ[f"{PREFIX}FILES_ROOT"] = str(stack.enter_context(private_folder()))
        uvicorn.run(
            "harassclf.service.run:app_from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_level=settings.log_level.lower(),
            access_log=False,  # paths and addresses of people who ask are nobody's business
        )


def _check_address(host: str, port: int) -> None:
    if not 0 <= port <= 65_535:
        raise ServeError(f"cannot listen on port {port}, expected 1 to 65535; choose another with --port")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a host name"
        raise ServeError(f"cannot listen on {host}:{port} ({reason}); choose another with --port") from None
