"""Tables in: CSV, Parquet and XLSX as a stream of rows of strings, with what was wrong in each row."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import IO, Any, Protocol

from harassclf.errors import HarassclfError, MissingDependencyError, TableError
from harassclf.text_encoding import checked_encoding, detect_encoding

_BLOCK = 1 << 20
_SHOWN = 30  # column names in an error
_NAME = 20  # characters; longer column names are taken for messages, unless they look like an identifier
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_DELIMITERS = (",", "\t", ";", "|")
# A quote that is never closed swallows the rest of the file: it is reported when a cell passes this many characters.
_MAX_CELL = 64_000_000
_MAX_UNZIPPED = 4_000_000_000  # bytes; an XLSX that unpacks to more is refused as a zip bomb
_MAX_ZIP_RATIO = 200
_OLE = bytes.fromhex("D0CF11E0")  # how the files of Office 97 to 2003 begin


@dataclass(frozen=True, slots=True)
class Row:
    """One row: cells as wide as the header, and why the row is unusable (empty when it is not)."""

    cells: list[str]
    error: str = ""


class TableReader(Protocol):
    """A table that can be read from the start as often as wanted."""

    columns: list[str]
    other_sheets: tuple[str, ...]  # of a workbook: names of those that are not read

    def rows(self) -> Iterator[Row]:
        """All rows in order."""

    def share_read(self) -> float:
        """How much of the table the running :meth:`rows` has read, 0 to 1."""


def open_table(path: Path, *, encoding: str | None = None) -> TableReader:
    """Open by file ending: ``.parquet``, ``.xlsx``, else CSV. Raises :class:`TableError` with one readable line."""
    try:
        if path.is_dir():
            raise TableError(f"{path}: is a directory, expected a CSV, Parquet or XLSX file")
        path.open("rb").close()
    except FileNotFoundError:
        raise TableError(f"{path}: no such file") from None
    except OSError as error:
        raise TableError(f"{str(path)[:60]}: cannot be read ({error.strerror})") from None
    if path.stat().st_size == 0:
        raise TableError(f"{path}: the file is empty, expected a header and rows")
    match path.suffix.lower():
        case ".parquet":
            return ParquetReader(path)
        case ".xlsx" | ".xlsm":
            return XlsxReader(path)
        case _:
            _refuse_ole(path)
            return CsvReader(path, encoding)


def _refuse_ole(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(_OLE)) == _OLE:
            raise TableError(f"{path}: an old Excel workbook (.xls); open it and save it as .xlsx")


def column_index(
    reader: TableReader, name: str, path: Path, advice: str = "choose one with --text-column or rename it"
) -> int:
    """Position of column ``name``; the error lists the columns that are there, and says what to do (``advice``)."""
    if name not in reader.columns:
        raise TableError(f"{path}: no column {name!r}; found: {named(reader.columns)}; {advice}")
    if (times := reader.columns.count(name)) > 1:
        raise TableError(f"{path}: {times} columns are named {name!r}, expected one; rename the others")
    return reader.columns.index(name)


def message_column(reader: TableReader, name: str, path: Path, added: Iterable[str]) -> int:
    """Position of the column of messages of a table that gets the columns ``added``. Raises :class:`TableError` where it does
    not hold strings, or such columns are there already."""
    column = column_index(reader, name, path)
    if isinstance(reader, ParquetReader) and (found := reader.type_of(name)):
        raise TableError(f"{path}: column {name!r} holds {found}, expected strings")
    if taken := [one for one in added if one in reader.columns]:
        raise TableError(f"{path}: already has {', '.join(taken)}; drop or rename these columns first")
    return column


def named(columns: Iterable[str]) -> str:
    """Column names for an error. A table without a header has messages there: what is too long for a name is not shown."""
    shown = [name if _is_name(name) else "(not a name)" for name in columns]
    return ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN:,} more" if len(shown) > _SHOWN else "")


def _is_name(name: str) -> bool:
    return (len(name) <= _NAME and name.isprintable()) or _IDENTIFIER.fullmatch(name) is not None


def _ragged(cells: list[str], width: int, joint: str) -> Row:
    """A row too short or too long; nothing is lost, the surplus stays in the last column."""
    error = f"row has {len(cells)} cells, expected {width}" if cells else "blank line"
    if len(cells) > width:
        cells = [*cells[: width - 1], joint.join(cells[width - 1 :])]
    return Row(cells + [""] * (width - len(cells)), error)


class CsvReader:
    """Delimiter by the header line: the one of ``, tab ; |`` that occurs most."""

    other_sheets: tuple[str, ...] = ()

    def __init__(self, path: Path, encoding: str | None) -> None:
        self._path = path
        self._encoding = checked_encoding(path, encoding) if encoding else detect_encoding(path)
        self._size = path.stat().st_size
        self._file: IO[bytes] | None = None
        csv.field_size_limit(_MAX_CELL)
        with path.open(encoding=self._encoding, newline="") as file:
            self._delimiter = _delimiter(self._guarded_line(file))
        self.columns = next(self._records(), [])
        if any("\n" in name for name in self.columns) and self._open_quote(0):
            raise TableError(f"{path}: a quote opened on line 1 is never closed")
        if not any(self.columns):
            raise TableError(f"{path}: the first line is blank, expected column names")

    def rows(self) -> Iterator[Row]:
        records = self._records()
        next(records)
        width, blank = len(self.columns), 0
        for cells in records:
            if not cells:
                blank += 1  # a row that keeps its place, unless only blank lines follow
                continue
            yield from (_ragged([], width, self._delimiter) for _ in range(blank))
            blank = 0
            yield Row(cells) if len(cells) == width else _ragged(cells, width, self._delimiter)

    def share_read(self) -> float:
        return min(1.0, self._file.tell() / self._size) if self._file and not self._file.closed else 1.0

    def _records(self) -> Iterator[list[str]]:
        with self._path.open("rb") as file:
            self._file = file
            reader = csv.reader(io.TextIOWrapper(file, self._encoding, newline=""), delimiter=self._delimiter)
            read = before = 0
            try:
                for record in reader:
                    before, read = read, reader.line_num
                    yield record
            except csv.Error as error:
                raise TableError(self._unreadable(reader.line_num, error)) from None
            except UnicodeError:
                raise TableError(self._changed()) from None
        if self._open_quote(before):
            raise TableError(f"{self._path}: a quote opened on line {before + 1} is never closed")

    def _open_quote(self, lines: int) -> bool:
        """Whether the last record, which begins after ``lines`` lines, ends inside a quote; csv does not tell."""
        with self._path.open(encoding=self._encoding, newline="") as file:
            try:
                list(csv.reader(islice(file, lines, None), delimiter=self._delimiter, strict=True))
            except csv.Error as error:
                return "end of data" in str(error)
        return False

    def _unreadable(self, line: int, error: csv.Error) -> str:
        if "field limit" in str(error):
            return (
                f"{self._path}: near line {line}, a cell over {_MAX_CELL:,} characters or a quote that is never closed"
            )
        return f"{self._path}: line {line} is not CSV ({error})"

    def _guarded_line(self, file: Any) -> str:
        try:
            return str(file.readline(_BLOCK))
        except UnicodeError:
            raise TableError(self._changed()) from None

    def _changed(self) -> str:
        return f"{self._path}: is no longer {self._encoding}; run again when nothing writes to it"


def _delimiter(header: str) -> str:
    return max(_DELIMITERS, key=header.count)


class XlsxReader:
    """The first visible sheet that holds a cell; ``other_sheets`` are the others that do. Formulas give their last computed
    value, dates their ISO form, merged cells their first one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows, self._read = 1, 0
        _check_zip(path)
        with _worksheets(path) as sheets:
            self._sheet, *others = _filled(sheets, path)
            self.other_sheets = tuple(sheets[at].title for at in others)
            self.columns = next(_values(sheets[self._sheet]))
        if not any(self.columns):
            raise TableError(f"{path}: the first row of the first visible sheet is blank, expected column names")

    def rows(self) -> Iterator[Row]:
        values = self._values()
        next(values)
        width = len(self.columns)
        for self._read, cells in enumerate(values, 1):
            while len(cells) > width and not cells[-1]:
                cells.pop()  # a sheet is as wide as its widest row
            yield _ragged(cells, width, " | ") if len(cells) > width else Row(cells + [""] * (width - len(cells)))

    def share_read(self) -> float:
        return min(1.0, self._read / max(1, self._rows))

    def _values(self) -> Iterator[list[str]]:
        with _worksheets(self._path) as sheets:
            sheet = sheets[self._sheet]
            self._rows = sheet.max_row or 1
            yield from _values(sheet)


@contextmanager
def _worksheets(path: Path) -> Iterator[list[Any]]:
    """Sheets of a workbook that is open meanwhile, charts left out; names the damage that reading them finds."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise MissingDependencyError("XLSX needs openpyxl; install it with: pip install 'harassclf[xlsx]'") from None
    try:
        with closing(load_workbook(path, read_only=True, data_only=True)) as book:
            yield book.worksheets
    except (HarassclfError, GeneratorExit):
        raise
    except Exception as error:  # openpyxl raises KeyError, ValueError, ParseError and others on damaged files
        raise TableError(f"{path}: damaged XLSX ({type(error).__name__}); open and save it again") from None


def _values(sheet: Any) -> Iterator[list[str]]:
    sheet.reset_dimensions()  # what the file says of its size may be wrong, and would cut rows
    for row in sheet.iter_rows(values_only=True):
        yield [_plain(value) for value in row]


def _filled(sheets: list[Any], path: Path) -> list[int]:
    """Positions of the visible sheets that hold a cell, at least one."""
    visible = [at for at, sheet in enumerate(sheets) if sheet.sheet_state == "visible"]
    filled = [at for at in visible if any(any(row) for row in _values(sheets[at]))]
    if not filled:
        raise TableError(f"{path}: no sheet with cells; expected a visible one with column names and rows")
    return filled


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        raise TableError(f"{path}: not an XLSX file, or protected by a password; save it again without one") from None
    if size > _MAX_UNZIPPED or size > _MAX_ZIP_RATIO * max(path.stat().st_size, 1_000_000):
        raise TableError(f"{path}: unpacks to {size:,} bytes, which is refused; save the table as CSV")


class ParquetReader:
    """All row groups in order; nested values are written as their Python form."""

    other_sheets: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0
        try:
            import pyarrow.parquet as parquet
        except ImportError:
            raise MissingDependencyError(
                "Parquet needs pyarrow; install it with: pip install 'harassclf[parquet]'"
            ) from None
        try:
            self._file = parquet.ParquetFile(path)
            self.schema: Any = self._file.schema_arrow
        except Exception as error:  # ArrowInvalid, OSError, ArrowNotImplementedError
            raise TableError(f"{path}: not a readable Parquet file ({type(error).__name__})") from None
        self._rows = self._file.metadata.num_rows
        self.columns = list(self._file.schema_arrow.names)

    def rows(self) -> Iterator[Row]:
        self._read = 0
        for batch in self.batches():
            try:
                columns = [column.to_pylist() for column in batch.columns]
            except (ValueError, OverflowError) as error:  # impossible dates, unknown zones, broken UTF-8
                raise TableError(f"{self._path}: a value that cannot be read ({type(error).__name__})") from None
            for values in zip(*columns, strict=True):
                self._read += 1
                yield Row([_plain(value) for value in values])

    def type_of(self, column: str) -> str:
        """The type of a column that does not hold strings, else an empty string."""
        kind = str(self.schema.field(column).type)
        return "" if "string" in kind else kind

    def batches(self, size: int = 4096) -> Iterator[Any]:
        """Record batches with their own column types."""
        try:
            yield from self._file.iter_batches(batch_size=size)
        except OSError as error:
            raise TableError(f"{self._path}: damaged Parquet file ({type(error).__name__})") from None

    def share_read(self) -> float:
        return float(self._read / max(1, self._rows))


def _plain(value: Any) -> str:
    """A cell as text: blanks for nothing, ISO dates, whole floats without a fraction. Midnight without a time zone is the
    date alone: so a sheet stores a day without an hour, which must not be taken for a contact at night."""
    if value is None or value != value:  # NaN is what pandas makes of nothing
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.tzinfo is None and value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
