"""A table of messages checked before they are sent: templates of a collector, the queue of a gateway.

Every row keeps its place and its cells; four columns follow. The output appears under its name only when it is complete.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harassclf.batch import safe_cell
from harassclf.classifier import Classifier
from harassclf.errors import InputError, MissingDependencyError, OutputError, TableError
from harassclf.phrase_rules import BLOCK, REVIEW
from harassclf.precheck import PASS, precheck
from harassclf.tables import ParquetReader, Row, TableReader, XlsxReader, column_index, open_table

RESULT_COLUMNS = ("verdict", "rules", "probability", "error")
_SHEET_ROWS, _SHEET_CELL = 1_048_575, 32_767  # rows below the header, characters of a cell: what a sheet holds
_XML_CANNOT = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\ufffd")

Result = tuple[str, str, str, str]  # the cells of RESULT_COLUMNS
Checked = Iterator[tuple[Row, Result]]


@dataclass(slots=True)
class TableSummary:
    """Counts of one table. ``errors`` are rows that could not be checked and have no verdict."""

    rows: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    sheets_left_out: tuple[str, ...] = ()  # of a workbook: its first sheet is read

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
    column = _text_column(reader, source, options.text_column)
    write = _writer(source, output, options)
    summary = TableSummary(sheets_left_out=reader.other_sheets if isinstance(reader, XlsxReader) else ())
    with TemporaryDirectory(prefix=".harassclf-", dir=output.parent) as folder:
        made = Path(folder) / f"table{output.suffix}"
        write(reader, _checked(reader, column, classifier, summary), made)
        if not summary.rows:
            raise TableError(f"{source}: a header and no rows; nothing to check")
        made.replace(output)
    return summary


def _text_column(reader: TableReader, source: Path, name: str) -> int:
    column = column_index(reader, name, source)
    if isinstance(reader, ParquetReader) and (found := reader.type_of(name)):
        raise TableError(f"{source}: column {name!r} holds {found}, expected strings")
    if taken := [one for one in RESULT_COLUMNS if one in reader.columns]:
        raise TableError(f"{source}: already has {', '.join(taken)}; drop or rename these columns first")
    return column


def _writer(source: Path, output: Path, options: TableOptions) -> Callable[[TableReader, Checked, Path], None]:
    """How ``output`` is written; raises :class:`OutputError` where it cannot be."""
    if output.is_dir():
        raise OutputError(f"{output}: is a directory, expected a file name")
    if output.exists() and output.samefile(source):
        raise OutputError(f"{output}: is the input; choose another output")
    if output.exists() and not output.is_file():
        raise OutputError(f"{output}: is not a regular file; choose another output")
    if output.exists() and not options.force:
        raise OutputError(f"{output}: exists already; choose another name or overwrite it with --force")
    if not output.parent.is_dir():
        raise OutputError(f"{output.parent}: no such directory")
    if not os.access(output.parent, os.W_OK):
        raise OutputError(f"{output.parent}: cannot be written to")
    if (ending := output.suffix.lower()) not in _WRITERS:
        raise OutputError(f"{output}: unknown ending, expected .csv, .tsv, .txt (as CSV), .parquet or .xlsx")
    _check_engine(ending)
    return _WRITERS[ending]


def _check_engine(ending: str) -> None:
    engine = {".parquet": "pyarrow", ".xlsx": "openpyxl"}.get(ending)
    try:
        __import__(engine or "csv")
    except ImportError:
        raise MissingDependencyError(
            f"{ending} needs {engine}; install it with: pip install 'harassclf[{ending[1:]}]'"
        ) from None


def _checked(reader: TableReader, column: int, classifier: Classifier, summary: TableSummary) -> Checked:
    for row in reader.rows():
        result: Result = ("", "", "", row.error) if row.error else _result(classifier, row.cells[column])
        summary.add(result)
        yield row, result


def _result(classifier: Classifier, text: str) -> Result:
    try:
        found = precheck(classifier, text)
    except InputError as error:
        return "", "", "", str(error)
    rules = dict.fromkeys(finding.name_zh for finding in found.findings)
    return found.verdict, ";".join(rules), f"{found.probability:.6f}", ""


def _write_csv(reader: TableReader, checked: Checked, target: Path) -> None:
    with target.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if target.suffix.lower() == ".tsv" else ",")
        writer.writerow([safe_cell(cell) for cell in (*reader.columns, *RESULT_COLUMNS)])
        writer.writerows([*map(safe_cell, row.cells), *result] for row, result in checked)


def _write_xlsx(reader: TableReader, checked: Checked, target: Path) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("harassclf")

    def written(cells: list[str]) -> list[Any]:
        made = [WriteOnlyCell(sheet, _sheet_text(cell)) for cell in cells]
        for one in made:
            one.data_type = "s"  # text, whatever it begins with
        return made

    try:
        sheet.append(written([*reader.columns, *RESULT_COLUMNS]))
        for number, (row, result) in enumerate(checked, 1):
            if number > _SHEET_ROWS:
                raise OutputError(f"a sheet holds {_SHEET_ROWS:,} rows; write CSV or Parquet instead")
            sheet.append(written([*row.cells, *result]))
    finally:
        sheet.close()  # left open, it prints a traceback of its own when it is collected after an error
    book.save(target)


def _sheet_text(cell: str) -> str:
    if len(cell) > _SHEET_CELL:
        raise OutputError(
            f"a sheet's cell holds {_SHEET_CELL:,} characters and one here has more; write CSV or Parquet"
        )
    return cell.translate(_XML_CANNOT)


def _write_parquet(reader: TableReader, checked: Checked, target: Path) -> None:
    """All columns as strings but those of a Parquet input, which keep their types; in memory as a whole."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    rows = [([] if isinstance(reader, ParquetReader) else row.cells, result) for row, result in checked]
    if isinstance(reader, ParquetReader):
        given = pa.Table.from_batches(reader.batches(), reader.schema)
    else:
        given = _strings([cells for cells, _ in rows], reader.columns)
    added = _strings([result for _, result in rows], RESULT_COLUMNS)
    for name in RESULT_COLUMNS:
        given = given.append_column(name, added[name])
    parquet.write_table(given, target)


def _strings(rows: Sequence[Sequence[str]], names: Sequence[str]) -> Any:
    import pyarrow as pa

    columns = [pa.array([row[i] for row in rows], pa.string()) for i in range(len(names))]
    return pa.Table.from_arrays(columns, list(names))


_WRITERS: dict[str, Callable[[TableReader, Checked, Path], None]] = {
    "": _write_csv,
    ".csv": _write_csv,
    ".txt": _write_csv,
    ".tsv": _write_csv,
    ".xlsx": _write_xlsx,
    ".parquet": _write_parquet,
}
