"""`harassclf score` on a CSV of distinct messages against reading and writing the same table; peak memory of the run.

Usage: table.py [ROWS] [WORKERS]   (default 1,000,000 rows, 2 workers)
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import machine
from messages import distinct

COPY = """
import csv, sys
with open(sys.argv[1], encoding="utf-8", newline="") as a, open(sys.argv[2], "w", encoding="utf-8-sig", newline="") as b:
    csv.writer(b).writerows(csv.reader(a))
"""
PEAK = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, "MB", file=sys.stderr)
sys.exit(status)
"""


def timed(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", PEAK, sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main(rows: int, workers: int) -> None:
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["id", "text"], *([str(i), text] for i, text in enumerate(distinct(rows)))])
        copies = [timed("-c", COPY, str(folder / "in.csv"), str(folder / f"copy{i}.csv")) for i in range(3)]
        ours = timed(
            "-m", "harassclf", "score", str(folder / "in.csv"), "-o", str(folder / "out.csv"), "--workers", str(workers)
        )
        copies += [timed("-c", COPY, str(folder / "in.csv"), str(folder / f"copy{i}.csv")) for i in range(3)]
    copy = sorted(copies)[len(copies) // 2]
    print(
        f"score, {rows:,} rows, {workers} workers: {rows / ours:,.0f} rows a second, 1/{ours / copy:.1f} of copying the table"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 2)
