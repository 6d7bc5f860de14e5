"""Feedback: what is stored and what is not, many writers, limits, damaged lines, export, command line, HTTP."""

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harassclf import Classifier, Prediction
from harassclf.classifier import Category
from harassclf.cli import main
from harassclf.feedback import (
    FeedbackFullError,
    FeedbackUnreadableError,
    FeedbackUnwritableError,
    Record,
    append,
    feedback_path,
    read,
    record_of,
    sha256_of,
)
from harassclf.label_studio import WISH, labelling_interface, tasks
from harassclf.labels import CATEGORIES, LABELS
from harassclf.settings import Settings, from_environment

SECRET = "独此一句绝密短语"  # noqa: S105
LIMIT = 1_000_000
VERDICT = Prediction(
    "harassment",
    {"harassment": 0.9, "collection": 0.08, "other": 0.02},
    True,
    (Category("threat", "威胁恐吓", 0.8, ()),),
    (),
    "harassclf-zh-9.9",
)
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions and locks")


def _record(text: str = SECRET, **more: Any) -> Record:
    return record_of(text, VERDICT, label="other", **more)


def test_text_is_stored_only_when_ticked(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    append(path, _record(), limit=LIMIT)
    append(path, _record(keep_text=True, comment="朋友之间开玩笑"), limit=LIMIT)
    first, second = (json.loads(line) for line in path.read_bytes().splitlines())
    assert first["text"] is None
    assert SECRET not in json.dumps(first, ensure_ascii=False)
    assert first["text_sha256"] == sha256_of(SECRET) == second["text_sha256"]
    assert (second["text"], second["comment"]) == (SECRET, "朋友之间开玩笑")
    assert first["verdict"] == {
        "label": "harassment",
        "categories": ["threat"],
        "probabilities": VERDICT.probabilities,
        "needs_review": True,
    }
    assert first["model"] == "harassclf-zh-9.9"
    assert first["id"] != second["id"]
    assert first["time"].endswith("Z")


def test_categories_count_only_for_harassment_and_keep_their_order() -> None:
    wish = record_of("x", VERDICT, label="harassment", categories=["insult", "threat", "insult"])
    assert wish.wished_categories == ("threat", "insult")
    assert record_of("x", VERDICT, label="other", categories=["threat"]).wished_categories == ()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    written = [_record(), _record(keep_text=True), _record("line\u2028break\n\x00 \U0001f46a", keep_text=True)]
    for record in written:
        append(path, record, limit=LIMIT)
    assert read(path) == (written, [])


@settings(deadline=None, max_examples=100)
@given(st.text(min_size=1), st.text(max_size=50), st.booleans())
def test_any_text_makes_one_line_that_reads_again(text: str, comment: str, keep: bool) -> None:
    record = record_of(text, VERDICT, label="collection", comment=comment, keep_text=keep)
    line = json.dumps(record.to_dict())
    assert "\n" not in line
    assert Record.from_dict(json.loads(line)) == record


@POSIX
def test_file_and_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "f.jsonl"
    append(path, _record(), limit=LIMIT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o640)  # an operator's choice is left alone
    append(path, _record(), limit=LIMIT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_full_file_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    append(path, _record(), limit=LIMIT)
    before = path.read_bytes()
    with pytest.raises(FeedbackFullError, match="HARASSCLF_MAX_FEEDBACK"):
        append(path, _record(), limit=len(before) + 10)
    assert path.read_bytes() == before


def test_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f.jsonl"
    append(path, _record(), limit=LIMIT)
    before, write = path.read_bytes(), os.write
    monkeypatch.setattr("os.write", lambda descriptor, data: write(descriptor, data[:20]))
    with pytest.raises(FeedbackUnwritableError):
        append(path, _record(), limit=LIMIT)
    assert path.read_bytes() == before


def test_line_that_a_crash_cut_off_does_not_damage_the_next(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"format": 1, "id')
    record = _record()
    append(path, record, limit=LIMIT)
    records, damaged = read(path)
    assert records == [record]
    assert [(line.line, line.reason) for line in damaged] == [(1, "not JSON")]


@pytest.mark.parametrize("name", ["", "missing/x/f.jsonl"])
def test_unwritable_place_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "missing").write_text("a file where a folder should be")
    with pytest.raises(FeedbackUnwritableError, match="HARASSCLF_FEEDBACK") as refused:
        append(tmp_path / name, _record(keep_text=True), limit=LIMIT)
    assert SECRET not in str(refused.value)


@POSIX
def test_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "other", tmp_path / "f.jsonl"
    target.write_text("")
    link.symlink_to(target)
    with pytest.raises(FeedbackUnwritableError):
        append(link, _record(), limit=LIMIT)
    assert target.read_text() == ""


@POSIX
def test_many_processes_lose_and_mix_no_line(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    code = (
        "import sys\nfrom pathlib import Path\nfrom harassclf.feedback import Record, append, sha256_of\n"
        "for i in range(40):\n"
        "    text = f'{sys.argv[2]}-{i}-' + '长' * 3000\n"
        "    append(Path(sys.argv[1]), Record(str(i), '', 'm', sha256_of(text), 'other', (), dict.fromkeys("
        "('harassment', 'collection', 'other'), 0.3), False, 'other', (), '', text), limit=10**9)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 4
    records, damaged = read(path)
    assert damaged == []
    assert len({record.text for record in records}) == 160


GOOD = _record(keep_text=True).to_dict()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "format 1"),
        (b'{"format": 2}', "format 1"),
        (json.dumps({**GOOD, "text": 5}).encode(), "another type"),
        (json.dumps({**GOOD, "verdict": None}).encode(), "another type"),
        (json.dumps({k: v for k, v in GOOD.items() if k != "wish"}).encode(), "missing"),
        (json.dumps({**GOOD, "wish": {"label": "spam", "categories": []}}).encode(), "label"),
        (json.dumps({**GOOD, "wish": {"label": "harassment", "categories": ["spam"]}}).encode(), "category"),
        (json.dumps({**GOOD, "wish": {"label": ["x"], "categories": []}}).encode(), "another type"),
        (json.dumps({**GOOD, "text": SECRET + "x"}).encode(), "SHA-256"),
    ],
)  # fmt: skip
def test_damaged_line_is_named_by_number_and_the_rest_is_read(line: bytes, reason: str, tmp_path: Path) -> None:
    path, good = tmp_path / "f.jsonl", json.dumps(GOOD).encode()
    path.write_bytes(b"\n".join([good, line, b"", good]) + b"\n")
    records, damaged = read(path)
    assert len(records) == 2
    assert [found.line for found in damaged] == [2]
    assert reason in damaged[0].reason
    assert SECRET not in damaged[0].reason


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FeedbackUnreadableError, match="expected"):
        read(tmp_path / "none.jsonl")


def test_place_of_the_file(tmp_path: Path) -> None:
    assert feedback_path("off") is None
    assert feedback_path(" OFF ") is None
    assert feedback_path("/srv/f.jsonl") == Path("/srv/f.jsonl")
    assert feedback_path("", {"STATE_DIRECTORY": "/var/lib/harassclf:/x"}) == Path("/var/lib/harassclf/feedback.jsonl")
    default = feedback_path("", {})
    assert default is not None
    assert default.parts[-2:] == ("harassclf", "feedback.jsonl")
    assert from_environment({"HARASSCLF_FEEDBACK": "off", "HARASSCLF_MAX_FEEDBACK": "5"}) == Settings(
        feedback="off", max_feedback=5
    )


def test_label_studio_tasks_fit_their_interface() -> None:
    wish = record_of(SECRET, VERDICT, label="harassment", categories=["insult"], comment="更像辱骂", keep_text=True)
    found = tasks([_record(), wish, _record(keep_text=True)])
    assert [task["data"]["text"] for task in found] == [SECRET, SECRET]
    assert found[0]["data"]["comment"] == "更像辱骂"
    said, wished = found[0]["predictions"]
    assert (said["model_version"], said["score"], wished["model_version"]) == ("harassclf-zh-9.9", 0.9, WISH)
    interface = ElementTree.fromstring(labelling_interface())
    choices = {
        element.get("name"): {choice.get("value") for choice in element} for element in interface.iter("Choices")
    }
    assert choices == {"label": set(LABELS), "categories": set(CATEGORIES)}
    assert interface.find("Text").get("value") == "$text"
    for prediction in (prediction for task in found for prediction in task["predictions"]):
        for result in prediction["result"]:
            assert (result["type"], result["to_name"]) == ("choices", interface.find("Text").get("name"))
            assert set(result["value"]["choices"]) <= choices[result["from_name"]]
    assert [r["value"]["choices"] for r in wished["result"]] == [["harassment"], ["insult"]]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "f.jsonl"
    for record in (_record(), _record(keep_text=True, comment="a\x1b[31m"), replace(_record(), model="harassclf-zh-8")):
        append(path, record, limit=LIMIT)
    with path.open("ab") as file:
        file.write(b"broken\n")
    return path


def test_export(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, interface = tmp_path / "tasks.json", tmp_path / "interface.xml"
    command = ["feedback", "export", str(stored), "-o", str(out), "--interface", str(interface)]
    assert main(command) == 0
    output = capsys.readouterr()
    assert len(json.loads(out.read_text("utf-8"))) == 1
    assert interface.read_text("utf-8") == labelling_interface()
    assert "line 4: not JSON" in output.err
    assert "1 tasks; 2 records without a text left out" in output.err
    assert SECRET not in output.out + output.err
    if sys.platform != "win32":
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err.splitlines()[-1]
    assert main([*command, "--force"]) == 0
    assert main(["feedback", "export", str(stored), "-o", str(tmp_path / "no" / "t.json")]) == 2


def test_export_checks_both_targets_before_it_writes(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once the tasks were written before the interface was refused."""
    out, interface = tmp_path / "t2.json", tmp_path / "i.xml"
    interface.write_text("mine")
    for second in (interface, out, tmp_path / "no" / "i.xml", tmp_path):
        assert main(["feedback", "export", str(stored), "-o", str(out), "--interface", str(second)]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
        assert not out.exists()
    assert interface.read_text() == "mine"


@pytest.mark.parametrize("command", [["summary"], ["list", "--json"], ["export", "-o", "t.json"]])
def test_file_that_is_no_feedback_file_is_one_line(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once each of its rows was a line on standard error, with exit status 0."""
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("text\n" + f"{SECRET}\n" * 50, "utf-8")
    assert main(["feedback", command[0], "in.csv", *command[1:]]) == 2
    output = capsys.readouterr()
    assert output.err == "harassclf: in.csv: none of its 51 lines is a feedback record; expected a file that harassclf wrote\n"  # fmt: skip
    assert output.out == ""
    assert not Path("t.json").exists()
    Path("empty.jsonl").write_text("")
    assert main(["feedback", "summary", "empty.jsonl"]) == 0


def test_list_and_summary_show_no_text(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["list"], ["list", "--json"], ["summary"], ["summary", "--json"]):
        assert main(["feedback", arguments[0], str(stored), *arguments[1:]]) == 0
        output = capsys.readouterr()
        assert SECRET not in output.out + output.err
        assert "\x1b" not in output.out
    summary = json.loads(output.out)
    assert (summary["records"], summary["with_text"]) == (3, 1)
    assert summary["wishes"][0] == {"model": "harassclf-zh-9.9", "label": "harassment", "wished": "other", "records": 2}


def test_command_reads_the_configured_file(
    stored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HARASSCLF_FEEDBACK", str(stored))
    assert main(["feedback", "summary"]) == 0
    assert capsys.readouterr().out.startswith("3 records")
    monkeypatch.setenv("HARASSCLF_FEEDBACK", "off")
    assert main(["feedback", "summary"]) == 2
    monkeypatch.setenv("HARASSCLF_FEEDBACK", str(stored.with_name("none")))
    assert main(["feedback", "list"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 2


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "served.jsonl"


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    pytest.importorskip("httpx2")
    from fastapi.testclient import TestClient

    from harassclf.service.app import create_app

    application = create_app(Settings(feedback="off"))
    with TestClient(application, raise_server_exceptions=False) as client:
        yield application, client


@pytest.fixture
def client(app: Any, place: Path) -> Any:
    application, client = app
    application.state.settings = Settings(feedback=str(place))
    return client


def test_http_stores_the_service_s_own_verdict(client: Any, place: Path, classifier: Classifier) -> None:
    text = "再不还钱就爆你通讯录"
    assert client.get("/v1/feedback").json() == {"enabled": True}
    assert not place.exists()
    answer = client.post("/v1/feedback", json={"text": text, "label": "harassment", "categories": ["threat"]})
    assert answer.status_code == 201
    body, verdict = answer.json(), classifier.classify(text)
    (record,), damaged = read(place)
    assert damaged == []
    assert (record.id, record.time, record.text) == (body["id"], body["time"], None)
    assert (record.label, record.model) == (verdict.label, verdict.model) == (body["verdict"]["label"], body["model"])
    assert record.wished_categories == ("threat",)
    assert (body["kept_text"], body["text_sha256"]) == (False, sha256_of(text))
    assert client.post("/v1/feedback", json={"text": text, "label": "other", "keep_text": True}).json()["kept_text"]
    assert read(place)[0][1].text == text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"text": ""}, "text_empty"),
        ({"text": " "}, "text_empty"),
        ({"text": SECRET * 2_000}, "text_too_long"),
        ({"label": "spam"}, "value_unknown"),
        ({"label": None}, "value_unknown"),
        ({"categories": ["spam"]}, "value_unknown"),
        ({"categories": "threat"}, "texts_not_list"),
        ({"comment": SECRET * 200}, "comment_too_long"),
        ({"keep_text": "yes"}, "value_unknown"),  # consent is true, not what can be read as true
        ({"keep_text": 1}, "value_unknown"),
    ],
)
def test_http_refuses_and_stores_nothing(client: Any, place: Path, change: dict[str, Any], code: str) -> None:
    answer = client.post("/v1/feedback", json={"text": SECRET, "label": "other", **change})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert SECRET not in answer.text
    assert not place.exists()


def test_http_when_off_full_or_unwritable(app: Any, place: Path, caplog: pytest.LogCaptureFixture) -> None:
    application, client = app
    caplog.set_level(logging.DEBUG)
    for chosen, status, code in (
        (Settings(feedback="off"), 403, "feedback_off"),
        (Settings(feedback=str(place), max_feedback=10), 503, "feedback_full"),
        (Settings(feedback=str(place.parent)), 503, "feedback_unwritable"),
    ):
        application.state.settings = chosen
        answer = client.post("/v1/feedback", json={"text": SECRET, "label": "other", "keep_text": True})
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert SECRET not in answer.text
        assert str(place.parent) not in answer.text
        assert client.get("/v1/feedback").json() == {"enabled": chosen.feedback != "off"}
    assert SECRET not in caplog.text
    assert any("feedback not stored" in record.message for record in caplog.records)
