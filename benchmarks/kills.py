"""`harassclf score` killed (SIGKILL) at 20 random moments and resumed: is the final file the one of a run left alone?

Usage: kills.py [ROWS] [KILLS]   (default 1,000,000 rows, 20 kills)
"""

from __future__ import annotations

import csv
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import machine
from messages import distinct


def score(source: Path, target: Path, *options: str) -> subprocess.Popen[bytes]:
    """A run in a process group of its own, so that a kill takes its workers too."""
    command = [sys.executable, "-m", "harassclf", "score", str(source), "-o", str(target), "--workers", "2", *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def finished(run: subprocess.Popen[bytes]) -> None:
    _, said = run.communicate()
    if run.returncode:
        raise SystemExit(f"kills.py: score ended with {run.returncode}: {said.decode()[-500:]}")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(rows: int, kills: int) -> None:
    print(machine())
    moments = random.Random(20)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["id", "text"], *([str(i), text] for i, text in enumerate(distinct(rows)))])
        started = time.perf_counter()
        finished(score(folder / "in.csv", folder / "whole.csv"))
        alone = time.perf_counter() - started
        done = 0
        while done < kills and not (folder / "out.csv").exists():
            run = score(folder / "in.csv", folder / "out.csv", "--resume")
            time.sleep(moments.uniform(0.2, 2.2 * alone / kills))
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
                done += 1
            run.communicate()
        if not (folder / "out.csv").exists():
            finished(score(folder / "in.csv", folder / "out.csv", "--resume"))
        same = sha256(folder / "out.csv") == sha256(folder / "whole.csv")
        left = sorted(path.name for path in folder.iterdir() if path.name not in ("in.csv", "out.csv", "whole.csv"))
    print(f"{rows:,} rows, killed {done} times (alone it takes {alone:.0f} s): "
          f"{'byte-identical' if same else 'DIFFERENT'}; files left over: {left or 'none'}")  # fmt: skip
    sys.exit(0 if same and not left and done == kills else 1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 20)
