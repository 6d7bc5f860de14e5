"""Drift: counting, the reference from the model folder, readings, tables, the command, metrics."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prometheus_client import CollectorRegistry

from harassclf import Classifier, artifact
from harassclf.cli import main
from harassclf.drift import (
    FEW,
    REFERENCE,
    SHIFTED,
    STABLE,
    UNKNOWN,
    WATCH,
    Reference,
    Tally,
    WordCounter,
    day_drift,
    label_psi,
    reference,
    reference_of,
)
from harassclf.drift_table import ALL, TableOptions, _day, table_drift
from harassclf.errors import ModelError, TableError
from harassclf.labels import LABELS

EVEN = Reference({"harassment": 0.2, "collection": 0.3, "other": 0.5}, 0.3, 0.15, (0.2, 0.25), "test")


def _tally(harassment: int, collection: int, other: int, *, words: int = 0, unknown: int = 0) -> Tally:
    tally = Tally()
    for label, count in zip(LABELS, (harassment, collection, other), strict=True):
        for _ in range(count):
            tally.add(label, False)
    tally.words, tally.unknown = words, unknown
    return tally


def test_words_are_counted_on_folded_normalised_text() -> None:
    counter = WordCounter({"电话", "明天", ",", "0"})
    assert counter.count(["明天，电话"]) == [(3, 0)]
    assert counter.count(["明天，\u200b電話"]) == [(3, 0)]  # Traditional, zero width
    assert counter.count(["明天 7", "", "明天苹果"]) == [(2, 0), (0, 0), (2, 1)]


def test_the_model_knows_words_and_no_pairs(classifier: Classifier) -> None:
    assert "电话" in classifier.words
    assert not any(" " in word for word in classifier.words)
    vocabulary = artifact.read(classifier.folder).vocabulary["words"].split()
    assert classifier.words <= set(vocabulary)


def test_psi_is_zero_for_the_same_shares_and_finite_for_a_label_that_never_came() -> None:
    assert label_psi(_tally(200, 300, 500), EVEN) == pytest.approx(0)
    psi = label_psi(_tally(0, 0, 1_000), EVEN)
    assert math.isfinite(psi)
    assert psi > 1
    assert math.isfinite(label_psi(Tally(), EVEN))


def test_psi_is_the_formula() -> None:
    tally = _tally(100_000, 300_000, 600_000)
    expected = sum((a - b) * math.log(a / b) for a, b in ((0.1, 0.2), (0.3, 0.3), (0.6, 0.5)))
    assert label_psi(tally, EVEN) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("tally", "labels", "words"),
    [
        (_tally(200, 300, 500, words=1_000, unknown=150), STABLE, STABLE),
        (_tally(350, 200, 450, words=1_000, unknown=220), WATCH, WATCH),
        (_tally(700, 200, 100, words=1_000, unknown=300), SHIFTED, SHIFTED),
        (_tally(90, 5, 4, words=1_000, unknown=900), FEW, FEW),
    ],
)
def test_readings(tally: Tally, labels: str, words: str) -> None:
    day = day_drift("2026-11-25", tally, EVEN)
    assert (day.label_reading, day.word_reading) == (labels, words)


def test_reference_of_messages() -> None:
    texts = ["电话 明天", "苹果 明天", "电话"]
    found = reference(texts, ["collection", "other", "collection"], [True, False, False], ["a", "b", "a"], WordCounter({"电话", "明天"}))  # fmt: skip
    assert found == {
        "messages": 3,
        "labels": {"harassment": 0, "collection": 0.666667, "other": 0.333333},
        "review_share": 0.333333,
        "words": 5,
        "unknown_word_share": 0.2,
        "unknown_word_share_of_voices": {"p90": 0.5, "max": 0.5},
    }
    again = Reference.from_metadata({REFERENCE: json.loads(json.dumps(found))})
    assert again.unknown_words == 0.2
    assert again.unknown_bounds == (0.5, 0.5)
    with pytest.raises(ValueError, match="no messages"):
        reference([], [], [], [], WordCounter(()))


def test_reference_of_the_shipped_model(classifier: Classifier) -> None:
    found = Reference.from_metadata(classifier.metadata)
    assert sum(found.labels.values()) == pytest.approx(1, abs=1.5e-6)  # three shares of six digits each
    assert 0 < found.review_share < 1


def test_reference_from_held_out_metrics_when_training_stored_none() -> None:
    score = {"recall": 0.8, "precision": 0.5, "support": 100}
    nothing = {"recall": 0.0, "precision": 0.0, "support": 50}
    rest = {"recall": 1.0, "precision": 1.0, "support": 240}
    labels = {"harassment": score, "collection": nothing, "other": rest}
    found = Reference.from_metadata(
        {"metrics": {"held_out_voices": {"labels": labels, "messages": 400, "review_share": 0.3}}}
    )
    assert found.labels == {"harassment": pytest.approx(0.4), "collection": 0, "other": pytest.approx(0.6)}
    assert found.unknown_words is None
    assert day_drift("d", _tally(50, 50, 50), found).word_reading == UNKNOWN


@pytest.mark.parametrize(
    "damaged", [None, {}, [], {"labels": {}}, {"labels": dict.fromkeys(LABELS, "x")}, {"labels": dict.fromkeys(LABELS, 2),
     "review_share": 0, "unknown_word_share": 0, "unknown_word_share_of_voices": {"p90": 0, "max": 0}}]
)  # fmt: skip
def test_damaged_reference_is_refused(damaged: Any) -> None:
    with pytest.raises(ModelError, match="drift_reference"):
        Reference.from_metadata({REFERENCE: damaged})


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-11-25", "2026-11-25"),
        ("2026-11-25T23:59:59+08:00", "2026-11-25"),
        ("2026/1/5 08:00", "2026-01-05"),
        ("2026.01.05", "2026-01-05"),
        ("2026年1月5日 8点", "2026-01-05"),
        ("20261125", "2026-11-25"),
        (" 2026-11-25", "2026-11-25"),
        ("2026-13-01", None),
        ("2026-02-30", None),
        ("昨天", None),
        ("", None),
        ("1764028800", "2025-11-25"),
        ("1764028800123", "2025-11-25"),
        ("1764086400", "2025-11-26"),  # after midnight in China, the 25th in UTC
        ("20260301093000", "2026-03-01"),
        ("202603010930", "2026-03-01"),
        ("46082.5", "2026-03-01"),
        ("46082", "2026-03-01"),
        ("46082.0", "2026-03-01"),
        ("２０２６年３月１日　下午３点", "2026-03-01"),
        ("2026 年 3 月 1 日 9:30", "2026-03-01"),
        ("20261301093000", None),
        ("9" * 400, None),
        ("3/1/2026 9:30", None),  # in January or in March
    ],
)
def test_day_of_a_time(cell: str, day: str | None) -> None:
    assert _day(cell) == day


def _write(path: Path, header: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_scored_table_day_by_day(tmp_path: Path, classifier: Classifier) -> None:
    rows = [[f"2026-11-2{i % 2} 10:00", "还钱", "collection", "true" if i % 4 == 0 else "false", classifier.model] for i in range(8)]  # fmt: skip
    rows += [
        ["何时", "还钱", "other", "false", classifier.model],
        ["2026-11-20", "还钱", "", "", ""],
        ["2026-11-21", "还钱", "other", "false", "another-9"],
    ]
    path = _write(tmp_path / "scored.csv", ["time", "text", "predicted_label", "needs_review", "model"], rows)
    result = table_drift(path, classifier, TableOptions())
    assert [(day.day, day.messages) for day in result.days] == [("2026-11-20", 4), ("2026-11-21", 5)]
    assert result.days[0].review_share == 0.5
    assert result.days[0].labels == {"harassment": 0, "collection": 1, "other": 0}
    assert result.days[1].labels["other"] == pytest.approx(0.2)
    assert (result.rows.messages, result.rows.undated, result.rows.unusable, result.rows.other_model) == (9, 1, 1, 1)
    assert result.reference_rows is None
    assert result.days[0].word_reading in (FEW, UNKNOWN)


def test_table_without_labels_is_judged_and_without_times_is_one_day(tmp_path: Path, classifier: Classifier) -> None:
    path = _write(tmp_path / "raw.csv", ["内容"], [["再不还钱弄死你全家"], ["晚上吃什么"], [" "]])
    result = table_drift(path, classifier, TableOptions(text_column="内容"))
    assert [(day.day, day.messages) for day in result.days] == [(ALL, 2)]
    assert result.days[0].labels == {"harassment": 0.5, "collection": 0, "other": 0.5}
    assert result.rows.unusable == 1


def test_own_month_as_the_reference(tmp_path: Path, classifier: Classifier) -> None:
    header = ["time", "text", "predicted_label", "needs_review"]
    month = [
        [f"2026-10-{d:02}", "晚上吃什么", "other" if i else "collection", "false"]
        for d in range(1, 11)
        for i in range(20)
    ]
    day = [["2026-11-25", "饕餮蘡薁氍毹", "other" if i % 20 else "collection", "false"] for i in range(200)]
    result = table_drift(
        _write(tmp_path / "day.csv", header, day),
        classifier,
        TableOptions(),
        against=_write(tmp_path / "m.csv", header, month),
    )
    assert result.reference.source == "m.csv"
    assert (result.days[0].label_reading, result.days[0].word_reading) == (STABLE, SHIFTED)
    few_days = table_drift(tmp_path / "day.csv", classifier, TableOptions(), against=tmp_path / "day.csv")
    assert few_days.days[0].word_reading == UNKNOWN


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = ["发送时间", "text", "predicted_label", "needs_review"]
    path = _write(
        tmp_path / "t.csv",
        header,
        [["2026-11-25 10:00", "晚上吃什么", "other", "false"], ["?", "在吗", "other", "false"]],
    )
    assert main(["drift", str(path), "--time-column", "发送时间", "--json"]) == 0
    output = capsys.readouterr()
    shown = json.loads(output.out)
    assert shown["days"][0]["messages"] == 1
    assert shown["reference"]["source"]
    assert "1 rows without a readable date" in output.err
    assert main(["drift", str(path), "--time-column", "发送时间"]) == 0
    assert "2026-11-25" in capsys.readouterr().out
    assert "晚上吃什么" not in output.out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--time-column", "when"], "--time-column"), (["--text-column", "nope"], "--text-column"), (["--against", "no.csv"], "no.csv")],
)  # fmt: skip
def test_wrong_use_is_one_line(
    arguments: list[str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _write(tmp_path / "t.csv", ["time", "text"], [["2026-11-25", "在吗"]])
    assert main(["drift", str(path), *arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert named in lines[0]


def test_reference_of_groups_weighs_each_message_the_same() -> None:
    groups = [_tally(1, 0, 0, words=10, unknown=5), _tally(0, 0, 3, words=30, unknown=3)]
    found = reference_of(groups)
    assert (found["messages"], found["words"], found["unknown_word_share"]) == (4, 40, 0.2)
    assert found["labels"] == {"harassment": 0.25, "collection": 0, "other": 0.75}
    assert found["unknown_word_share_of_voices"] == {"p90": 0.5, "max": 0.5}
    assert groups[0].messages == 1  # not changed


def test_empty_reference_table_is_refused(tmp_path: Path, classifier: Classifier) -> None:
    path = _write(tmp_path / "t.csv", ["time", "text"], [["2026-11-25", "在吗"]])
    empty = _write(tmp_path / "e.csv", ["time", "text"], [])
    with pytest.raises(TableError, match=r"e\.csv: a header and no rows"):
        table_drift(path, classifier, TableOptions(), against=empty)


SCORED = ["time", "text", "predicted_label", "needs_review", "model"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "a header and no rows"),
        ([["3/1/2026 9:30", "在吗", "other", "false", ""]], "no row has a readable time in the column 'time'; expected such as"),
        ([["2026-03-01", "", "", "", ""]], "none of its 1 rows holds a usable message"),
    ],
)  # fmt: skip
def test_table_without_a_single_day_is_refused(
    rows: list[list[str]], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once it printed an empty table and succeeded."""
    assert main(["drift", str(_write(tmp_path / "t.csv", SCORED, rows))]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert reason in line
    assert "在吗" not in line


def test_rows_of_the_reference_are_counted_too(
    tmp_path: Path, classifier: Classifier, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once rows of --against were dropped without a word."""
    good = ["2026-11-25", "在吗", "other", "false", classifier.model]
    month = [
        good,
        good,
        ["何时", *good[1:]],
        [good[0], "在吗", "", "", ""],
        [*good[:4], "another-9"],
    ]
    table, against = _write(tmp_path / "t.csv", SCORED, [good]), _write(tmp_path / "m.csv", SCORED, month)
    assert main(["drift", str(table), "--against", str(against), "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["reference"]["rows"] == {"messages": 3, "undated": 1, "unusable": 1, "other_model": 1}
    assert output.err.splitlines() == [
        "reference: 1 rows without a readable date are in no day",
        "reference: 1 rows could not be used",
        "reference: 1 rows were scored by another model than the one used here",
        "reference: 3 messages",
    ]


def test_sheets_left_out_are_named(tmp_path: Path, classifier: Classifier, capsys: pytest.CaptureFixture[str]) -> None:
    """Once only ``score`` said that it read one sheet of several."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["time", "text", "label", "direction"], ["2026-03-01 09:30", "在吗", "other", "in"]):
        book.active.append(row)
    book.create_sheet("二月").append(["text"])
    book.save(tmp_path / "t.xlsx")
    table, said = str(tmp_path / "t.xlsx"), "only the first visible sheet was read; left out: 二月"
    model = str(classifier.folder)
    compare = ["compare", model, model, "--table", table]
    for command in (["drift", table], ["evaluate", table], ["timeline", table, "--json"], compare):
        assert main(command) == 0
        assert said in capsys.readouterr().err.splitlines()
    assert main(["drift", table, "--against", table]) == 0
    assert f"reference: {said}" in capsys.readouterr().err.splitlines()


def test_scored_by_harassclf_score_is_read(tmp_path: Path, classifier: Classifier) -> None:
    path = _write(tmp_path / "in.csv", ["time", "text"], [["2026-11-25", "再不还钱弄死你全家"], ["2026-11-25", ""]])
    assert main(["score", str(path), "-o", str(tmp_path / "out.csv")]) == 0
    result = table_drift(tmp_path / "out.csv", classifier, TableOptions())
    assert (result.rows.messages, result.rows.unusable, result.rows.other_model) == (1, 1, 0)


def test_counters_start_anew_each_day_and_keep_totals(classifier: Classifier) -> None:
    pytest.importorskip("prometheus_client")
    from harassclf.service.drift import DriftCounters

    registry = CollectorRegistry()
    counters = DriftCounters(registry)
    verdict = classifier.classify("晚上吃什么")
    counters.observe("晚上吃什么", verdict, now=0)  # no model yet
    assert registry.get_sample_value("harassclf_drift_words_total") == 0
    counters.start(classifier)
    for _ in range(3):
        counters.observe("晚上吃饕餮", verdict, now=86_400 + 5)
    day = registry.get_sample_value("harassclf_drift_day_words")
    assert registry.get_sample_value("harassclf_drift_day_messages", {"label": "other"}) == 3
    assert registry.get_sample_value("harassclf_drift_day_unknown_words") >= 3
    assert registry.get_sample_value("harassclf_drift_day_start_timestamp_seconds") == 86_400
    counters.observe("晚上吃什么", verdict, now=2 * 86_400)
    assert registry.get_sample_value("harassclf_drift_day_messages", {"label": "other"}) == 1
    assert registry.get_sample_value("harassclf_drift_words_total") > day
    assert registry.get_sample_value("harassclf_drift_reference", {"what": "review"}) > 0


def test_busy_day_looks_at_words_of_some(classifier: Classifier) -> None:
    from harassclf.service.drift import _ALL_UNTIL, _ONE_IN, DriftCounters

    registry = CollectorRegistry()
    counters = DriftCounters(registry)
    counters.start(classifier)
    verdict, busy = classifier.classify("逾期"), 10
    for _ in range(_ALL_UNTIL + busy * _ONE_IN):
        counters.observe("逾期", verdict, now=0)
    looked_at = registry.get_sample_value("harassclf_drift_words_total")
    assert _ALL_UNTIL + busy <= looked_at <= _ALL_UNTIL + busy + 1
    assert (
        registry.get_sample_value("harassclf_drift_day_messages", {"label": verdict.label})
        == _ALL_UNTIL + busy * _ONE_IN
    )
    assert registry.get_sample_value("harassclf_drift_day_label_psi") > 0


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    pytest.importorskip("httpx2")
    from fastapi.testclient import TestClient

    from harassclf.service.app import create_app

    with TestClient(create_app()) as client:
        yield client


def test_service_shows_drift_without_a_word_of_the_messages(client: Any) -> None:
    secret = "饕餮蘡薁"  # noqa: S105
    client.post("/v1/classify", json={"text": f"{secret}，晚上吃什么"})
    client.post("/v1/classify/batch", json={"texts": ["在吗", "", secret]})
    metrics = client.get("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line.startswith("harassclf_drift"))
    assert sum(float(v) for k, v in values.items() if k.startswith("harassclf_drift_day_messages")) == 3
    assert 0 < float(values["harassclf_drift_unknown_words_total"]) <= float(values["harassclf_drift_words_total"])
    assert 'harassclf_drift_reference{what="other"}' in values
    assert secret not in metrics


def test_reference_on_reserved_voices_is_what_training_would_store(
    corpus: pd.DataFrame, classifier: Classifier
) -> None:
    reserved = corpus[corpus["split"] == "reserved"].head(300)
    verdicts = classifier.classify_many(reserved["text"])
    stored = reference(
        reserved["text"].tolist(), [v.label for v in verdicts], [v.needs_review for v in verdicts],
        reserved["voice"].tolist(), WordCounter(classifier.words),
    )  # fmt: skip
    assert 0 < stored["unknown_word_share"] < 0.5
    bounds = stored["unknown_word_share_of_voices"]
    assert 0 < bounds["p90"] <= bounds["max"] < 1
