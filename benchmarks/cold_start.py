"""First verdict of `harassclf classify` from a cold start against a script that imports scikit-learn and jieba."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import naive
from measure import interleave, machine, report

TEXT = "再不还钱就爆你通讯录"


def main() -> None:
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        model = naive.saved(Path(folder) / "naive.joblib")
        run = lambda *command: subprocess.run([sys.executable, *command], check=True, capture_output=True)  # noqa: E731
        ours = lambda: run("-m", "harassclf", "classify", TEXT)  # noqa: E731
        report("cold start, share of the naive script's time",
               *interleave(ours, lambda: run(naive.__file__, str(model), TEXT)), faster_is="time")  # fmt: skip


if __name__ == "__main__":
    main()
