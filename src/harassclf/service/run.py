"""Start uvicorn on one address, with a readable line where that fails."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from fastapi import FastAPI

from harassclf.classifier import Classifier
from harassclf.errors import ServeError
from harassclf.keys import read_keys
from harassclf.service.app import create_app
from harassclf.service.file_store import private_folder
from harassclf.service.logs import log_config
from harassclf.service.metrics import MULTIPROCESS
from harassclf.service.places import check_places
from harassclf.settings import PREFIX, Settings, check_names, from_environment

# Seconds that a thread judging a batch may keep the interpreter lock while the event loop waits for it; Python's own
# 5 ms, several times a request, make /health slow under load.
_SWITCH = 0.0005


def app_from_environment() -> FastAPI:
    """The application with settings from ``HARASSCLF_*``; what each worker process runs."""
    sys.setswitchinterval(_SWITCH)
    return create_app(from_environment(os.environ))


def serve(host: str, port: int, *, workers: int, model: Path | None) -> None:
    """Serve until stopped. Raises :class:`SettingsError` for a setting that is unusable or nearly one, :class:`ServeError`
    when the address is taken, :class:`ModelError` when the model is refused: all before uvicorn starts."""
    check_names(os.environ)
    if model is not None:
        os.environ[f"{PREFIX}MODEL"] = str(model.resolve())
    settings = from_environment(os.environ)
    check_places(settings)
    Classifier.load(settings.model)
    _check_address(host, port)
    if settings.api_keys:
        read_keys(settings.api_keys)
    if sys.stderr.isatty():  # elsewhere standard error holds JSON lines only
        print(f"harassclf: http://{host}:{port}/ (documentation at /docs, stop with Ctrl+C)", file=sys.stderr)
    with ExitStack() as stack:
        if workers > 1 and settings.files_root is None:  # any worker may be asked for a table that another one took
            os.environ[f"{PREFIX}FILES_ROOT"] = str(stack.enter_context(private_folder()))
        if workers > 1 and MULTIPROCESS not in os.environ:
            os.environ[MULTIPROCESS] = stack.enter_context(TemporaryDirectory(prefix="harassclf-metrics-"))
        uvicorn.run(**_uvicorn_options(settings), host=host, port=port, workers=workers)


def _uvicorn_options(settings: Settings) -> dict[str, Any]:
    return {
        "app": "harassclf.service.run:app_from_environment",
        "factory": True,
        "http": "harassclf.service.connections:PatientProtocol",
        "ws": "none",
        "lifespan": "on",
        "log_config": log_config(settings),
        "access_log": False,  # paths and addresses of people who ask are nobody's business; we log routes
        "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "timeout_keep_alive": settings.keep_alive,
        "timeout_graceful_shutdown": settings.shutdown_timeout,
        "timeout_worker_healthcheck": 30,  # seconds; a worker deep in a batch is not dead
    }


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
