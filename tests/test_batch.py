from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from harassclf import Classifier, Prediction, batch
from harassclf.batch import RESULT_COLUMNS, ScoreOptions, Summary, score_table
from harassclf.cli import main
from harassclf.errors import OutputError, TableError
from harassclf.table_output import safe_cell
from harassclf.tables import CsvReader, Row, open_table

TEXTS = [
    "再不还钱就给你全家打电话",
    "您的账单明天到期，请按时还款",
    "晚上吃什么",
    "",
    "=cmd|' /C calc'!A0",
    "x" * 10_001,
]


def cells_of(prediction: Prediction) -> tuple[str, ...]:
    """A prediction as the cells of ``RESULT_COLUMNS``."""
    return (
        prediction.label,
        f"{prediction.probabilities['harassment']:.6f}",
        ";".join(category.name for category in prediction.categories),
        "true" if prediction.needs_review else "false",
        " | ".join(span.text for span in prediction.evidence),
        "",
        prediction.model,
    )


def _quiet(rows: int, share: float) -> None:
    pass


def _table(path: Path, texts: list[str], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([["id", "text", "note"], *([i, text, f"+{i}"] for i, text in enumerate(texts))])
    return path


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of 30 rows whose scoring into ``out.csv`` stopped after the first 10."""
    monkeypatch.setattr(batch, "_CHUNK", 10)

    def stop(rows: int, share: float) -> None:
        raise KeyboardInterrupt

    source = _table(folder / "in.csv", _texts(30))
    with pytest.raises(KeyboardInterrupt):
        score_table(source, folder / "out.csv", ScoreOptions(), stop)
    return source


def test_rows_keep_order_columns_and_place(tmp_path: Path, classifier: Classifier) -> None:
    output = tmp_path / "out.csv"
    summary = score_table(_table(tmp_path / "in.csv", TEXTS), output, ScoreOptions(), _quiet)
    assert output.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = _read(output)
    assert list(rows[0]) == ["id", "text", "note", *RESULT_COLUMNS]
    assert [row["id"] for row in rows] == [str(i) for i in range(len(TEXTS))]
    assert (summary.rows, summary.errors) == (6, 2)
    assert "empty" in rows[3]["error"]
    assert "10,001 characters" in rows[5]["error"]
    assert rows[5]["text"] == TEXTS[5]
    for row, text in zip(rows[:3], TEXTS, strict=False):
        assert tuple(row[name] for name in RESULT_COLUMNS) == cells_of(classifier.classify(text))


def test_no_cell_starts_a_formula(tmp_path: Path) -> None:
    texts = ["=1+1", "@SUM(A1)", "\t=1", "-2+3+cmd|' /C calc'!A0", "+86 138"]
    score_table(_table(tmp_path / "in.csv", texts), tmp_path / "out.csv", ScoreOptions(), _quiet)
    for row in _read(tmp_path / "out.csv"):
        assert all(safe_cell(cell) == cell for cell in row.values())
    assert _read(tmp_path / "out.csv")[4]["text"] == "+86 138"  # a telephone number is no formula


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
def test_encodings_in_utf8_with_bom_out(tmp_path: Path, encoding: str) -> None:
    score_table(_table(tmp_path / "in.csv", TEXTS[:3], encoding), tmp_path / "out.csv", ScoreOptions(), _quiet)
    assert [row["text"] for row in _read(tmp_path / "out.csv")] == TEXTS[:3]


def test_output_is_refused_before_any_work(tmp_path: Path) -> None:
    source, output = _table(tmp_path / "in.csv", TEXTS), tmp_path / "out.csv"
    output.write_text("mine")
    for target, reason in ((output, "exists"), (source, "is the input"), (tmp_path, "directory"),
                           (tmp_path / "no" / "out.csv", "no such directory")):  # fmt: skip
        with pytest.raises(OutputError, match=reason):
            score_table(source, target, ScoreOptions(), _quiet)
    assert output.read_text() == "mine"
    score_table(source, output, ScoreOptions(force=True), _quiet)
    assert len(_read(output)) == len(TEXTS)
    with pytest.raises(OutputError, match="is the input"):
        score_table(source, source, ScoreOptions(force=True), _quiet)


@pytest.mark.parametrize("name", ["out.docx", "out.csv.gz", "out.xlsm"])
def test_unknown_ending_of_the_output_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"unknown ending, expected \.csv, \.tsv"):
        score_table(_table(tmp_path / "in.csv", TEXTS), tmp_path / name, ScoreOptions(), _quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_standard_output_is_no_file_named_minus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="standard output"):
        score_table(_table(tmp_path / "in.csv", TEXTS), Path("-"), ScoreOptions(), _quiet)


@pytest.mark.parametrize(("name", "mark"), [("out.tsv", "\t"), ("out.TXT", ","), ("out", ",")])
def test_ending_of_the_output_says_what_is_between_cells(tmp_path: Path, name: str, mark: str) -> None:
    score_table(_table(tmp_path / "in.csv", ["一\t二,三"]), tmp_path / name, ScoreOptions(), _quiet)
    with (tmp_path / name).open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file, delimiter=mark)
    assert header == ["id", "text", "note", *RESULT_COLUMNS]
    assert row[1] == "一\t二,三"


def test_cell_too_long_for_a_sheet_is_one_line(tmp_path: Path) -> None:
    """Once openpyxl's half-written sheet printed a traceback after it."""
    pytest.importorskip("openpyxl")
    (tmp_path / "in.csv").write_text(f"text,note\n在吗,{'长' * 32_768}\n", "utf-8")
    command = [sys.executable, "-m", "harassclf", "score", "in.csv", "-o", "out.xlsx"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert result.returncode == 2
    assert "32,767 characters" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]  # once the scored messages stayed beside it


def test_scored_table_is_not_scored_twice(tmp_path: Path) -> None:
    score_table(_table(tmp_path / "in.csv", TEXTS), tmp_path / "out.csv", ScoreOptions(), _quiet)
    with pytest.raises(TableError, match="already has predicted_label"):
        score_table(tmp_path / "out.csv", tmp_path / "again.csv", ScoreOptions(), _quiet)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_header_only_is_refused_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "in.csv").write_text("text\n", "utf-8")
    with pytest.raises(TableError, match="no rows"):
        score_table(tmp_path / "in.csv", tmp_path / f"out.{suffix}", ScoreOptions(), _quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_files_of_others_are_never_taken_for_work_files(tmp_path: Path) -> None:
    """Once an input named like the unfinished result was emptied and removed, with exit status 0."""
    source = _table(tmp_path / "data.csv.partial", TEXTS)
    with pytest.raises(OutputError, match="somebody else"):
        score_table(source, tmp_path / "data.csv", ScoreOptions(), _quiet)
    _table(tmp_path / "in.csv", TEXTS)
    with pytest.raises(OutputError, match="somebody else"):
        score_table(tmp_path / "in.csv", tmp_path / "data.csv", ScoreOptions(force=True), _quiet)
    assert len(list(open_table(source).rows())) == len(TEXTS)


def test_special_file_is_no_output(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="regular file"):
        score_table(_table(tmp_path / "in.csv", TEXTS), Path("/dev/null"), ScoreOptions(force=True), _quiet)


def test_parquet_column_that_holds_no_strings_is_refused(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    parquet.write_table(pa.table({"text": [1, 2]}), tmp_path / "in.parquet")
    with pytest.raises(TableError, match="holds int64, expected strings"):
        score_table(tmp_path / "in.parquet", tmp_path / "out.csv", ScoreOptions(), _quiet)


def test_resume_refuses_a_partial_file_that_is_too_short_or_a_damaged_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the missing bytes were filled with NULs, and the run reported success."""
    source = _interrupted(tmp_path, monkeypatch)
    (tmp_path / "out.csv.partial").write_bytes(b"short")
    with pytest.raises(OutputError, match="shorter than"):
        score_table(source, tmp_path / "out.csv", ScoreOptions(resume=True), _quiet)
    (tmp_path / "out.csv.progress").write_text('{"identity": {"inp')
    with pytest.raises(OutputError, match="damaged"):
        score_table(source, tmp_path / "out.csv", ScoreOptions(resume=True), _quiet)
    score_table(source, tmp_path / "out.csv", ScoreOptions(), _quiet)
    assert len(_read(tmp_path / "out.csv")) == 30


def _texts(n: int) -> list[str]:
    return [f"第{chr(0x4E00 + i)}期账单{'请还款' if i % 3 else '我去你单位找你'}" for i in range(n)]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_stopped_run_goes_on_and_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(batch, "_CHUNK", 10)
    source = _table(tmp_path / "in.csv", _texts(47))
    whole, stopped = tmp_path / f"whole.{suffix}", tmp_path / f"stopped.{suffix}"
    score_table(source, whole, ScoreOptions(), _quiet)

    def stop(rows: int, share: float) -> None:
        if rows >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_table(source, stopped, ScoreOptions(), stop)
    assert not stopped.exists()
    with (tmp_path / f"stopped.{suffix}.partial").open("ab") as file:
        file.write(b"half a row")  # what a kill in the middle of a write leaves
    summary = score_table(source, stopped, ScoreOptions(resume=True), _quiet)
    assert summary.rows == 47
    if suffix == "xlsx":  # a zip with the time of writing in it
        from harassclf.tables import open_table

        assert list(open_table(whole).rows()) == list(open_table(stopped).rows())
    else:
        assert whole.read_bytes() == stopped.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", whole.name, stopped.name}


def test_resume_refuses_another_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _interrupted(tmp_path, monkeypatch)
    _table(source, _texts(31))
    with pytest.raises(OutputError, match="belongs to another input"):
        score_table(source, tmp_path / "out.csv", ScoreOptions(resume=True), _quiet)


def test_several_workers_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_CHUNK", 10)
    source = _table(tmp_path / "in.csv", [*_texts(35), *TEXTS])
    score_table(source, tmp_path / "one.csv", ScoreOptions(), _quiet)
    score_table(source, tmp_path / "two.csv", ScoreOptions(workers=2), _quiet)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_repeated_messages_are_scored_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_CHUNK", 4)
    scored: list[str] = []
    original = batch.results_of
    monkeypatch.setattr(batch, "results_of", lambda c, texts: scored.extend(texts) or original(c, texts))
    score_table(_table(tmp_path / "in.csv", ["在吗", "还钱"] * 10), tmp_path / "out.csv", ScoreOptions(), _quiet)
    assert sorted(scored) == ["在吗", "还钱"]
    assert [row["predicted_label"] for row in _read(tmp_path / "out.csv")] == [
        _read(tmp_path / "out.csv")[i % 2]["predicted_label"] for i in range(20)
    ]


def test_parquet_keeps_its_column_types(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    parquet.write_table(pa.table({"text": ["还钱", "在吗"], "n": [1, 2]}), tmp_path / "in.parquet")
    score_table(tmp_path / "in.parquet", tmp_path / "out.parquet", ScoreOptions(), _quiet)
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["text", "n", *RESULT_COLUMNS]
    assert table.schema.field("n").type == pa.int64()
    assert table.num_rows == 2


def test_xlsx_output_holds_text_not_formulas(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    score_table(_table(tmp_path / "in.csv", ["=1+1", "还钱\x0b"]), tmp_path / "out.xlsx", ScoreOptions(), _quiet)
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    assert sheet["B2"].value == "=1+1"
    assert sheet["B2"].data_type == "s"


def test_xlsx_header_holds_text_not_formulas(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    (tmp_path / "in.csv").write_text("=1+1,text\n1,在吗\n", "utf-8")
    score_table(tmp_path / "in.csv", tmp_path / "out.xlsx", ScoreOptions(), _quiet)
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]["A1"].data_type == "s"


def test_sheets_that_are_not_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A workbook of a sheet a month was once scored for its first month without a word."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for name in ("一月", "二月", "三月"):
        book.create_sheet(name).append(["text"])
        book[name].append(["还钱"])
    del book["Sheet"]
    book.save(tmp_path / "in.xlsx")
    assert main(["score", str(tmp_path / "in.xlsx"), "-o", str(tmp_path / "out.csv")]) == 0
    assert "only the first visible sheet was read; left out: 二月, 三月\n" in capsys.readouterr().err
    assert (
        score_table(_table(tmp_path / "in.csv", ["还钱"]), tmp_path / "b.csv", ScoreOptions(), _quiet).sheets_left_out
        == ()
    )


def test_sheets_left_out_are_in_the_summary_after_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a file job of the service did not say which sheets it left out."""
    openpyxl = pytest.importorskip("openpyxl")
    monkeypatch.setattr(batch, "_CHUNK", 2)
    book = openpyxl.Workbook()
    for cell in ("text", *_texts(5)):
        book.active.append([cell])
    book.create_sheet("二月").append(["text"])
    book.save(tmp_path / "in.xlsx")

    def stop(rows: int, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_table(tmp_path / "in.xlsx", tmp_path / "out.csv", ScoreOptions(), stop)
    state = json.loads((tmp_path / "out.csv.progress").read_text("utf-8"))
    assert state["summary"].pop("sheets_left_out") == ["二月"]
    (tmp_path / "out.csv.progress").write_text(json.dumps(state))  # as an older version wrote it
    summary = score_table(tmp_path / "in.xlsx", tmp_path / "out.csv", ScoreOptions(resume=True), _quiet)
    assert (summary.rows, summary.to_dict()["sheets_left_out"]) == (5, ["二月"])
    assert Summary.from_dict(summary.to_dict()) == summary


def test_refusal_half_way_says_what_is_left_and_resume_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once it left the messages scored so far in a file that the error did not name."""
    monkeypatch.setattr(batch, "_CHUNK", 10)
    source, output = _table(tmp_path / "in.csv", _texts(30)), tmp_path / "out.csv"
    whole = CsvReader.rows

    def cut(reader: CsvReader) -> Iterator[Row]:
        yield from islice(whole(reader), 20)
        raise TableError("in.csv: is no longer utf-8")

    monkeypatch.setattr(CsvReader, "rows", cut)
    assert main(["score", str(source), "-o", str(output)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is no longer utf-8" in line
    assert f"{output}.partial" in line
    assert "--resume" in line
    assert "remove out.csv.partial and out.csv.progress" in line
    monkeypatch.setattr(CsvReader, "rows", whole)
    assert main(["score", str(source), "-o", str(output), "--resume"]) == 0
    assert len(_read(output)) == 30


@pytest.mark.parametrize("output", ["out.csv", "/", ".", "x" * 300])
def test_refusal_before_any_work_speaks_of_no_unfinished_file(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["score", "no.csv", "-o", output]) == 2
    assert capsys.readouterr().err == "harassclf: no.csv: no such file\n"


def test_progress_and_state_hold_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "_CHUNK", 2)

    def stop(rows: int, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_table(_table(tmp_path / "in.csv", ["绝密的一句话"] * 5), tmp_path / "out.csv", ScoreOptions(), stop)
    state = (tmp_path / "out.csv.progress").read_text("utf-8")
    assert "绝密" not in state
    assert json.loads(state)["summary"]["rows"] == 2
