"""Threads of contact: hand-made cases as data, readers on good and bad input, HTTP."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harassclf import Classifier
from harassclf.errors import InputError, TableError
from harassclf.timeline.contacts import REPEATED, SYSTEM_LINE, Contact, Reading, contacts_of, read_contacts
from harassclf.timeline.parties import Parties
from harassclf.timeline.pasted import parse_pasted
from harassclf.timeline.phrases import agrees_to_night, allows, refuses, tells_of_debt
from harassclf.timeline.rules import contact_rules
from harassclf.timeline.thread import Timeline, build_timeline, summary
from harassclf.timeline.times import TimeError, load_zone, parse_time
from harassclf.timeline.words import channel_of, direction_of, is_system_text, seconds_of

THREADS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "threads.json").read_text("utf-8"))
SHORT = ("time", "direction", "channel", "text", "duration")
SECRET = "独此一句绝密短语"  # noqa: S105


def _records(case: dict[str, Any]) -> list[Any]:
    if "pasted" in case:
        return list(parse_pasted(case["pasted"]))
    return [dict(zip(SHORT, c, strict=False)) if isinstance(c, list) else c for c in case["contacts"]]


def _judge(case: dict[str, Any], classifier: Classifier) -> Timeline:
    zone = case.get("timezone", "Asia/Shanghai")
    reading = Reading(zone, case.get("exported_by", "recipient"), tuple(case.get("debtor", ())))
    names = [tuple(case.get(who, ())) for who in ("debtor", "guarantor", "collector")]
    parties = Parties(*names, case.get("owner_role", ""))
    return build_timeline(contacts_of(_records(case), reading), classifier, parties, zone)


@pytest.mark.parametrize("case", THREADS, ids=lambda case: case["name"])
def test_thread_has_exactly_these_flags(case: dict[str, Any], classifier: Classifier) -> None:
    found = _judge(case, classifier)
    triggered: dict[str, set[int]] = {}
    for flag in found.flags:
        triggered.setdefault(flag.rule, set()).update(flag.triggered_by)
        assert set(flag.triggered_by) <= set(flag.rows)
    assert {rule: sorted(rows) for rule, rows in triggered.items()} == case["flags"]
    for entry in found.entries:
        assert set(entry.flags) == {rule for rule, rows in triggered.items() if entry.contact.row in rows}
    assert [e.contact.row for e in found.entries if e.contact.error] == case.get("errors", [])
    for rule, law in case.get("sources", {}).items():
        assert all(law in str(f.sources) for f in found.flags if f.rule == rule)
    for rule, law in case.get("not_sources", {}).items():
        assert all(law not in str(f.sources) for f in found.flags if f.rule == rule)


def test_there_are_enough_threads_and_every_rule_is_met() -> None:
    assert len(THREADS) >= 40
    assert {rule for case in THREADS for rule in case["flags"]} == set(contact_rules())


def test_a_daily_limit_lists_all_that_count_and_those_beyond_it(classifier: Classifier) -> None:
    case = {"contacts": [[f"2026-03-02 {hour:02}:00", "in", "call", "", 30] for hour in range(9, 15)]}
    (flag,) = _judge(case, classifier).flags
    assert (flag.rows, flag.triggered_by, flag.count, flag.limit) == ((1, 2, 3, 4, 5, 6), (4, 5, 6), 6, 3)
    assert flag.date is not None
    assert flag.date.isoformat() == "2026-03-02"


def test_sources_name_their_instrument_as_the_law_cards_do() -> None:
    law = json.loads((Path(__file__).parents[1] / "src/harassclf/resources/law.json").read_text("utf-8"))
    known = {(of["name"], of["in_force"]) for of in law["instruments"].values()}
    for rule in contact_rules().values():
        for card in (*rule.sources, *rule.sources_third_party):
            assert (card.law, card.in_force) in known
            assert card.summary.startswith("可能涉及：")
            assert "45251" not in card.law or not any(digit in card.article for digit in "0123456789")


def test_limits_are_those_of_the_legal_basis_and_none_counts_messages() -> None:
    limits = {name: dict(rule.limits) for name, rule in contact_rules().items() if rule.limits}
    assert limits == {
        "quiet_hours": {"start": "22:00", "end": "08:00"},
        "effective_calls": {"most": 3},
        "unanswered_attempts": {"most": 6},
    }


def test_a_source_that_was_not_in_force_yet_is_said_to_be_so(classifier: Classifier) -> None:
    (early,) = _judge({"contacts": [["2026-01-10 23:00", "in", "sms", "请还款"]]}, classifier).flags
    (late,) = _judge({"contacts": [["2026-02-10 23:00", "in", "sms", "请还款"]]}, classifier).flags
    assert "2026-01-30起施行" in early.caution
    assert "起施行" not in late.caution


def test_only_what_was_received_is_judged(classifier: Classifier) -> None:
    case = {"contacts": [["2026-03-02 9:00", "in", "sms", "再不还钱就把你通讯录里的人挨个打一遍"], ["2026-03-02 9:01", "out", "sms", "再不还钱就把你通讯录里的人挨个打一遍"], ["2026-03-02 9:02", "in", "sms", "长" * 10_001]]}  # fmt: skip
    found = _judge(case, classifier)
    first, second, third = found.entries
    assert first.verdict == classifier.classify_many([first.contact.text])[0]
    assert second.verdict is None
    assert third.verdict is None
    assert "text_too_long" in third.unjudged


def test_summary_counts(classifier: Classifier) -> None:
    counts = summary(_judge(THREADS[0], classifier))
    assert (counts["contacts"], counts["incoming"], counts["outgoing"], counts["errors"]) == (2, 2, 0, 0)
    assert (counts["by_hour"][21], counts["by_hour"][22], sum(counts["by_hour"])) == (1, 1, 2)
    assert counts["by_day"] == [
        {"date": "2026-03-01", "contacts": 2, "effective_calls": 0, "unanswered": 0, "quiet": 1}
    ]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-01 22:15", "2026-03-01T22:15:00+08:00"),
        ("２０２６－03－01　22：15", "2026-03-01T22:15:00+08:00"),
        ("2026年3月1日 星期日 22时15分3秒", "2026-03-01T22:15:03+08:00"),
        ("2026-03-01 晚上10点半", "2026-03-01T22:30:00+08:00"),
        ("2026-03-01 12:00 AM", "2026-03-01T00:00:00+08:00"),
        ("2026-03-01 12:00 PM", "2026-03-01T12:00:00+08:00"),
        ("20260301221500", "2026-03-01T22:15:00+08:00"),
        ("20260301T141500Z", "2026-03-01T22:15:00+08:00"),
        ("2026-03-01T14:15:00.5+0000", "2026-03-01T22:15:00.500000+08:00"),
        ("2026-03-01T09:15:00-05:00[America/New_York]", "2026-03-01T22:15:00+08:00"),
        ("2026-03-01 09:15 America/New_York", "2026-03-01T22:15:00+08:00"),
        ("2026-03-01 14:15 UTC", "2026-03-01T22:15:00+08:00"),
        ("北京时间 2026-03-01 22:15", "2026-03-01T22:15:00+08:00"),
    ],
)
def test_a_time_is_understood(written: str, expected: str) -> None:
    assert parse_time(written, load_zone("Asia/Shanghai")).local.isoformat() == expected


@pytest.mark.parametrize("written", ["", None, True, "2026-03-01", "03/01/2026 10:00", "2026-13-01 10:00", "2026-03-01 25:00", "2026-03-01 24:01", "2026-03-01 10:60", "2026-03-01 10:00+99:00", "2026-03-01 10:00 [Mars/Base]", "2026-03-01 晚上12点", "46082", "12", "1e99", "nan", "9" * 400, "0001-01-01 00:00Z"])  # fmt: skip
def test_no_time_is_guessed(written: object) -> None:
    with pytest.raises(TimeError):
        parse_time(written, load_zone("Asia/Shanghai"))


@given(
    st.datetimes(datetime(1995, 1, 1), datetime(2095, 1, 1)), st.sampled_from(["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
)  # fmt: skip
def test_the_same_moment_however_it_is_written(moment: datetime, zone_name: str) -> None:
    moment, zone = moment.replace(microsecond=0), load_zone(zone_name)
    instant = moment.replace(tzinfo=UTC)
    ways = (instant.isoformat(), str(int(instant.timestamp())), instant.astimezone(zone).isoformat())
    assert {parse_time(way, zone).local.timestamp() for way in ways} == {instant.timestamp()}


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd", "America", "x" * 5_000, "Asia/Shanghai\x00"])
def test_unknown_time_zone_is_one_clear_error(zone: str) -> None:
    with pytest.raises(InputError, match="IANA"):
        contacts_of([], Reading(zone))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("65", 65), ("65.0", 65), ("1:05", 65), ("00:01:05", 65), ("1分5秒", 65), ("65秒", 65), ("1小时", 3600), ("1m5s", 65), ("PT1M5S", 65), ("", None), ("-", None), ("0", 0)],
)  # fmt: skip
def test_durations(written: str, seconds: float | None) -> None:
    assert seconds_of(written) == seconds


def test_directions_and_channels_have_many_names() -> None:
    assert {direction_of(word) for word in ("in", "Incoming", "received", "收", "呼入", "被叫", "未接来电")} == {"in"}
    assert {direction_of(word) for word in ("OUT", "sent", "发", "呼出", "主叫", "拨出")} == {"out"}
    assert direction_of("斜") == ""
    kinds = {
        word: channel_of(word).kind
        for word in ("电话", "AI 外呼", "wechat_call", "语音信箱", "SMS", "微信", "gmail", "上门", "视频")
    }
    assert kinds == {"电话": "voice", "AI 外呼": "voice", "wechat_call": "voice", "语音信箱": "voicemail", "SMS": "message", "微信": "message", "gmail": "message", "上门": "visit", "视频": "video"}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "不要再联系我了",
        "别再打了",
        "请勿再拨打",
        "停止骚扰",
        "不许再给我发短信",
        "今天起不要再联系我",
        "别打给我和我妈了",
        "別再打電話給我",
        "别.再.打.了",
        "stop calling me",
        "我跟他没关系，不要再找我",
        "上班呢，别再打了",
        "停止一切联系",
        "拒绝一切催收电话",
        "拒绝任何形式的催收",
        "以后有事走法律途径，不要私下联系我",
        "删除我的号码",
        "我不是说了不要联系我吗",
        "我有没有说过不要联系我",
        "为什么说了别打还打",
        "为什么还不停止骚扰",
        "怎么就不能别打了",
        "我没钱别打了",
    ],
)
def test_a_refusal(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize("text", ["上班时间别打", "半夜别再打电话", "别找我妈", "不要给我同事发短信", "别打欠条", "别再找借口", "为什么不联系我", "请联系我", "不要打我", "少打游戏", "在吗", "我没说不要联系我，只是晚点", "我没拒绝联系", "不是不让你联系我", "为什么不能联系我", "怎么不能联系我了", "不要私下联系我同事", "我不会删除我的号码", ""])  # fmt: skip
def test_no_refusal(text: str) -> None:
    assert not refuses(text)


def test_what_tells_of_a_debt() -> None:
    for text in (
        "您儿子欠我们钱",
        "提醒他还款",
        "他的款项已逾.期",
        "叫他把钱还了",
        "李明的花呗",
        "您儿子一直没还款，请转告他",
        "他没有按时还款",
        "一直没把钱还上",
        "贷款未偿还",
    ):
        assert tells_of_debt(text), text
    for text in (
        "请让机主回电",
        "麻烦转告他尽快联系我们",
        "他没有欠款",
        "他没有还款义务",
        "没逾期",
        "不是还款的事",
        "公司债券发行",
        "快递到了",
        "",
    ):
        assert not tells_of_debt(text), text
    assert allows("请给我回个电话")
    assert not allows("为什么你给我打电话")


def test_hostile_text_takes_no_time_to_speak_of() -> None:
    for text in (
        "欠" * 100_000,
        "没" * 100_000,
        "不要" * 50_000,
        "还了" * 50_000,
        "别再" * 50_000 + "打",
        "请联系我" * 25_000 + "律师",
        "1 2 " * 25_000,
        "撤回" * 50_000,
    ):
        refuses(text)
        allows(text)
        agrees_to_night(text)
        is_system_text(text)
        tells_of_debt(text)
        parse_pasted(f"2026-03-01 22:15 {text}")


CALL_LOG = "时间,号码,{column},时长\n2026-03-02 22:30:00,02155501234,呼入,30\n2026-03-02 22:31:00,02155501234,未接,\n2026-03-02 22:32:00,02155501234,呼出,60\n2026-03-02 22:33:00,02155501234,拨出,0\n"


@pytest.mark.parametrize("column", ["类型", "状态", "方向", "通话类型"])
def test_directions_of_calls_stand_in_any_column(tmp_path: Path, classifier: Classifier, column: str) -> None:
    """In 类型 they once were channels: the owner's own calls counted as received, 呼入 and 未接 as messages."""
    path = tmp_path / "t.csv"
    path.write_text(CALL_LOG.format(column=column), "utf-8")
    contacts = read_contacts(path, Reading())
    assert [c.direction for c in contacts] == ["in", "in", "out", "out"]
    assert {c.channel.kind for c in contacts} == {"voice"}
    assert [c.answered for c in contacts[:2]] == [True, False]
    assert [c.recipient for c in contacts[2:]] == ["02155501234"] * 2
    (flag,) = build_timeline(contacts, classifier, Parties(), "Asia/Shanghai").flags
    assert flag.rows == (1, 2)
    of_collector = read_contacts(path, Reading(exported_by="collector"))
    # Of a column of states 未接 alone is what came of a call, and a collector's log is of its own calls.
    assert [c.direction for c in of_collector] == ["out", "in" if column == "状态" else "out", "in", "in"]


@pytest.mark.parametrize(
    ("record", "direction", "kind"),
    [
        ({"channel": "短信", "status": "已接"}, "in", "message"),
        ({"channel": "微信", "status": "发送"}, "in", "message"),
        ({"channel": "发", "text": "好"}, "out", "message"),
        ({"sender": "我", "channel": "电话", "status": "未接"}, "out", "voice"),
        ({"sender": "我", "channel": "未接"}, "out", "voice"),
        ({"direction": "本地", "channel": "呼出"}, "out", "voice"),
        ({"direction": "收", "status": "拒接"}, "in", "voice"),
        ({"channel": "中国移动", "status": "呼出"}, "out", "voice"),
    ],
)
def test_what_came_of_a_call_is_no_direction(record: dict[str, str], direction: str, kind: str) -> None:
    (contact,) = contacts_of([{"time": "2026-03-02 09:00"} | record], Reading())
    assert (contact.direction, contact.channel.kind, contact.error) == (direction, kind, "")


def _notes(case: dict[str, Any], classifier: Classifier) -> str:
    return "\n".join(_judge(case, classifier).notes)


TWO_SENDERS = "2026-03-01 22:15 张经理: 请还款\n2026-03-01 22:16 王小明: 我下个月还"


def test_a_chat_in_which_nobody_is_me_says_whom_it_took_for_the_other_side(classifier: Classifier) -> None:
    """The borrower's own lines once were flagged without a word."""
    said = _notes({"pasted": TWO_SENDERS}, classifier)
    assert "2个发送人都被当作对方" in said
    assert "张经理、王小明" in said
    assert "--debtor" in said
    for case in (
        {"pasted": TWO_SENDERS, "debtor": ["王小明"]},
        {"pasted": f"{TWO_SENDERS}\n2026-03-01 22:17 我: 好"},
        {"pasted": "2026-03-01 22:15 张经理: 请还款\n2026-03-01 22:16 张经理: 在吗"},
        {"pasted": TWO_SENDERS, "owner_role": "debtor"},
        {"contacts": [{"time": "2026-03-01 22:15", "direction": "in", "sender": s, "text": "请还款"} for s in "甲乙"]},
    ):
        assert "当作对方" not in _notes(case, classifier)


@pytest.mark.parametrize(
    "text",
    ["请问你半夜打电话什么意思", "谁允许你们半夜打电话的", "麻烦你们搞清楚半夜打电话是违规的", "半夜可以打电话？", "半夜打电话方便吗", "你觉得深夜打电话可以么"],
)  # fmt: skip
def test_an_angry_question_agrees_to_no_night_call(text: str, classifier: Classifier) -> None:
    """The words of consent in it once freed the calls of the night."""
    assert not agrees_to_night(text)
    case = {"contacts": [["2026-03-01 09:00", "out", "sms", text], ["2026-03-01 23:00", "in", "call", "", 30]]}
    assert [flag.rule for flag in _judge(case, classifier).flags] == ["quiet_hours"]


@pytest.mark.parametrize(
    "text",
    ["谁允许你们给我打电话的", "请联系我的律师", "请联系我律师", "你凭什么可以联系我妈", "谁同意你们联系我了", "可以联系我妈", "未经我同意联系我", "我没说可以联系我", "你们可以联系我？", "请打给我的代理人"],
)  # fmt: skip
def test_what_allows_nothing_withdraws_no_refusal(text: str, classifier: Classifier) -> None:
    """Angry questions and a lawyer's name once cancelled the refusal."""
    assert not allows(text)
    found = _judge({"contacts": [["2026-03-02 09:00", "out", "sms", "别再打了"], ["2026-03-02 09:10", "out", "sms", text], ["2026-03-02 10:00", "in", "sms", "在吗"]]}, classifier)  # fmt: skip
    assert [flag.rule for flag in found.flags] == ["contact_after_refusal"]
    assert "又允许联系" not in "".join(found.notes)


@pytest.mark.parametrize("text", ["可以联系我", "请联系我", "请联系我的新号码", "凭什么联系我妈，有事请联系我", "明天可以联系我，好吗？", "请联系我，我的律师也在", "方便给我回个电话吗？"])  # fmt: skip
def test_a_refusal_that_is_withdrawn_is_noted(text: str, classifier: Classifier) -> None:
    case = {"contacts": [["2026-03-02 09:00", "out", "sms", "别再打了"], ["2026-03-02 09:10", "out", "sms", text], ["2026-03-02 10:00", "in", "sms", "在吗"]]}  # fmt: skip
    assert _judge(case, classifier).flags == ()
    assert "1次拒绝联系之后，本人又允许联系" in _notes(case, classifier)


@pytest.mark.parametrize("text", ["任何时候都可以联系我。", "白天不方便，可以晚上十一点以后打给我", "麻烦晚上十点以后打给我，好吗？"])  # fmt: skip
def test_consent_to_late_calls(text: str) -> None:
    assert agrees_to_night(text)


def test_a_named_party_that_is_in_no_row_is_noted(classifier: Classifier) -> None:
    """A misspelt --debtor once made third persons of all, silently."""
    rows = [{"time": "2026-03-02 09:00", "direction": "in", "recipient": "王小明(138****8000)", "text": "请还款"}]
    said = _notes({"contacts": rows, "debtor": ["王晓明"], "guarantor": ["赵四海"], "collector": ["李四"]}, classifier)
    assert "没有出现，请核对写法；王晓明、赵四海、李四" in said
    assert "没有出现" not in _notes({"contacts": rows, "debtor": ["王小明"]}, classifier)


@pytest.mark.parametrize("written", ["王小明(138****8000)", "王小明（138****8000）", "王小明 (13800008000)", "王小明[8000]", "王小明先生(+86 138****8000)"])  # fmt: skip
def test_a_name_with_a_number_in_brackets_is_that_name(written: str, classifier: Classifier) -> None:
    """With asterisks in the number the debtor once was a third person."""
    rows = [{"time": "2026-03-02 09:00", "direction": "in", "recipient": written, "text": "您的贷款已逾期"}, {"time": "2026-03-02 09:01", "sender": written, "text": "好"}]  # fmt: skip
    found = _judge({"contacts": rows, "debtor": ["王小明"]}, classifier)
    assert found.flags == ()
    assert [entry.contact.direction for entry in found.entries] == ["in", "out"]


def test_what_was_exported_twice_counts_once(classifier: Classifier) -> None:
    """A log joined with itself once made three calls a day six."""
    calls = [{"time": f"2026-03-02 {hour:02}:00:05", "direction": "in", "channel": "call", "sender": sender, "duration": 30} for hour in (9, 10, 11) for sender in ("13812345678", "+86 138 1234 5678")]  # fmt: skip
    found = _judge({"contacts": calls}, classifier)
    assert found.flags == ()
    assert [bool(entry.contact.aside) for entry in found.entries] == [False, True] * 3
    assert "3条记录与前面的完全相同" in "".join(found.notes)
    assert (summary(found)["contacts"], summary(found)["incoming"]) == (6, 3)
    assert "重复导出" in found.to_dict()["rows"][1]["note"]


@pytest.mark.parametrize("change", [{"time": "2026-03-02 09:00:06"}, {"sender": "02155501235"}, {"direction": "out"}, {"channel": "voicemail"}, {"text": "在吗"}, {"duration": 31}])  # fmt: skip
def test_what_differs_in_one_thing_was_not_exported_twice(change: dict[str, Any]) -> None:
    call = {
        "time": "2026-03-02 09:00:05",
        "direction": "in",
        "channel": "call",
        "sender": "02155501234",
        "duration": 30,
    }
    assert not any(contact.aside for contact in contacts_of([call, call | change], Reading()))


def test_two_calls_of_one_minute_are_two() -> None:
    call = {"time": "2026-03-02 09:00", "direction": "in", "channel": "call", "sender": "02155501234", "duration": 0}
    assert not any(contact.aside for contact in contacts_of([call, call], Reading()))


SYSTEM_LINES = ["对方撤回了一条消息", "你已添加了张经理，现在可以开始聊天了", "以上是打招呼的内容", "你撤回了一条消息", "消息已发出，但被对方拒收了", "“张经理”撤回了一条消息", "对方撤回了一条消息。"]  # fmt: skip


@pytest.mark.parametrize("line", SYSTEM_LINES)
@pytest.mark.parametrize(
    "pasted", ["2026-03-01 23:15 {}", "2026-03-01 23:15 张经理: {}", "张经理 2026-03-01 23:15\n{}"]
)
def test_lines_of_the_chat_program_are_no_contacts(line: str, pasted: str, classifier: Classifier) -> None:
    """They once were contacts at night, of a sender named 对方撤回了一条消息."""
    found = _judge({"pasted": pasted.format(line)}, classifier)
    (entry,) = found.entries
    assert (found.flags, found.placed, entry.verdict, entry.contact.text) == ((), (), None, line)
    assert line not in entry.contact.sender
    assert "1条是聊天软件的系统提示" in "".join(found.notes)


@pytest.mark.parametrize("text", ["你撤回了一条消息我也看见了", "对方撤回了一条消息\n请还款", "张经理", "你已添加了我的通讯录"])  # fmt: skip
def test_what_a_person_writes_is_a_contact(text: str, classifier: Classifier) -> None:
    (flag,) = _judge({"contacts": [["2026-03-01 23:15", "in", "wechat", text]]}, classifier).flags
    assert flag.rows == (1,)


def test_the_page_has_what_is_said_of_a_row_in_english_too() -> None:
    folder = Path(__file__).parents[1] / "src/harassclf/resources/page"
    assert {SYSTEM_LINE, REPEATED} <= json.loads((folder / "said.en.json").read_text("utf-8")).keys()


COLUMNS_ZH = ["时间", "方向", "发送人", "接收人", "渠道", "内容", "时长", "接收人身份"]
ROW = ["2026-03-01 22:15", "收", "02155501234", "孙丽", "短信", "王小明欠钱", "", "第三人"]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_tables_with_chinese_columns(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"thread{suffix}"
    frame = pd.DataFrame([ROW], columns=COLUMNS_ZH)
    {".csv": lambda: frame.to_csv(path, index=False, encoding="gb18030"), ".xlsx": lambda: frame.to_excel(path, index=False), ".parquet": lambda: frame.to_parquet(path)}[suffix]()  # fmt: skip
    (contact,) = read_contacts(path, Reading())
    assert (contact.direction, contact.recipient_role, contact.channel.name, contact.text) == ("in", "third_party", "sms", "王小明欠钱")  # fmt: skip
    assert contact.time is not None
    assert contact.time.isoformat() == "2026-03-01T22:15:00+08:00"


def test_excel_times_are_exact_at_the_edge(tmp_path: Path) -> None:
    times = [
        datetime(2026, 3, 1, 21, 59, 59),
        datetime(2026, 3, 1, 22),
        datetime(2026, 3, 2, 7, 59, 59),
        datetime(2026, 3, 2, 8),
    ]
    pd.DataFrame({"time": times, "direction": "in", "text": "x"}).to_excel(tmp_path / "t.xlsx", index=False)
    contacts = read_contacts(tmp_path / "t.xlsx", Reading())
    assert [c.time.replace(tzinfo=None) for c in contacts if c.time] == times


def test_date_and_time_in_two_columns_and_a_counterpart(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "日期,时间,类型,通话类型,对方号码,通话时长\n2026-03-01,22:15:00,语音,呼入,02155501234,0\n2026/3/1,9:00,电话,呼出,02155501234,30\n",
        "utf-8",
    )
    first, second = read_contacts(path, Reading())
    assert [c.time.strftime("%d %H:%M") for c in (first, second) if c.time] == ["01 22:15", "01 09:00"]
    assert (first.sender, first.direction, second.recipient, second.direction) == (
        "02155501234",
        "in",
        "02155501234",
        "out",
    )


def test_ragged_rows_keep_their_place_with_their_reason(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "time,direction,text\n2026-03-01 22:15,in\n2026-03-01 22:15,in,a,b\n2026-03-01 22:15,in,好\n", "utf-8"
    )
    contacts = read_contacts(path, Reading())
    assert [bool(c.error) for c in contacts] == [True, True, False]
    assert [c.row for c in contacts] == [1, 2, 3]


@pytest.mark.parametrize("content", [f"a,b\n1,{SECRET}\n", "time,text\n", "", f"{SECRET}\nx\n"])
def test_no_table_of_contacts(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(TableError) as refused:
        read_contacts(path, Reading())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "[", "5", "{}", '{"contacts": 5}', "[]", "[" * 100_000])
def test_no_json_of_contacts(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content, "utf-8")
    with pytest.raises(TableError):
        read_contacts(path, Reading())


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5)  # fmt: skip
_FIELDS = st.sampled_from(
    [*SHORT, "sender", "recipient", "recipient_role", "group", "status", "timezone", "时间", "date"]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_JSON | st.dictionaries(_FIELDS, _JSON, max_size=8), max_size=5))
def test_any_records_give_a_row_each_and_no_failure(classifier: Classifier, records: list[Any]) -> None:
    found = build_timeline(contacts_of(records, Reading()), classifier, Parties(debtors=("王小明",)), "Asia/Shanghai")
    assert [entry.contact.row for entry in found.entries] == list(range(1, len(records) + 1))
    json.dumps(found.to_dict(), allow_nan=False).encode()


@settings(max_examples=300, deadline=None)
@given(st.text() | st.lists(st.sampled_from(["2026-03-01 22:15", " ", "张经理", ":", "\n", "→", "[", "】", "未接来电", "13800001111", "22:15", "1分"]), max_size=30).map("".join))  # fmt: skip
def test_any_pasted_text_is_read(pasted: str) -> None:
    contacts = contacts_of(parse_pasted(pasted), Reading())
    assert all(isinstance(contact, Contact) for contact in contacts)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    pytest.importorskip("httpx2")
    from fastapi.testclient import TestClient

    from harassclf.service.app import create_app
    from harassclf.settings import Settings

    with TestClient(create_app(Settings(max_batch=20)), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("case", THREADS, ids=lambda case: case["name"])
def test_http_gives_the_same(case: dict[str, Any], classifier: Classifier, client: Any) -> None:
    body = {
        key: case[key]
        for key in ("timezone", "debtor", "guarantor", "collector", "owner_role", "exported_by", "pasted")
        if key in case
    }
    body |= {} if "pasted" in case else {"contacts": _records(case)}
    answer = client.post("/v1/timeline", json=body)
    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(_judge(case, classifier).to_dict()))


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ([], 422), ({"contacts": [], "pasted": 5}, 422), ({"contacts": [{}], "pasted": SECRET}, 422), ({"contacts": [{"text": SECRET}] * 21}, 422), ({"contacts": [{}], "timezone": SECRET}, 422), ({"pasted": SECRET, "owner_role": SECRET}, 422), ({"contacts": SECRET}, 422)],
)  # fmt: skip
def test_http_refuses_in_the_one_shape(body: Any, status: int, client: Any) -> None:
    answer = client.post("/v1/timeline", json=body)
    assert answer.status_code == status
    assert answer.json()["error"].keys() == {"code", "message"}
    assert SECRET not in answer.text


@pytest.mark.parametrize("route", ["", "/package"])
@pytest.mark.parametrize(
    "body", [{"contacts": []}, {"pasted": ""}, {"pasted": SECRET}, {"pasted": f"张经理 3月1日 22:15\n{SECRET}"}]
)
def test_http_does_not_answer_no_record_with_no_flags(body: dict[str, Any], route: str, client: Any) -> None:
    answer = client.post(f"/v1/timeline{route}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_record")
    assert SECRET not in answer.text


def test_http_text_file_without_a_time_is_no_record(client: Any) -> None:
    answer = client.post("/v1/timeline/table", params={"name": "a.txt"}, content=SECRET.encode())
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_record")


def test_http_package_is_the_request_and_its_report(client: Any) -> None:
    body = json.dumps({"contacts": [{"time": "2026-03-01 22:15", "direction": "in", "text": "请还款，电话13812345678"}], "mask": True}, ensure_ascii=False).encode()  # fmt: skip
    answer = client.post("/v1/timeline/package", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("证据材料/原始记录/请求.json") == body
        shown = [name for name in archive.namelist() if "原始记录" not in name]
        assert not any(b"13812345678" in archive.read(name) for name in shown)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b""), ("a.csv", b"a,b\n1,2\n"), ("a.xlsx", b"PK"), ("a.parquet", b"PAR1"), ("a.json", b"{"), ("a.txt", b"\x81\x00\xff"), ("../../a.csv", b"\x00\x01"), ("x" * 201, b"")],
)  # fmt: skip
def test_http_refuses_what_is_no_table(name: str, content: bytes, client: Any) -> None:
    answer = client.post("/v1/timeline/table", params={"name": name}, content=content)
    assert answer.status_code == 422
    assert "/tmp" not in answer.text  # noqa: S108


def test_http_takes_a_table_and_gives_its_package(client: Any) -> None:
    content = (",".join(COLUMNS_ZH) + "\n" + ",".join(ROW) + "\n").encode("gb18030")
    answer = client.post(
        "/v1/timeline/table", params={"name": "记录.csv", "debtor": ["王小明", "13800001111"]}, content=content
    )
    assert [flag["rule"] for flag in answer.json()["flags"]] == ["quiet_hours", "third_party_contact", "debt_disclosed"]
    zipped = client.post("/v1/timeline/table/package", params={"name": "../记录.csv"}, content=content)
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        (original,) = [name for name in archive.namelist() if "原始记录" in name]
        assert archive.read(original) == content
        assert ".." not in original.split("/")
