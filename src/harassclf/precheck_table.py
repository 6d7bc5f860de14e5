"""A table of messages checked before they are sent: templates of a collector, the queue of a gateway.

Every row keeps its place and its cells; four columns follow. The output appears under its name only when it is complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from harassclf.classifier import Classifier
from harassclf.errors import InputError, TableError
from harassclf.phrase_rules import BLOCK, REVIEW
from harassclf.precheck import PASS, precheck
from harassclf.table_output import check_engine, check_target, write_table
from harassclf.tables import TableReader, message_column, open_table

RESULT_COLUMNS = ("verdict", "rules", "probability", "error")

Result = tuple[str, str, str, str]  # the cells of RESULT_COLUMNS


@dataclass(slots=True)
class TableSummary:
    """Counts of one table. ``errors`` are rows that could not be checked and have no verdict."""

    rows: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    sheets_left_out: tuple[str, ...] = ()  # of a workbook: its first visible sheet is read

    def add(self, result: Result) -> None:
        """Count one row."""
        self.rows += 1
        if result[-1]:
            self.errors += 1
        else:
            self.verdicts[result[0]] += 1

    @property
    def worst(self) -> str:
        """The worst verdict; ``block`` where a row could not be checked, for nothing says that it may be sent."""
        if self.errors:
            return BLOCK
        return next((verdict for verdict in (BLOCK, REVIEW) if self.verdicts[verdict]), PASS)


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How a table is read and written."""

    text_column: str = "text"
    encoding: str | None = None
    force: bool = False


def check_table(source: Path, output: Path, classifier: Classifier, options: TableOptions) -> TableSummary:
    """Check every message of ``source`` into ``output`` (CSV, TSV, Parquet or XLSX by ending; CSV without one).

    Raises :class:`TableError` for a table that cannot be read, :class:`OutputError` before any work for an output that
    is there already (without ``force``), is the input or cannot be written.
    """
    reader = open_table(source, encoding=options.encoding)
    column = message_column(reader, options.text_column, source, RESULT_COLUMNS)
    check_target(source, output, force=options.force)
    check_engine(output)
    summary = TableSummary(sheets_left_out=reader.other_sheets)
    results = list(_checked(reader, column, classifier, summary))
    if not summary.rows:
        raise TableError(f"{source}: a header and no rows; nothing to check")
    with TemporaryDirectory(prefix=".harassclf-", dir=output.parent) as folder:
        made = Path(folder) / f"table{output.suffix}"
        write_table(reader, results, RESULT_COLUMNS, made, output.suffix)
        made.replace(output)
    return summary


def _checked(reader: TableReader, column: int, classifier: Classifier, summary: TableSummary) -> Iterator[Result]:
    for row in reader.rows():
        result: Result = ("", "", "", row.error) if row.error else _result(classifier, row.cells[column])
        summary.add(result)
        yield result


def _result(classifier: Classifier, text: str) -> Result:
    try:
        found = precheck(classifier, text)
    except InputError as error:
        return "", "", "", str(error)
    rules = dict.fromkeys(finding.name_zh for finding in found.findings)
    return found.verdict, ";".join(rules), f"{found.probability:.6f}", ""
