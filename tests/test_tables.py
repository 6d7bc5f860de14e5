from __future__ import annotations

import codecs
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harassclf.errors import TableError
from harassclf.tables import CsvReader, _plain, column_index, open_table
from harassclf.text_encoding import detect_encoding


def _write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def _cells(path: Path, **options: str) -> list[list[str]]:
    return [row.cells for row in open_table(path, **options).rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_encoding_is_detected(tmp_path: Path, encoding: str) -> None:
    path = _write(tmp_path / "t.csv", "id,text\n1,您的账单明天到期\n", encoding)
    reader = open_table(path)
    assert reader.columns == ["id", "text"]
    assert [row.cells for row in reader.rows()] == [["1", "您的账单明天到期"]]


def test_utf8_is_never_taken_for_gb18030(tmp_path: Path) -> None:
    assert detect_encoding(_write(tmp_path / "t.csv", "text\n" + "还钱" * 600_000 + "\n")) == "utf-8"


def test_delimiter_is_read_off_the_header(tmp_path: Path) -> None:
    for mark in ",;\t|":
        assert _cells(_write(tmp_path / "t.csv", f"id{mark}text\n1{mark}甲\n")) == [["1", "甲"]]


def test_quoted_newlines_and_delimiters_stay_in_their_cell(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", 'id,text\r\n1,"第一行\n第二行，""引号"","\r\n')
    assert _cells(path) == [["1", '第一行\n第二行，"引号",']]


def test_ragged_rows_keep_their_place_and_their_content(tmp_path: Path) -> None:
    rows = list(open_table(_write(tmp_path / "t.csv", "id,text\n1\n2,甲\n3,乙,丙,丁\n\n5,戊\n")).rows())
    assert [row.cells for row in rows] == [["1", ""], ["2", "甲"], ["3", "乙,丙,丁"], ["", ""], ["5", "戊"]]
    assert [bool(row.error) for row in rows] == [True, False, True, True, False]
    assert "4 cells, expected 2" in rows[2].error


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n\n", "first line is blank"),
        ('id,text\n1,"没有结束的引号\n2,下一行\n', "quote opened on line 2"),
        ('id,"text\n1,甲\n', "quote opened on line 1"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
        (b"text\n\xff\xff\xff\n", r"neither UTF-8, for line 2 \(byte 6 of the file\), nor GB18030"),
        (b"text\n1\n\x00\n", "NUL byte on line 3"),
    ],
)
def test_unusable_file_is_refused_with_one_line(tmp_path: Path, content: str | bytes, reason: str) -> None:
    path = _write(tmp_path / "t.csv", content)
    with pytest.raises(TableError, match=reason) as caught:
        list(open_table(path).rows())
    assert "\n" not in str(caught.value)


def test_wrong_encoding_given_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", "text\n还钱钱\n")
    with pytest.raises(TableError, match="is not ascii"):
        open_table(path, encoding="ascii")
    for name in ("klingon", "hex", "rot13", "base64"):
        with pytest.raises(TableError, match="not an encoding"):
            open_table(path, encoding=name)
    with pytest.raises(TableError, match="is not utf-16"):
        open_table(path, encoding="utf-16")


def _refusal(path: Path, **options: str) -> str:
    with pytest.raises(TableError) as caught:
        open_table(path, **options)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_damaged_byte_is_named_and_nobody_is_sent_in_a_circle(tmp_path: Path, encoding: str) -> None:
    """Once detection said to give --encoding, and --encoding said to have it detected."""
    content = "id,text\n1,您的账单明天到期\n2,".encode(encoding)
    path = _write(tmp_path / "t.csv", content + b"\xff" + "还钱\n".encode())
    place = f"line 3 (byte {len(content) + 1} of the file)"
    assert place in _refusal(path)
    named = _refusal(path, encoding=encoding)
    assert place in named
    assert "detected" not in named
    assert "detected" in _refusal(_write(tmp_path / "u.csv", "text\n还钱\n"), encoding="ascii")


def test_place_of_damage_is_right_beyond_the_first_block(tmp_path: Path) -> None:
    content = b"text\n" + "还钱不\n".encode() * 150_000
    for damage in (b"\xff", b"\xe8\n", b"\xe8"):
        path = _write(tmp_path / "t.csv", content + damage)
        assert f"line 150002 (byte {len(content) + 1:,} of" in _refusal(path, encoding="utf-8")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [("utf-8", "gbk", r"line 2 is UTF-8, but line 3 \("), ("gbk", "utf-8", r"line 3 is UTF-8, but line 2 \(")],
)
def test_mixed_encodings_are_refused(tmp_path: Path, first: str, second: str, reason: str) -> None:
    """Once such a file was scored as mojibake of GB18030."""
    content = b"text\n" + "您的账单明天到期\n".encode(first) + "请您按时还款\n".encode(second)
    content.decode("gb18030")
    with pytest.raises(TableError, match=reason):
        open_table(_write(tmp_path / "t.csv", content))


def test_big5_is_not_taken_for_gb18030_and_can_be_named(tmp_path: Path) -> None:
    content = "text\n您的帳單明天到期\n請準時還款，我們在等你的回覆\n".encode("big5")
    content.decode("gb18030")
    path = _write(tmp_path / "t.csv", content)
    assert "perhaps Big5" in _refusal(path)
    assert _cells(path, encoding="big5")[0] == ["您的帳單明天到期"]


@pytest.mark.parametrize("text", ["还", "联通", "还钱", "您好，您的帳單明天到期", "囍喆镕彧玥昇", "①２３，ａ"])
def test_short_gbk_is_accepted(tmp_path: Path, text: str) -> None:
    assert _cells(_write(tmp_path / "t.csv", f"文字\n{text}。还\n", "gbk")) == [[f"{text}。还"]]


def test_gbk_of_the_corpus_is_accepted(tmp_path: Path, corpus: pd.DataFrame) -> None:
    lines = "\n".join(corpus["text"].str.replace(r"\s", " ", regex=True))
    assert detect_encoding(_write(tmp_path / "t.csv", f"text\n{lines}\n", "gb18030")) == "gb18030"


def test_missing_file_directory_and_column(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        open_table(tmp_path / "no.csv")
    with pytest.raises(TableError, match="directory"):
        open_table(tmp_path)
    path = _write(tmp_path / "t.csv", "id,内容\n1,甲\n")
    with pytest.raises(TableError, match="no column 'text'; found: id, 内容"):
        column_index(open_table(path), "text", path)


def test_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", "text,id,text\n甲,1,乙\n")
    with pytest.raises(TableError, match="2 columns are named 'text'"):
        column_index(open_table(path), "text", path)


def test_blank_lines_at_the_end_are_no_rows(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", "id,text\n1,甲\n\n2,乙\n\n\r\n\n")
    assert [(row.cells, row.error) for row in open_table(path).rows()] == [
        (["1", "甲"], ""),
        (["", ""], "blank line"),
        (["2", "乙"], ""),
    ]


def test_identifiers_are_shown_as_column_names(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "t.csv", f"harassment_probability,conversation_message_text_of_customer,{'x' * 61}\n1,2,3\n"
    )
    with pytest.raises(
        TableError, match=r"harassment_probability, conversation_message_text_of_customer, \(not a name\);"
    ):
        column_index(open_table(path), "text", path)


def test_rows_can_be_read_twice(tmp_path: Path) -> None:
    reader = CsvReader(_write(tmp_path / "t.csv", "text\n甲\n乙\n"), None)
    assert list(reader.rows()) == list(reader.rows())
    assert reader.share_read() == 1.0


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_one_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = _write(tmp_path_factory.mktemp("any") / "t.csv", content)
    try:
        reader = open_table(path)
        widths = {len(row.cells) for row in reader.rows()}
    except TableError as error:
        message = str(error)
    else:
        assert widths <= {len(reader.columns)}
        return
    assert "\n" not in message


def test_gb18030_with_a_broken_tail_is_refused(tmp_path: Path) -> None:
    content = "text\n还钱\n".encode("gb18030") + b"\x81"
    with pytest.raises(TableError):
        open_table(_write(tmp_path / "t.csv", content))


def _book(path: Path, rows: list[list[object]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_xlsx_cells_become_text(tmp_path: Path) -> None:
    rows = [["id", "text", "when"], [1.0, "还钱", datetime(2026, 3, 1, 9, 30)], [2, None, "=1+1"]]
    assert _cells(_book(tmp_path / "t.xlsx", rows)) == [["1", "还钱", "2026-03-01 09:30:00"], ["2", "", ""]]


def test_day_without_an_hour_is_no_midnight(tmp_path: Path) -> None:
    """Once a date cell became 2026-03-01 00:00:00, a contact at night to ``timeline``."""
    rows = [["when", "text"], [datetime(2026, 3, 1), "还钱"], [datetime(2026, 3, 1, 0, 0, 1), "还钱"]]
    path = _book(tmp_path / "t.xlsx", rows)
    assert [cells[0] for cells in _cells(path)] == ["2026-03-01", "2026-03-01 00:00:01"]
    assert _plain(datetime(2026, 3, 1, tzinfo=UTC)) == "2026-03-01 00:00:00+00:00"  # an instant: 8 o'clock in China


def _sheets(path: Path, sheets: dict[str, list[list[object]]], hidden: tuple[str, ...] = ()) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_first_visible_sheet_with_cells_is_read(tmp_path: Path) -> None:
    """Once a hidden first sheet was read, and empty ones were named as left out."""
    sheets = {"选项": [["x"], ["y"]], "空": [], "一月": [["text"], ["甲"]], "二月": [["text"]], "空白": [[""]]}
    path = _sheets(tmp_path / "t.xlsx", {**sheets, "旧": [["text"]]}, hidden=("选项", "旧"))
    reader = open_table(path)
    assert (reader.columns, [row.cells for row in reader.rows()]) == (["text"], [["甲"]])
    assert reader.other_sheets == ("二月",)
    assert open_table(_write(tmp_path / "t.csv", "text\n甲\n")).other_sheets == ()


def test_workbook_without_cells_is_not_called_damaged(tmp_path: Path) -> None:
    """Once a workbook of a chart alone was said to be damaged."""
    openpyxl = pytest.importorskip("openpyxl")
    assert "no sheet with cells" in _refusal(_sheets(tmp_path / "e.xlsx", {"空": []}))
    hidden = _sheets(tmp_path / "h.xlsx", {"空": [], "选项": [["text"]]}, hidden=("选项",))
    assert "no sheet with cells" in _refusal(hidden)
    book = openpyxl.Workbook()
    book.remove(book.active)
    book.create_chartsheet("图").add_chart(openpyxl.chart.BarChart())
    book.save(tmp_path / "c.xlsx")
    assert "no sheet with cells" in _refusal(tmp_path / "c.xlsx")


@pytest.mark.parametrize("name", ["a.xls", "a.XLS", "a.csv"])
def test_old_excel_is_named_as_such(tmp_path: Path, name: str) -> None:
    """Once it was said to be neither UTF-8 nor GB18030."""
    path = _write(tmp_path / name, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x01" * 600)
    for refusal in (_refusal(path), _refusal(path, encoding="gb18030")):
        assert "old Excel workbook" in refusal
        assert "save it as .xlsx" in refusal


def test_xlsx_row_wider_than_the_header_loses_nothing(tmp_path: Path) -> None:
    reader = open_table(_book(tmp_path / "t.xlsx", [["text"], ["甲", "乙"], ["丙"]]))
    cells = [row.cells for row in reader.rows()]
    assert ["乙" in "".join(row) for row in cells] == [True, False]
    assert all(len(row) == len(reader.columns) for row in cells)


def test_message_where_a_column_name_should_be_is_not_shown(tmp_path: Path) -> None:
    message = "您好这是一条没有表头的表格里的第一条信息不该出现在错误里"
    path = _write(tmp_path / "t.csv", f"{message}\n第二条\n")
    with pytest.raises(TableError, match="not a name") as caught:
        column_index(open_table(path), "text", path)
    assert message not in str(caught.value)


def test_damaged_or_locked_xlsx_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="password"):
        open_table(_write(tmp_path / "t.xlsx", b"\xd0\xcf\x11\xe0 an encrypted workbook is no zip"))
    with zipfile.ZipFile(tmp_path / "u.xlsx", "w") as archive:
        archive.writestr("hello.txt", "no workbook")
    with pytest.raises(TableError, match="damaged"):
        open_table(tmp_path / "u.xlsx")


def test_zip_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(4):
            archive.writestr(f"xl/{i}.xml", b"0" * 100_000_000)
    with pytest.raises(TableError, match="unpacks to"):
        open_table(tmp_path / "t.xlsx")


def test_parquet_values_become_text(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    table = pa.table({"text": ["还钱", None], "n": [1, 2], "nested": [{"a": [1]}, None]})
    parquet.write_table(table, tmp_path / "t.parquet")
    assert _cells(tmp_path / "t.parquet") == [["还钱", "1", "{'a': [1]}"], ["", "2", ""]]
    with pytest.raises(TableError, match="not a readable Parquet"):
        open_table(_write(tmp_path / "u.parquet", b"PAR1 no"))


def test_bom_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert open_table(_write(tmp_path / "t.csv", codecs.BOM_UTF8 + b"text\n1\n")).columns == ["text"]
