"""schemathesis against the running service, all checks: 2,000 examples per operation, or ``--examples N``."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(port: int, folder: Path) -> subprocess.Popen[bytes]:
    """The service, with whatever it writes in ``folder``."""
    settings = {
        "HARASSCLF_LOG_LEVEL": "error",
        "HARASSCLF_FEEDBACK": str(folder / "feedback.jsonl"),
        "TMPDIR": str(folder),
    }
    command = [sys.executable, "-m", "harassclf", "serve", "--port", str(port)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=folder, env={**os.environ, **settings})


def wait_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5)
            return
        time.sleep(0.1)
    raise SystemExit("fuzz_http.py: the service did not become ready")


def fuzz(port: int, examples: int, *options: str) -> subprocess.CompletedProcess[str]:
    """Run schemathesis; its work files go to a folder that is deleted."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "tests" / "schemathesis.toml")),
        *("run", f"http://127.0.0.1:{port}/openapi.json", "--checks", "all", "--max-examples", str(examples)),
        *("--no-color", "--request-timeout", "30", *options),
    ]
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument("rest", nargs="*", help="further options of schemathesis, after --")
    options = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        server = serve(port, Path(folder))
        try:
            wait_ready(port, server)
            result = fuzz(port, options.examples, *options.rest)
        finally:
            server.terminate()
            server.wait(60)
    print(result.stdout + result.stderr)
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
