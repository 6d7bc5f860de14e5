"""The command line in fresh processes, as a user meets it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harassclf import Classifier
from harassclf.cli import render
from harassclf.labels import LABELS

HEAVY = ("numpy", "pandas", "sklearn", "scipy", "jieba", "rjieba", "opencc", "fastapi", "uvicorn", "joblib", "pyarrow")


def _run(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "harassclf", *arguments], input=stdin, capture_output=True, cwd=cwd, timeout=120
    )


def _refusal(result: subprocess.CompletedProcess[bytes], status: int) -> str:
    """One readable line on standard error, nothing on standard output, no traceback."""
    assert result.returncode == status, result.stderr.decode()
    lines = result.stderr.decode().strip().splitlines()
    assert result.stdout == b""
    assert len(lines) == 1
    assert "Traceback" not in lines[0]
    return lines[0]


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["classify"],
        ["score"],
        ["serve"],
        ["train"],
        ["evaluate"],
        ["check-data"],
        ["precheck"],
        ["feedback"],
        ["feedback", "export"],
        ["drift"],
    ],
)
def test_help_loads_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys\nfrom harassclf.cli import main\n"
        f"try:\n    main({[*command, '--help']!r})\nexcept SystemExit as stop:\n    assert stop.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stderr.strip() == "[]"
    assert "usage: harassclf" in result.stdout


def test_classify_does_without_scikit_learn_and_pandas() -> None:
    code = (
        "import sys\nfrom harassclf.cli import main\nmain(['classify', '在吗'])\n"
        "print([m for m in ('sklearn', 'scipy', 'pandas', 'joblib', 'jieba', 'fastapi') if m in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stderr.strip() == "[]"


def test_classify_json_is_the_contract(classifier: Classifier) -> None:
    text = "再不还钱就爆你通讯录"
    result = _run("classify", "--json", text)
    assert result.returncode == 0
    assert json.loads(result.stdout) == json.loads(json.dumps(classifier.classify(text).to_dict()))


def test_classify_reads_standard_input(classifier: Classifier) -> None:
    result = _run("classify", "--json", "-", stdin="还钱\n第二行\n".encode())
    assert json.loads(result.stdout)["probabilities"] == pytest.approx(
        classifier.classify("还钱\n第二行").probabilities
    )


def test_standard_input_may_be_gb18030(classifier: Classifier) -> None:
    text = "再不还钱就爆你通讯录"
    result = _run("classify", "--json", "-", stdin=f"{text}\n".encode("gb18030"))
    assert json.loads(result.stdout) == json.loads(json.dumps(classifier.classify(text).to_dict()))
    assert b'"verdict": "pass"' not in _run("precheck", "--json", "-", stdin=text.encode("gb18030")).stdout
    assert "neither" in _refusal(_run("classify", "-", stdin="您的帳單明天到期，請準時還款".encode("big5")), 2)


def test_readable_verdict_marks_the_evidence(classifier: Classifier) -> None:
    text = "再不还钱就爆你通讯录"
    prediction = classifier.classify(text)
    shown = render(prediction, text, colour=False)
    assert shown.startswith("催收骚扰 (harassment)")
    assert "可能涉及" in shown
    assert f"【{prediction.evidence[0].text}】" in shown
    assert "\x1b[" in render(prediction, text, colour=True)


def test_terminal_escapes_in_a_message_are_not_passed_on(classifier: Classifier) -> None:
    text = "还钱\x07\x08\x1b[31m 弄死你"
    shown = render(classifier.classify(text), text, colour=False)
    assert not {"\x07", "\x08", "\x1b"} & set(shown)


@pytest.mark.parametrize(
    ("arguments", "stdin", "reason"),
    [(["classify", ""], b"", "text: empty"), (["classify", "-"], b"\xff\xfe", "neither UTF-8 nor GB18030"), (["classify", "x" * 10_001], b"", "limit is 10,000"),
     (["score", "no.csv", "-o", "out.csv"], b"", "no such file"), (["evaluate", "no.csv"], b"", "no such file"),
     (["check-data", "nowhere"], b"", "no messages")],
)  # fmt: skip
def test_unusable_input_is_one_line_and_2(arguments: list[str], stdin: bytes, reason: str, tmp_path: Path) -> None:
    assert reason in _refusal(_run(*arguments, stdin=stdin, cwd=tmp_path), 2)


def test_words_without_quotes_are_not_repeated() -> None:
    line = _refusal(_run("classify", "再不还钱", "就爆你通讯录"), 2)
    assert "quotes" in line
    assert "通讯录" not in line


def test_terminal_without_chinese_gets_escapes() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(
        [sys.executable, "-m", "harassclf", "classify", "钱"], capture_output=True, env=environment, timeout=60
    )
    assert (result.returncode, result.stderr) == (0, b"")


def test_wrong_use_is_2() -> None:
    assert _run("classify").returncode == 2
    assert _run("bogus").returncode == 2
    assert _run("score", "a.csv", "-o", "b.csv", "--workers", "0").returncode == 2


def test_damaged_model_is_one_line_and_1(model_copy: Path) -> None:
    (model_copy / "weights.npz").write_bytes(b"")
    assert "weights.npz" in _refusal(_run("classify", "在吗", "--model", str(model_copy)), 1)


def test_missing_model_folder_is_one_line_and_1(tmp_path: Path) -> None:
    assert "no such model folder" in _refusal(_run("classify", "在吗", "--model", str(tmp_path / "no")), 1)


def test_score_and_evaluate(tmp_path: Path) -> None:
    rows = [
        ["text", "label", "categories"],
        ["再不还钱弄死你全家", "harassment", "threat"],
        ["本期账单明天到期", "collection", ""],
        ["吃了吗", "other", ""],
    ]
    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    result = _run("score", "in.csv", "-o", "out.csv", cwd=tmp_path)
    assert (result.returncode, result.stdout.decode().strip()) == (0, "out.csv")
    assert "3 rows" in result.stderr.decode()
    assert "exists already" in _refusal(_run("score", "in.csv", "-o", "out.csv", cwd=tmp_path), 2)
    evaluation = json.loads(_run("evaluate", "in.csv", "--json", cwd=tmp_path).stdout)
    assert evaluation["messages"] == 3
    assert set(evaluation["labels"]) == set(LABELS)
    assert b"macro-F1" in _run("evaluate", "in.csv", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [("text,label\n在吗,spam\n", "row 1: unknown label"), ("text,label,categories\n在吗,other,rude\n", "row 1: unknown category"), ("text,label\n", "no rows"),
     ("text,label,categories\n你妈的,harassment,\"threat,insult\"\n", "several with ; between them"), ("text,label,categories\n在吗,other,threat\n", "row 1: a category beside other"),
     ("text,label,categories\n请还款,collection,threat\n", "row 1: a category beside collection"), ("text,text,label\n在吗,在吗,other\n", "2 columns are named 'text'"),
     ("text\n在吗\n", "no column 'label'; found: text; expected text, label"), ("text,label\n在吗\n", "row 1: row has 1 cells"), ("text,label\n ,other\n", "row 1: text: empty")],
)  # fmt: skip
def test_unusable_labelled_table_is_named(content: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(content, "utf-8")
    assert reason in _refusal(_run("evaluate", "in.csv", cwd=tmp_path), 2)


def test_check_data_counts_and_proves(root: Path) -> None:
    result = _run("check-data", str(root / "data"), "--json")
    assert result.returncode == 0
    assert json.loads(result.stdout)["kappa"]["label"] > 0.9


def test_output_cut_short_is_no_traceback(root: Path) -> None:
    command = f"{sys.executable} -m harassclf check-data {root / 'data'} | head -c 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in result.stderr
