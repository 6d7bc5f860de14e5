"""The evidence package: through the command line as a user meets it, and its parts."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harassclf import Classifier
from harassclf.errors import OutputError
from harassclf.timeline import package, printing
from harassclf.timeline.contacts import Reading, contacts_of
from harassclf.timeline.package import check_target, made_at, package_files, write_package, zip_bytes
from harassclf.timeline.parties import Parties
from harassclf.timeline.report import TABLE_COLUMNS, evidence_guide
from harassclf.timeline.thread import Timeline, build_timeline

AT = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
PHONE = "13812345678"
THREAD = f"""时间,方向,发送人,接收人,渠道,内容,时长
2026-03-01 22:00:00,收,02155501234,王小明,短信,再不还钱就把你通讯录里的人挨个打一遍,
2026-03-02 09:00,收,02155501234,孙丽丽,短信,你朋友王小明欠钱不还，我是李建国，电话{PHONE},
2026-03-02 10:00,收,02155501234,王小明,微信,<script>alert(1)</script>再不还钱就弄死你全家,
2026-03-02 11:00,收,02155501234,王小明,短信,"=HYPERLINK(""http://example.invalid"")",
坏时间{PHONE},收,02155501234,王小明,找王小明{PHONE},@SUM(1),
2026-03-02 12:00,收,02155501234,王小明,电话,,0
"""


def _run(*arguments: object, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "harassclf", "timeline", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=180, env=os.environ | environment)


def _refusal(result: subprocess.CompletedProcess[bytes], status: int = 2) -> str:
    assert result.returncode == status, result.stderr.decode()
    (line,) = result.stderr.decode().strip().splitlines()
    assert result.stdout == b""
    assert "Traceback" not in line
    return line


@pytest.fixture
def thread(tmp_path: Path) -> Path:
    path = tmp_path / "thread.csv"
    path.write_text(THREAD, "utf-8")
    return path


@pytest.fixture(scope="module")
def judged(classifier: Classifier) -> Timeline:
    lines = list(csv.DictReader(THREAD.splitlines()))
    return build_timeline(contacts_of(lines, Reading()), classifier, Parties(("王小明",)), "Asia/Shanghai")


def _files(timeline: Timeline, *, masked: bool = False, name: str = "thread.csv") -> dict[str, bytes]:
    return package_files(timeline, THREAD.encode(), name, masked=masked, at=AT, pdf=False)[0]


class _Page(HTMLParser):
    """Tags, attributes and text, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attributes]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_command_writes_all_of_it(thread: Path, tmp_path: Path) -> None:
    before, folder = thread.read_bytes(), tmp_path / "out"
    result = _run(thread, "-o", folder, "--zip", "--debtor", "王小明", "--no-pdf", SOURCE_DATE_EPOCH="1772700000")
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout.decode().split() == [str(folder), f"{folder}.zip"]
    assert PHONE not in result.stderr.decode()
    assert thread.read_bytes() == before
    assert (folder / "原始记录" / "thread.csv").read_bytes() == before
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files >= {"报告.html", "明细表.csv", "时间线.json", "说明.txt", "SHA256SUMS"}
    assert len([name for name in files if name.startswith("投诉草稿/")]) == len(evidence_guide()["channels"]) == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.zip", "thread.csv"]


def test_sums_are_of_every_file_and_the_zip_holds_the_same(thread: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert _run(thread, "-o", folder, "--zip", "--no-pdf").returncode == 0
    listed = dict(line.split("  ", 1)[::-1] for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines())
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert set(listed) == there
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == value for name, value in listed.items())
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert set(archive.namelist()) == {f"out/{name}" for name in there | {"SHA256SUMS"}}
        assert all(archive.read(f"out/{name}") == (folder / name).read_bytes() for name in there)


def test_the_same_input_and_time_give_the_same_bytes(judged: Timeline) -> None:
    first, second = _files(judged), _files(judged)
    assert first == second
    assert zip_bytes(first, "a", AT) == zip_bytes(dict(reversed(second.items())), "a", AT)
    assert made_at({"SOURCE_DATE_EPOCH": "0"}) == datetime(1970, 1, 1, tzinfo=UTC)
    zip_bytes(first, "a", made_at({"SOURCE_DATE_EPOCH": "0"}))


def test_table_has_a_line_for_each_contact_and_no_formula(judged: Timeline) -> None:
    rows = list(csv.reader(_files(judged)["明细表.csv"].decode("utf-8-sig").splitlines()))
    assert tuple(rows[0]) == TABLE_COLUMNS
    assert [row[0] for row in rows[1:]] == ["1", "2", "3", "4", "5", "6"]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert table[0]["判断"] == "催收骚扰"
    assert "22:00" in table[0]["规则标记"]
    assert table[1]["规则标记"] == "联系第三人;向第三人透露债务"
    assert table[3]["内容"].startswith("'=")
    assert table[4]["内容"] == "'@SUM(1)"
    assert table[4]["无法使用的原因"]
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "@", "\t", "\r")]


def test_report_shows_messages_as_text_and_asks_nobody(judged: Timeline) -> None:
    html = _files(judged)["报告.html"].decode()
    page = _Page(html)
    assert not {"script", "img", "iframe", "link", "object", "base", "form", "a"} & set(page.tags)
    assert not [value for name, value in page.attributes if name.startswith("on") or name in ("src", "href")]
    assert "<script>alert(1)</script>" in page.text.replace("\ufffd", "")
    assert not re.search(r"url\(|@import|https?://(?!example)", html)
    for part in (
        "原始设备",
        "不能证明",
        "可能涉及",
        "不构成法律意见",
        "Asia/Shanghai",
        hashlib.sha256(THREAD.encode()).hexdigest(),
    ):
        assert part in page.text or part in html, part


def test_drafts_leave_blanks_and_claim_nothing(judged: Timeline) -> None:
    drafts = {name: text.decode("utf-8-sig") for name, text in _files(judged).items() if name.startswith("投诉草稿/")}
    assert {channel for channel in ("110", "12378", "12345", "12321", "12315", "互联网金融协会", "个人信息") if any(channel in name for name in drafts)} == {"110", "12378", "12345", "12321", "12315", "互联网金融协会", "个人信息"}  # fmt: skip
    for text in drafts.values():
        assert "________" in text
        assert "可能涉及" in text
        assert "02155501234" in text
        assert "{" not in text
    police = next(text for name, text in drafts.items() if "110" in name)
    assert "第九十条" in police
    assert "二百九十三" not in police


def test_masked_package_hides_in_all_but_the_original(judged: Timeline) -> None:
    files = _files(judged, masked=True)
    for name, content in files.items():
        text = content.decode("utf-8-sig")
        if name.startswith("原始记录/"):
            assert content == THREAD.encode()
            continue
        for personal in (PHONE, "王小明", "孙丽丽", "李建国", "02155501234"):
            assert personal not in text, (name, personal)
    assert "138****5678" in files["明细表.csv"].decode()
    for row in json.loads(files["时间线.json"])["rows"]:
        for span in row["verdict"]["evidence"] if row["verdict"] else ():
            assert row["text"][span["start"] : span["end"]] == span["text"]


def test_masked_package_hides_names_in_notes_and_says_what_stays_readable(classifier: Classifier) -> None:
    """Notes name senders, which no note once did."""
    records = [{"time": "2026-03-02 09:00", "sender": sender, "text": "好"} for sender in ("孙丽丽", PHONE)]
    timeline = build_timeline(contacts_of(records, Reading()), classifier, Parties(), "Asia/Shanghai")
    assert f"孙丽丽、{PHONE}" in "".join(timeline.notes)
    for name, content in _files(timeline, masked=True).items():
        shown = "" if name.startswith("原始记录/") else content.decode("utf-8-sig")
        assert "孙丽丽" not in shown
        assert PHONE not in shown
    assert "仍可读" in _files(timeline, masked=True)["说明.txt"].decode("utf-8-sig")
    assert "仍可读" not in _files(timeline)["说明.txt"].decode("utf-8-sig")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b.csv", "C:\\x.csv", "\u202egnp.csv", "", "...", "长" * 300 + ".csv", "a\nb.csv"]
)
def test_a_path_in_the_name_goes_nowhere(judged: Timeline, name: str) -> None:
    (original,) = [path for path in _files(judged, name=name) if path.startswith("原始记录/")]
    assert len(original.split("/")) == 2
    assert original.split("/")[1] not in ("", ".", "..")
    assert original.isprintable()
    assert len(original.encode()) < 255


def test_nothing_to_write_to(thread: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("x")
    (tmp_path / "out.zip").write_text("x")
    for arguments, reason in (
        ([tmp_path / "file"], "is a file"),
        ([tmp_path / "full"], "exists already"),
        ([tmp_path / "full", "--force"], "not an evidence package"),
        ([tmp_path / "nowhere" / "out"], "no such directory"),
        ([thread], "input"),
        ([tmp_path, "--force"], "input"),
        ([tmp_path / "out", "--zip"], "exists already"),
    ):
        assert reason in _refusal(_run(thread, "-o", *arguments))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full", "out.zip", "thread.csv"]
    assert (tmp_path / "full" / "diary.txt").read_text() == "x"


def test_force_replaces_a_package_and_only_in_one_step(
    judged: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    write_package(_files(judged), folder, AT, zipped=False)
    (folder / "old.txt").write_text("x")
    check_target(folder, None, force=True, zipped=False)
    with pytest.raises(OutputError, match="--force"):
        check_target(folder, None, force=False, zipped=False)
    monkeypatch.setattr(package, "zip_path", lambda folder: tmp_path / "nowhere" / "out.zip")
    with pytest.raises(OutputError):
        write_package(_files(judged), folder, AT, zipped=True)
    assert (folder / "old.txt").exists()
    write_package(_files(judged), folder, AT, zipped=False)
    assert not (folder / "old.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failed_write_leaves_nothing(judged: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    files = _files(judged)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        write_package(files, tmp_path / "out", AT, zipped=True)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM to catch")
def test_a_stopped_run_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "thread.csv"
    path.write_text(THREAD + "2026-03-02 12:00,收,02155501234,王小明,短信,请还款,\n" * 40_000, "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "harassclf", "timeline", str(path), "-o", str(tmp_path / "out")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert [found.name for found in tmp_path.iterdir()] == ["thread.csv"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "text\n秘密\n", "no column of times"),
        ("a.csv", "", "empty"),
        ("a.csv", "time,text\n", "no rows"),
        ("a.txt", "秘密的一句话\n", "no line with a time"),
        ("a.json", "{", "JSON"),
        ("a.xlsx", "PK", "XLSX"),
    ],
)
def test_unusable_input_is_one_line(tmp_path: Path, name: str, content: str, reason: str) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    line = _refusal(_run(path, "-o", tmp_path / "out"))
    assert reason in line
    assert "秘密的一句话" not in line
    assert [found.name for found in tmp_path.iterdir()] == [name]


def test_wrong_use_is_one_line(thread: Path, tmp_path: Path) -> None:
    assert "IANA" in _refusal(_run(thread, "--json", "--timezone", "Mars/Base"))
    assert "-o FOLDER" in _refusal(_run(thread))
    assert "no such file" in _refusal(_run(tmp_path / "nothing.csv", "--json")).lower()


@pytest.mark.parametrize(("encoding", "reason"), [("ascii", "is not ascii throughout"), ("klingon", "not an encoding")])
def test_a_named_encoding_that_does_not_fit_is_one_line(tmp_path: Path, encoding: str, reason: str) -> None:
    """The line once advised the option that had been given."""
    path = tmp_path / "a.txt"
    path.write_text("2026-03-01 22:15 张经理: 请还款", "utf-8")
    assert reason in _refusal(_run(path, "--json", "--encoding", encoding))


def test_pasted_text_from_standard_input_as_json() -> None:
    result = _run("-", "--json", stdin="2026-03-01 22:15 张经理: 请还款\n2026-03-01 22:16 我: 好".encode())
    assert result.returncode == 0
    found = json.loads(result.stdout)
    assert [row["direction"] for row in found["rows"]] == ["in", "out"]
    assert found["flags"][0]["rule"] == "quiet_hours"


def test_the_request_kept_by_http_is_an_input_again(tmp_path: Path) -> None:
    path = tmp_path / "请求.json"
    path.write_text(
        json.dumps({"contacts": [{"time": "2026-03-01T14:00:00Z", "text": "请还款"}], "timezone": "UTC"}), "utf-8"
    )
    assert json.loads(_run(path, "--json").stdout)["flags"][0]["rows"] == [1]


def test_without_a_browser_the_package_says_so(judged: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    files, reason = package_files(judged, b"x", "x.csv", masked=False, at=AT, pdf=True)
    assert reason == printing.NO_BROWSER
    assert "报告.pdf" not in files
    assert reason in files["说明.txt"].decode("utf-8-sig")


def test_a_browser_that_fails_costs_only_the_pdf(judged: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printing, "find_browser", lambda: "/bin/false")
    files, reason = package_files(judged, b"x", "x.csv", masked=False, at=AT, pdf=True)
    assert reason == printing.FAILED
    assert "报告.html" in files


@pytest.mark.skipif(printing.find_browser() is None, reason="no Chromium, Chrome or Edge to print with")
def test_pdf_is_printed_and_dated(judged: Timeline) -> None:
    files, reason = package_files(judged, b"x", "x.csv", masked=False, at=AT, pdf=True)
    assert reason == ""
    assert files["报告.pdf"].startswith(b"%PDF-")
    assert b"D:20260305200000" in files["报告.pdf"]  # Asia/Shanghai
    assert "报告.pdf" in files["SHA256SUMS"].decode()


def test_help_loads_nothing_heavy() -> None:
    heavy = ("numpy", "pandas", "jinja2", "zoneinfo", "jieba", "rjieba", "opencc", "fastapi", "openpyxl")
    code = (
        "import sys\nfrom harassclf.cli import main\n"
        "try:\n    main(['timeline', '--help'])\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stderr.strip() == "[]"
    assert "--debtor" in result.stdout


def test_long_lists_of_rows_are_cut_where_people_read(classifier: Classifier) -> None:
    records = [{"time": f"2026-03-0{1 + i % 9} 23:{i % 60:02}", "text": "请还款"} for i in range(200)]
    timeline = build_timeline(contacts_of(records, Reading()), classifier, Parties(), "Asia/Shanghai")
    files = package_files(timeline, b"x", "x.json", masked=False, at=AT, pdf=False)[0]
    assert "等 200 行" in files["报告.html"].decode()
    assert len(json.loads(files["时间线.json"])["flags"][0]["rows"]) == 200
