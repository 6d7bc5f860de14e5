"""schemathesis against the running service, all checks: 2,000 examples per operation, or ``--examples N``.

All operations in one run; with ``--one-by-one`` each in a run of its own, its result told as soon as it is there, and last the
sequences of operations: what was tried before a stop counts (the 22 operations took 33 minutes on a quiet machine).
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
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
        hooks = {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(ROOT / "tests")}
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **hooks}
        )


def operations(port: int) -> list[str]:
    """The ids of all operations."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=30) as answer:
        paths = json.load(answer)["paths"]
    return [operation["operationId"] for methods in paths.values() for operation in methods.values()]


def runs(port: int, one_by_one: bool) -> Iterator[tuple[str, ...]]:
    """The options of each run of schemathesis."""
    if not one_by_one:
        yield ()
        return
    for name in operations(port):
        yield "--include-operation-id", name, "--phases", "examples,coverage,fuzzing"
    yield "--phases", "stateful"


def tell(run: tuple[str, ...], result: subprocess.CompletedProcess[str], seconds: float) -> None:
    """All of a run that failed or was the only one; of the others what schemathesis counted."""
    if result.returncode or not run:
        print(result.stdout + result.stderr, flush=True)
    counted = next((line.strip() for line in result.stdout.splitlines() if "generated" in line), "nothing counted")
    outcome = "FAILED" if result.returncode else "passed"
    print(f"{outcome} {' '.join(run)} ({seconds:.0f} s): {counted}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument("--one-by-one", action="store_true", help="a run of its own for each operation")
    parser.add_argument("rest", nargs="*", help="further options of schemathesis, after --")
    options = parser.parse_args()
    port, failed = free_port(), 0
    with tempfile.TemporaryDirectory() as folder:
        server = serve(port, Path(folder))
        try:
            wait_ready(port, server)
            for run in runs(port, options.one_by_one):
                begun = time.monotonic()
                result = fuzz(port, options.examples, *run, *options.rest)
                tell(run, result, time.monotonic() - begun)
                failed |= result.returncode
        finally:
            server.terminate()
            server.wait(60)
    return failed


if __name__ == "__main__":
    sys.exit(main())
