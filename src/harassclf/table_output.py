"""Tables out: the rows of a reader with result columns behind them, as CSV, TSV, XLSX or Parquet; what a spreadsheet must not run."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from harassclf.errors import MissingDependencyError, OutputError
from harassclf.tables import ParquetReader, Row, TableReader

ENDINGS = {"": "csv", ".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".parquet": "parquet", ".xlsx": "xlsx"}
_SHEET_ROWS, _SHEET_CELL = 1_048_575, 32_767  # rows below the header, characters of a cell: what a sheet holds
_RECORDS = 4_000  # rows of a Parquet row group

# What Excel and its kin take for a formula. A signed number or telephone number is none and stays as it is.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d\s.,()\-]*$)")
_RISKY = frozenset("=@\t\r+-")


def safe_cell(cell: str) -> str:
    """``cell`` so that no spreadsheet runs it: an apostrophe before ``= @ tab CR`` and before ``+ -`` unless a number
    follows (OWASP, CSV injection)."""
    # The first character decides for nearly all cells: a third of the time of the pattern alone.
    return f"'{cell}" if cell[:1] in _RISKY and _FORMULA.match(cell) else cell


def check_target(source: Path, output: Path, *, force: bool) -> None:
    """Raises :class:`OutputError` where ``output`` is there already (without ``force``), is the input or cannot be written."""
    if output.exists() and output.samefile(source):
        raise OutputError(f"{output}: is the input; choose another output")
    if str(output) == "-":
        raise OutputError("-: a table is not written to standard output; give a file name, such as scored.csv")
    if output.is_dir():
        raise OutputError(f"{output}: is a directory, expected a file name")
    if output.exists() and not output.is_file():
        raise OutputError(f"{output}: is not a regular file; choose another output")
    if output.suffix.lower() not in ENDINGS:
        raise OutputError(f"{output}: unknown ending, expected .csv, .tsv, .txt (as CSV), .parquet or .xlsx")
    if output.exists() and not force:
        raise OutputError(f"{output}: exists already; choose another name or overwrite it with --force")
    _check_folder(output.parent)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such directory")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{folder}: cannot be written to")


def check_engine(output: Path) -> None:
    """Raises :class:`MissingDependencyError` where the package that writes ``output`` is not installed."""
    engine = {".parquet": "pyarrow", ".xlsx": "openpyxl"}.get(output.suffix.lower())
    if engine:
        try:
            __import__(engine)
        except ImportError:
            extra = output.suffix.lower()[1:]
            raise MissingDependencyError(
                f"{output.name} needs {engine}; install it with: pip install 'harassclf[{extra}]'"
            ) from None


def write_table(
    reader: TableReader, results: Iterable[Sequence[str]], names: Sequence[str], target: Path, suffix: str
) -> None:
    """Write each row of ``reader`` and its result cells, in columns ``names``, to ``target``, in the format of ``suffix``."""
    kind = ENDINGS[suffix.lower()]
    if kind == "parquet":
        _write_parquet(reader, iter(results), names, target)
    elif kind == "xlsx":
        _write_xlsx(reader, results, names, target)
    else:
        _write_csv(reader, results, names, target, "\t" if kind == "tsv" else ",")


def _write_csv(
    reader: TableReader, results: Iterable[Sequence[str]], names: Sequence[str], target: Path, delimiter: str
) -> None:
    with target.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([safe_cell(cell) for cell in (*reader.columns, *names)])
        rows = zip(reader.rows(), results, strict=True)
        writer.writerows([safe_cell(cell) for cell in (*row.cells, *result)] for row, result in rows)


def _write_xlsx(reader: TableReader, results: Iterable[Sequence[str]], names: Sequence[str], target: Path) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("harassclf")

    def cell(value: str) -> Any:
        made = WriteOnlyCell(sheet, _sheet_text(value))
        made.data_type = "s"  # text, whatever it begins with
        return made

    sheet.append([cell(name) for name in (*reader.columns, *names)])
    try:
        for number, (row, result) in enumerate(zip(reader.rows(), results, strict=True), 1):
            if number > _SHEET_ROWS:
                raise OutputError(f"{target.name}: a sheet holds {_SHEET_ROWS:,} rows; write CSV or Parquet instead")
            sheet.append([cell(value) for value in (*row.cells, *result)])
    finally:
        sheet.close()  # left open, it prints a traceback of its own when it is collected after an error
    book.save(target)


def _sheet_text(value: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if len(value) > _SHEET_CELL:
        raise OutputError(
            "a sheet's cell holds 32,767 characters and a cell of this table has more; write CSV or Parquet"
        )
    return re.sub("[\ufffe\uffff\ud800-\udfff]", "\ufffd", ILLEGAL_CHARACTERS_RE.sub("\ufffd", value))


def _write_parquet(reader: TableReader, results: Iterator[Sequence[str]], names: Sequence[str], target: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    schema = (
        reader.schema if isinstance(reader, ParquetReader) else pa.schema([(c, pa.string()) for c in reader.columns])
    )
    for name in names:
        schema = schema.append(pa.field(name, pa.string()))
    with parquet.ParquetWriter(target, schema) as writer:
        for batch in _record_batches(reader):
            columns = list(zip(*islice(results, batch.num_rows), strict=True))
            made = [pa.array(values, pa.string()) for values in columns] if columns else []
            writer.write_batch(pa.record_batch([*batch.columns, *made], schema=schema))


def _record_batches(reader: TableReader) -> Iterator[Any]:
    import pyarrow as pa

    if isinstance(reader, ParquetReader):
        yield from reader.batches()
        return
    for chunk in batched(reader.rows(), _RECORDS):
        arrays = [pa.array(values, pa.string()) for values in zip(*(row.cells for row in chunk), strict=True)]
        yield pa.record_batch(arrays, names=reader.columns)


def batched(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Lists of ``size`` rows, the last one shorter: ``itertools.batched`` needs Python 3.12."""
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk
