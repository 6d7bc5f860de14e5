"""What a separate process does with one uploaded table: look at its columns, or score it.

Run as ``python -m harassclf.service.file_work inspect|score FOLDER``. A process of its own, so that a table made to
exhaust memory or time takes itself down and not the service. It says what it found in JSON files in FOLDER and prints
nothing: what goes wrong may quote a message.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from harassclf.errors import HarassclfError, MissingDependencyError, TableError
from harassclf.labels import LABELS
from harassclf.tables import TableReader, open_table

INSPECTED, TASK, PROGRESS, RESULT, RESULT_XLSX = (
    "inspected.json", "task.json", "progress.json", "result.csv", "result.xlsx",
)  # fmt: skip
_MEMORY = 4_000_000_000  # bytes of address space; numpy and the model take one of them
_SAMPLE, _PREVIEW = 200, 5  # rows looked at, rows shown
_PREVIEW_CELL = 120  # characters
_MAX_COLUMNS = 500
_TEXT_NAMES = re.compile(r"text|content|message|body|msg|sms|内容|文本|消息|短信|正文|话术", re.IGNORECASE)
_TIME_NAMES = re.compile(r"time|date|时间|日期|时刻", re.IGNORECASE)
_CLOCK = re.compile(r"(上午|下午|晚上|中午|凌晨|AM|PM)?\s*(\d{1,2})\s*[:：时点]\s*(\d{1,2})?(?:[:：分]\s*[\d.]+秒?)?\s*(AM|PM)?",
                    re.IGNORECASE)  # fmt: skip
_AFTERNOON = {"下午", "晚上", "pm"}


def hour_of(cell: str) -> int | None:
    """The hour of the clock (0 to 23) that a cell shows, as written there; ``None`` when it shows none."""
    found = _CLOCK.search(cell)
    if found is None:
        return None
    hour = int(found[2])
    half = (found[1] or found[4] or "").lower()
    if half in _AFTERNOON and hour < 12:
        hour += 12
    elif half in ("am", "凌晨", "上午") and hour == 12:
        hour = 0
    return hour if hour < 24 else None


def inspect(folder: Path) -> dict[str, Any]:
    """Columns, the first rows, and which columns look like text and time. Raises :class:`TableError` for what
    :func:`score` would refuse whatever column is chosen, before the person has to choose."""
    from harassclf.batch import RESULT_COLUMNS

    reader = open_table(input_of(folder))
    if len(reader.columns) > _MAX_COLUMNS:
        raise TableError(f"the table has {len(reader.columns):,} columns, expected at most {_MAX_COLUMNS}")
    if taken := [name for name in RESULT_COLUMNS if name in reader.columns]:
        raise TableError(f"already has {', '.join(taken)}; drop or rename these columns first")
    sample = [row.cells for row in islice(reader.rows(), _SAMPLE)]
    if not sample:
        raise TableError("a header and no rows; nothing to score")
    return {
        "columns": [name[:_PREVIEW_CELL] for name in reader.columns],
        "preview": [[cell[:_PREVIEW_CELL] for cell in cells] for cells in sample[:_PREVIEW]],
        "suggested": {"text_column": _text_column(reader, sample), "time_column": _time_column(reader, sample)},
    }


def _text_column(reader: TableReader, sample: Sequence[Sequence[str]]) -> int:
    """The column named like a text, else the one with most characters."""
    named = [i for i, name in enumerate(reader.columns) if _TEXT_NAMES.search(name)]
    candidates = named or range(len(reader.columns))
    return max(candidates, key=lambda i: sum(len(cells[i]) for cells in sample))


def _time_column(reader: TableReader, sample: Sequence[Sequence[str]]) -> int | None:
    for i, name in enumerate(reader.columns):
        if _TIME_NAMES.search(name) and any(hour_of(cells[i]) is not None for cells in sample):
            return i
    return None


def input_of(folder: Path) -> Path:
    """The uploaded table."""
    return next(folder.glob("input.*"))


def score(folder: Path) -> dict[str, Any]:
    """Score the table by ``batch.score_table`` and count; an XLSX gives an XLSX beside the CSV."""
    from harassclf.batch import ScoreOptions, score_table

    task = json.loads((folder / TASK).read_text("utf-8"))
    table, column = input_of(folder), task["text_column"]
    model = Path(task["model"]) if task["model"] else None
    options = ScoreOptions(text_column=open_table(table).columns[column], model=model, workers=1)
    outputs = [RESULT, RESULT_XLSX] if table.suffix == ".xlsx" else [RESULT]
    for turn, output in enumerate(outputs):

        def report(rows: int, share: float, turn: int = turn) -> None:
            write_json(folder / PROGRESS, {"state": "running", "rows": rows, "share": (turn + share) / len(outputs)})

        summary = score_table(table, folder / output, options, report).to_dict()
    return summary | _hours(folder / RESULT, task["time_column"])


def _hours(result: Path, column: int | None) -> dict[str, Any]:
    """Messages of each label by hour of the day, as the time column writes it."""
    if column is None:
        return {"hours": None, "times_unread": 0}
    reader = open_table(result, encoding="utf-8-sig")
    label = reader.columns.index("predicted_label")
    counts = Counter((hour_of(row.cells[column]), row.cells[label]) for row in reader.rows())
    hours = [{"hour": hour} | {name: counts[hour, name] for name in LABELS} for hour in range(24)]
    return {"hours": hours, "times_unread": sum(n for (hour, _), n in counts.items() if hour is None)}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write in one step: a reader sees the old or the new file, never half of one."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    fresh.replace(path)


def failure(error: BaseException, folder: Path) -> dict[str, str]:
    """One readable line for the person, with no path of the server in it."""
    if isinstance(error, MissingDependencyError):
        return {"code": error.code, "message": str(error)}
    if isinstance(error, HarassclfError):
        return {"code": error.code, "message": str(error).replace(f"{input_of(folder)}: ", "")}
    if isinstance(error, MemoryError):
        return {"code": "table_too_large", "message": "the table needs too much memory; split it or save it as CSV"}
    return {"code": "file_failed", "message": f"the table could not be worked on ({type(error).__name__})"}


def failure_of(step: str) -> dict[str, str]:
    """What is said when a process ended without saying why."""
    done = {"inspect": "looked at", "score": "scored"}[step]
    return {
        "code": "file_failed",
        "message": f"the table could not be {done}: it took too much time or memory; split it or save it as CSV",
    }


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    with suppress(AttributeError, OSError):
        os.nice(5)  # those who ask now come before those who wait for a table


def main(arguments: Sequence[str]) -> int:
    """Do ``inspect`` or ``score`` in a folder; the JSON file there tells how it went."""
    task, folder = arguments[0], Path(arguments[1])
    target = folder / (INSPECTED if task == "inspect" else PROGRESS)
    _limit_memory()
    try:
        found = inspect(folder) if task == "inspect" else {"state": "done", "share": 1.0, "summary": score(folder)}
    except BaseException as error:
        write_json(target, {"state": "failed", "error": failure(error, folder)})
        return 1
    write_json(target, found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
