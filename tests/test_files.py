"""Tables over HTTP, as the page uses them: upload, columns, scoring, rows, download, deletion."""

from __future__ import annotations

import csv
import io
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

pytest.importorskip("httpx2")
from fastapi.testclient import TestClient

from harassclf.service import file_store
from harassclf.service.app import create_app
from harassclf.service.file_store import FileStore, plain_name, private_folder
from harassclf.service.file_work import hour_of
from harassclf.settings import Settings

SECRET = "独此一句绝密短语"  # noqa: S105
ROWS = [
    ("2026-03-01 09:15:00", "再不还钱就把你通讯录里的人挨个打一遍"),
    ("2026-03-01 23:40:00", "你这种欠钱不还的畜生，全家都不得好死"),
    ("2026-03-02 09:05:00", "您尾号3021的贷款已逾期5天，应还2,318.40元，请尽快存入还款账户"),
    ("没有写", "晚上吃什么"),
    ("2026-03-02 10:00:00", ""),
]


def table(rows: list[tuple[str, ...]], header: tuple[str, ...] = ("时间", "内容")) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode()


def upload(client: TestClient, content: bytes, name: str = "contacts.csv") -> Any:
    return client.post("/v1/files", content=content, headers={"X-Filename": quote(name, safe="%")})


def score(client: TestClient, content: bytes, name: str = "contacts.csv", **columns: int) -> dict[str, Any]:
    """Upload, score, wait for the end; the last status."""
    stored = upload(client, content, name).json()
    chosen = {key: value for key, value in stored["suggested"].items() if value is not None} | columns
    assert client.post(f"/v1/files/{stored['id']}/score", json=chosen).status_code == 202
    for _ in range(600):
        status = client.get(f"/v1/files/{stored['id']}").json()
        if status["state"] in ("done", "failed"):
            return dict(status)
        time.sleep(0.1)
    raise AssertionError(f"still {status['state']}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    settings = Settings(max_upload=300_000, max_files=50, files_root=folder)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def scored(client: TestClient) -> dict[str, Any]:
    return score(client, table(ROWS))


def test_upload_shows_columns_and_proposes(client: TestClient) -> None:
    answer = upload(client, table(ROWS), "%E8%AE%B0%E5%BD%95.csv")
    assert answer.status_code == 201
    shown = answer.json()
    assert (shown["name"], shown["state"], shown["columns"]) == ("记录.csv", "uploaded", ["时间", "内容"])
    assert shown["suggested"] == {"text_column": 1, "time_column": 0}
    assert shown["preview"][0] == list(ROWS[0])


def test_summary_counts_labels_categories_and_hours(scored: dict[str, Any]) -> None:
    assert (scored["state"], scored["error"], scored["share"]) == ("done", None, 1.0)
    summary = scored["summary"]
    assert summary["rows"] == 5
    assert summary["labels"] == {"harassment": 2, "collection": 1, "other": 1}
    assert summary["errors"] == 1
    assert summary["categories"]["insult"] == 1
    by_hour = {hour["hour"]: hour for hour in summary["hours"]}
    assert len(by_hour) == 24
    assert (by_hour[9]["harassment"], by_hour[9]["collection"], by_hour[23]["harassment"]) == (1, 1, 1)
    assert summary["times_unread"] == 1


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("label=harassment", [1, 2]),
        ("label=collection", [3]),
        ("category=insult", [2]),
        ("q=尾号3021", [3]),
        ("q=2026-03-01", [1, 2]),
        ("label=harassment&q=通讯录", [1]),
        ("offset=1&limit=2", [2, 3]),
        ("offset=99", []),
    ],
)
def test_rows_are_filtered_and_paged(
    client: TestClient, scored: dict[str, Any], query: str, numbers: list[int]
) -> None:
    answer = client.get(f"/v1/files/{scored['id']}/rows?{query}").json()
    assert [row["number"] for row in answer["rows"]] == numbers
    assert answer["total"] >= len(numbers)
    assert answer["columns"] == ["时间", "内容"]
    assert all(row["cells"] == list(ROWS[row["number"] - 1]) for row in answer["rows"])


@pytest.mark.parametrize("query", ["limit=0", "limit=9999", "offset=-1", "label=x", "category=x", "q=" + "长" * 201])
def test_unusable_filter_is_422(client: TestClient, scored: dict[str, Any], query: str) -> None:
    assert client.get(f"/v1/files/{scored['id']}/rows?{query}").status_code == 422


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("page=99&limit=0", "query parameter limit: expected a whole number, at least 1"),
        ("limit=201", "query parameter limit: expected a whole number, at most 200"),
        (f"offset={SECRET}", "query parameter offset: expected a whole number"),
        (f"review={SECRET}", "query parameter review: expected true or false"),
        ("q=" + SECRET * 30, "query parameter q: over the limit of 200 characters"),
    ],
)
def test_an_unusable_filter_is_named(client: TestClient, scored: dict[str, Any], query: str, told: str) -> None:
    assert client.get(f"/v1/files/{scored['id']}/rows?{query}").json()["error"]["message"] == told


def test_a_missing_file_name_is_told_as_a_header(client: TestClient) -> None:
    answer = client.post("/v1/files", content=table(ROWS))
    assert (answer.status_code, answer.json()["error"]["message"]) == (422, "header X-Filename: missing")


def test_download_is_the_scored_table(client: TestClient, scored: dict[str, Any]) -> None:
    answer = client.get(f"/v1/files/{scored['id']}/result")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''contacts-harassclf.csv"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["predicted_label"] for row in rows] == ["harassment", "harassment", "collection", "other", ""]
    assert [row["内容"] for row in rows] == [text for _, text in ROWS]
    assert client.get(f"/v1/files/{scored['id']}/result?format=xlsx").status_code == 422


def test_xlsx_comes_back_as_xlsx_and_as_csv(client: TestClient) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [("消息",), (ROWS[0][1],), ("=1+1",), ("=cmd|' /C calc'!A0",)]:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    status = score(client, content.getvalue(), "表.xlsx")
    assert status["summary"]["labels"]["harassment"] == 1
    assert status["summary"]["hours"] is None
    made = client.get(f"/v1/files/{status['id']}/result?format=xlsx").content
    cells = [cell for row in openpyxl.load_workbook(io.BytesIO(made)).active.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)


def test_formulas_and_html_stay_text(client: TestClient) -> None:
    hostile = [('=HYPERLINK("http://a")', "<img src=x onerror=alert(1)>"), ("@SUM(1)", "<script>alert(1)</script>")]
    status = score(client, table(hostile), text_column=1)
    rows = client.get(f"/v1/files/{status['id']}/rows").json()["rows"]
    assert rows[0]["cells"][1] == hostile[0][1]
    content = client.get(f"/v1/files/{status['id']}/result").content.decode("utf-8-sig")
    assert all(not cell.startswith(("=", "@")) for row in csv.reader(io.StringIO(content)) for cell in row)


def _zip_bomb() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * 250_000_000)
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("a.csv", b"", 422, "file_invalid"),
        ("a.csv", b"\x00\x01\x02", 422, "file_invalid"),
        ("a.csv", b"\n\n", 422, "file_invalid"),
        ("a.csv", SECRET.encode("utf-16-le")[:-1] + b"\xff", 422, "file_invalid"),
        ("a.csv", b'text\n"never closed', 422, "file_invalid"),
        ("a.xlsx", b"PK\x03\x04 no", 422, "file_invalid"),
        ("a.xlsx", SECRET.encode(), 422, "file_invalid"),
        ("a.exe", b"text\nhello", 422, "file_invalid"),
        ("", b"text\nhello", 422, "file_invalid"),
        ("a.csv", b"text\n" + b"x" * 400_000, 413, "file_too_large"),
        ("bomb.xlsx", _zip_bomb, 422, "file_invalid"),
        ("a.csv", b"text,time\n", 422, "file_invalid"),
        ("a.csv", f"text,predicted_label\n{SECRET},other\n".encode(), 422, "file_invalid"),
    ],
    ids=range(13),
)
def test_what_is_no_table_is_refused_and_leaves_nothing(
    client: TestClient, folder: Path, name: str, content: Any, status: int, code: str
) -> None:
    before = set(folder.iterdir())
    answer = upload(client, content() if callable(content) else content, name)
    assert answer.status_code == status
    assert SECRET not in answer.text
    assert str(folder) not in answer.text
    assert answer.json()["error"]["code"] == code
    assert set(folder.iterdir()) == before


def test_a_table_that_breaks_on_the_way_says_why(client: TestClient) -> None:
    status = score(client, b"text\n" + b"hello\n" * 300 + b'"never closed', text_column=0)
    assert status["state"] == "failed"
    assert "never closed" in status["error"]["message"]
    assert "/" not in status["error"]["message"]
    assert client.get(f"/v1/files/{status['id']}/rows").status_code == 409


@pytest.mark.parametrize(
    "body", [{}, {"text_column": 2}, {"text_column": -1}, {"text_column": 0, "time_column": 7}, []]
)
def test_columns_that_are_not_there_are_422(client: TestClient, body: Any) -> None:
    stored = upload(client, table(ROWS)).json()
    assert client.post(f"/v1/files/{stored['id']}/score", json=body).status_code == 422
    client.delete(f"/v1/files/{stored['id']}")


@pytest.mark.parametrize("name", ["text_column", "time_column"])
@pytest.mark.parametrize("value", [SECRET, -1, 1.5])
def test_a_column_is_told_to_be_a_position(client: TestClient, scored: dict[str, Any], name: str, value: Any) -> None:
    answer = client.post(f"/v1/files/{scored['id']}/score", json={"text_column": 0} | {name: value})
    message = answer.json()["error"]["message"]
    assert message == f"{name}: expected the position of a column, a whole number from 0 for the first one"


def test_twice_named_column_and_second_start_are_refused(client: TestClient, scored: dict[str, Any]) -> None:
    stored = upload(client, table([("a", "b")], ("内容", "内容"))).json()
    assert client.post(f"/v1/files/{stored['id']}/score", json={"text_column": 1}).status_code == 422
    assert client.post(f"/v1/files/{scored['id']}/score", json={"text_column": 1}).status_code == 422


@pytest.mark.parametrize("file_id", ["x" * 32, "..", "%2e%2e", "..%2f..%2fetc", "in-use", "a" * 5_000])
def test_unknown_id_is_404(client: TestClient, file_id: str) -> None:
    for suffix in ("", "/rows", "/result"):
        assert client.get(f"/v1/files/{file_id}{suffix}").status_code == 404
    assert client.delete(f"/v1/files/{file_id}").status_code in (404, 405)


def test_folders_are_private_and_deletion_removes_every_byte(client: TestClient, folder: Path) -> None:
    status = score(client, table([("2026-01-01 10:00", SECRET)]))
    place = folder / status["id"]
    assert place.stat().st_mode & 0o777 == 0o700
    assert client.delete(f"/v1/files/{status['id']}").status_code == 204
    assert not place.exists()
    assert client.get(f"/v1/files/{status['id']}").status_code == 404


def test_deleted_while_it_runs(client: TestClient, folder: Path) -> None:
    stored = upload(client, table([("2026-01-01", f"第{i}条消息") for i in range(5_000)])).json()
    client.post(f"/v1/files/{stored['id']}/score", json={"text_column": 1})
    assert client.delete(f"/v1/files/{stored['id']}").status_code == 204
    assert not (folder / stored["id"]).exists()
    assert score(client, table(ROWS))["state"] == "done"  # the turn was given back


def test_too_many_tables_are_503_with_retry_after() -> None:
    with TestClient(create_app(Settings(max_files=1))) as client:
        first = upload(client, table(ROWS)).json()
        refused = upload(client, table(ROWS))
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "files_full")
        assert int(refused.headers["retry-after"]) >= 1
        client.delete(f"/v1/files/{first['id']}")
        assert upload(client, table(ROWS)).status_code == 201


def test_nothing_is_left_when_the_service_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_store.tempfile, "tempdir", str(tmp_path))
    with TestClient(create_app(Settings())) as client:
        assert upload(client, table(ROWS)).status_code == 201
        assert len(list(tmp_path.glob("harassclf-files-*"))) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_killed_server_is_cleaned_up_after_and_a_living_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_store.tempfile, "tempdir", str(tmp_path))
    abandoned = tmp_path / "harassclf-files-dead"
    abandoned.mkdir()
    (abandoned / "in-use").touch()
    (abandoned / "input.csv").write_text(SECRET)
    with private_folder() as living, private_folder() as second:
        assert living.is_dir()
        assert second.is_dir()
        assert not abandoned.exists()


def test_a_table_expires(tmp_path: Path) -> None:
    store = FileStore(tmp_path, limit=5, seconds=60)
    old, new = store.create("a.csv"), store.create("b.csv")
    os.utime(old.folder / "name", (0, 0))
    assert store.remove_expired() == [old.id]
    assert new.folder.is_dir()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\me\\表.xlsx", "表.xlsx"),
        ("a\nb\x00.csv", "ab.csv"),
        ("", "table"),
        ("/", "table"),
        ("长" * 300 + ".csv", "长" * 117 + ".csv"),
    ],
)
def test_file_name_without_folders_and_control_characters(given: str, kept: str) -> None:
    assert plain_name(given) == kept


@pytest.mark.parametrize(
    ("cell", "hour"),
    [
        ("2026-03-01 09:15:00", 9),
        ("2026/3/1 23:05", 23),
        ("2026-03-01T00:00:00+08:00", 0),
        ("3月1日 下午3:20", 15),
        ("晚上11点", 23),
        ("上午12:30", 0),
        ("3/1/2026 3:20 PM", 15),
        ("12:05 AM", 0),
        ("中午12点", 12),
        ("2026-03-01", None),
        ("99:10", None),
        ("", None),
    ],
)
def test_hour_of_the_clock(cell: str, hour: int | None) -> None:
    assert hour_of(cell) == hour
