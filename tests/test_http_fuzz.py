"""schemathesis against the running service, all checks, a few examples of each operation; ``benchmarks/fuzz_http.py`` runs
2,000."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("schemathesis")


def test_nothing_the_schema_allows_or_forbids_breaks_the_service(root: Path) -> None:
    command = [sys.executable, str(root / "benchmarks" / "fuzz_http.py"), "--examples", "10"]
    result = subprocess.run(
        [*command, "--", "--seed", "5", "--phases", "examples,coverage,fuzzing"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr
