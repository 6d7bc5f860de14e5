"""The check before sending: every rule by its own examples, lawful wording, disguises, the verdict, HTTP, command line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harassclf import Classifier, Prediction
from harassclf.cli import main
from harassclf.commands.precheck import render
from harassclf.errors import InputError
from harassclf.labels import CATEGORIES, HARASSMENT
from harassclf.phrase_rules import PhraseRule, find_phrases, rule_book
from harassclf.precheck import BLOCK, MODEL, NOTICE_ZH, PASS, REVIEW, RULE, precheck
from harassclf.tables import open_table

RULES = rule_book().rules
# One act, and the rule it must fire: the phrases that the design's table of consequences calls false, and others that
# a collector must not send.
RISKY = [
    ("逾期三个月就要坐牢，你想清楚", "false-jail"),
    ("你已被列入网上追逃名单", "false-manhunt"),
    ("还清后我们立即删除征信记录", "false-credit-delete"),
    ("父债子还，你儿子也跑不了", "false-family-liability"),
    ("到时候全家都进黑名单", "false-family-blacklist"),
    ("会影响孩子上学和政审", "false-children"),
    ("明天就让法院冻结你的工资卡", "court-measures"),
    ("我们是市法院执行局，限你今天还款", "impersonate-authority"),
    ("不还就通知你单位领导和同事", "third-party-contact"),
    ("再不还就爆你通讯录", "third-party-contacts-book"),
    ("你同事欠我们平台八千块一直不还，你转告他", "third-party-disclosure"),
    ("欠条和身份证今晚发到你们业主群", "exposure-publish"),
    ("晚上十一点照打，叫你睡不着", "bombard-night"),
    ("一天给你打五十个电话，看你接不接", "bombard-count"),
    ("转一千块删除费，给了就把你照片删了", "fee-for-deletion"),
    ("去别的平台借一笔来还", "induce-new-loan"),
    ("明天到你单位门口等你", "third-party-workplace"),
    ("带几个人去你家堵门", "threat-visit"),
    ("你这个人渣", "insult-abuse"),
    ("老赖，还钱", "insult-laolai"),
    ("再不处理，我司将走访您的户籍地", "third-party-hometown"),
    ("我们会把您的情况同步给您的紧急联系人", "emergency-contact-pressure"),
    ("您的配偶也将被列为失信人员", "false-family-blacklist"),
    ("不还钱我们就采取非常手段", "threat-veiled"),
    ("我们的人已经在你家楼下了", "visit-unspecified"),
    ("再拖就给你爸妈单位发律师函", "third-party-contact"),
    ("缴纳500元即可撤销报案", "fee-for-deletion"),
    ("你儿子学校我们也知道在哪", "threat-family"),
    ("借点高利贷也要把这个窟窿填上", "induce-new-loan"),
    ("你的锁我给你换了，东西扔到楼道", "threat-utilities"),
    ("半夜就把你的车拖走", "threat-repossess"),
    ("你爸妈替你还", "third-party-pay"),
    ("曝光你的身份证和住址", "exposure-identity"),
    ("周末去你们小区拉横幅", "exposure-poster"),
    ("把你P成裸照发给大家", "exposure-edited-picture"),
    ("已移交经侦，你涉嫌贷款诈骗", "false-police-case"),
    ("另加上门费三百", "extra-fees"),
    ("拉黑没用，我换着号打", "bombard-persist"),
    ("诉讼部通知，您的案件已正式立案，案号20260312", "forged-document"),  # a number, but no court
    ("我司受公安局委托，限您今日还款", "impersonate-authority"),
    ("这里是央行征信中心，您的账户异常", "impersonate-authority"),
    ("把钱打到催收员的支付宝上", "private-payment"),
    ("别走公司账户，直接转我私人卡", "private-payment"),
    ("给你家送个花圈", "threat-death-symbol"),
    ("清明给你烧点纸", "threat-death-symbol"),
    ("等着给你收尸", "threat-harm"),
    ("明年今天就是你的忌日", "threat-death-symbol"),
    ("你家孩子在哪个学校上学", "threat-child-hint"),
    ("你儿子长得挺可爱", "threat-child-hint"),
    ("到时候你孩子的前途也要受牵连", "false-children"),
    ("你爸妈的养老金也会被冻结", "false-family-blacklist"),
]
# Nothing here may fire: true consequences, neutral notices, denials, what only looks like a forbidden phrase.
LAWFUL = [
    "您的借款已逾期7天，将按合同约定计收罚息。",
    "逾期信息将依规报送征信机构，请您及时还款。",
    "如您仍不履行，我司将依法提起诉讼，或向法院申请支付令。",
    "双方可就本合同争议提交仲裁委员会仲裁。",
    "两名工作人员拟于周三上午十点持证上门送达对账单，如需改期请回电。",
    "若无法与您本人取得联系，我司将向您预留的紧急联系人核实您的联系方式，不透露账单信息。",
    "我们不会联系您的家人，也不会公开您的信息。",
    "我们不去您单位，不联系您的同事，只与您本人协商。",
    "我司严禁以任何方式轰炸通讯录，如遇此类行为请向我们举报。",
    "民事判决已生效，您未按期履行，法院可依法对您限制高消费、纳入失信被执行人名单。",
    "根据（2026）临01民初12号判决，逾期不履行的，法院可依法冻结您的银行账户。",
    "不良信息自终止之日起保存五年，结清后不会立即删除征信记录。",
    "本笔贷款由您的配偶作为共同借款人承担还款责任。",
    "您作为您弟弟借款的担保人，请在本周内履行担保责任。",
    "我们不收取任何上门费、催收费。",
    "请勿以贷养贷，如有困难可申请延期。",
    "每日9:00至18:00可拨打客服电话咨询。",
    "24小时客服热线随时可以联系，欢迎来电。",
    "不好意思打断您一下，我们先核对账单。",
    "请转告机主方便时回电，谢谢。",
    "若您的手机号码有变更，请更新后拨打客服热线登记。",
    "您的还款信息仅您本人可见，我们不会发到任何群里。",
    "请您与家人商量后答复我们。",
    "您可以让家人帮您操作APP还款。",
    "我公司不会以任何形式联系您的亲友，请放心。",
    "如有人以公安、法院名义向您催款，请谨防诈骗并向我司核实。",
    "请提供您的身份证照片用于身份核验。",
    "关于您发到抖音的投诉视频，我们已安排专人核实。",
    "我们理解您孩子上学需要花钱，可以帮您申请延期一个月。",
    "请告知您现在的公司名称和地址，以便寄送合同。",
    "根据合同约定，抵押车辆将依法处置，我司会提前书面通知您。",
    "我们这边会给您寄送律师函到您的户籍地址，请注意查收",  # an address, not a visit
    "还钱",
    # neighbours of what the rules took up later: courts that exist, the company's account, a school, an undertaker
    "您与我司借款合同纠纷一案已由余杭区人民法院正式立案，案号为（2026）浙0110民初1234号，请按传票时间到庭。",
    "您的案件已由朝阳区人民法院立案，案号（2026）京0105民初321号，您仍可与我司协商调解。",
    "请将款项转入我司对公账户，户名为合同所列的贷款机构。",
    "请转账至合同约定的还款账户，到账后我们为您开具结清证明。",
    "请将应还款项存入您的个人账户，系统将自动扣款。",
    "我司不会要求您转账到任何个人账户，请谨防诈骗。",
    "您可添加企业微信咨询还款方案。",
    "家长您好，您孩子本学期学费3200元尚未缴纳，请于周五前通过校园缴费平台缴费。",
    "您女儿的学费还差800元，请在9月10日前缴清，如有困难可向学校申请缓交。",
    "您孩子的幼儿园托费本月1500元，请查收账单。",
    "您购买的墓地分期本月应还1200元，请于月底前还款。",
    "您在我店订的花圈和寿衣尾款600元，请您方便时付清。",
    "我司受中国工商银行委托，就您本人的账单与您核对。",
    "我们是经银保监会批准设立的消费金融公司。",
    "我们是依规向人民银行征信中心报送还款状态的。",
    "逾期还款不影响您的子女上学。",
    "（2024）青执字第xx号：您与某建材公司买卖合同一案已立案执行，请向法院报告财产。",
    "钱打对公户，名头是公司全称，别打给我个人。",
    "您可以在官方应用里直接还，不用转给我个人。",
    "三弟，你买棺木的钱还有一千五，记得送来。",
    "清明上坟烧纸买花一共六百八，五家平摊。",
]
# Each of these gave ``pass`` once.
ONCE_PASSED = [
    ("法务部通知：您已被立案，案号2026民初1号，请于今日15点前还款", "forged-document"),
    ("可微信转账给我个人，我帮您销账", "private-payment"),
    ("准备好棺材", "threat-death-symbol"),
    ("你女儿放学几点", "threat-child-hint"),
    ("我们是银监会委托的", "impersonate-authority"),
    ("子女上学会受影响", "false-children"),
]
DISGUISES = [
    ("再不還錢就爆你通訊錄", "third-party-contacts-book"),  # Traditional
    ("再不还钱就爆你通\u200b讯\u200b录", "third-party-contacts-book"),  # zero width
    ("再不还钱就爆你通-讯-录", "third-party-contacts-book"),
    ("再不还钱就爆你通讯录".replace("通", "📞通"), "third-party-contacts-book"),
    ("今天就通.知.你的家-人", "third-party-contact"),
    ("我要通**知你家人", "third-party-contact"),  # a mask by now, and once no symbol
    ("一天给你打１００个电话", "bombard-count"),  # full width
]


def _fired(text: str) -> list[str]:
    return [match.rule.id for match in find_phrases(text)]


def test_rules_cover_every_category_and_are_complete() -> None:
    assert 25 <= len(RULES) <= 45
    assert {rule.category for rule in RULES} == set(CATEGORIES)
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.level in (BLOCK, REVIEW), rule.id
        assert all((rule.name_zh, rule.advice, rule.wording, rule.patterns, rule.legal_basis)), rule.id
        for card in rule.legal_basis:
            assert card.summary.startswith("可能涉及")
            assert card.in_force
            assert "二百九十三" not in card.article  # design/legal-basis.md: do not cite
    assert set(rule_book().model_advice) == set(CATEGORIES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_bad_example_fires_its_rule(rule: PhraseRule) -> None:
    assert rule.id in _fired(rule.bad_example)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_good_example_and_wording_are_clean(rule: PhraseRule, classifier: Classifier) -> None:
    for text in (rule.good_example, rule.wording):
        assert _fired(text) == []
        assert classifier.classify(text).label != HARASSMENT


@pytest.mark.parametrize("category", CATEGORIES)
def test_wording_for_what_only_the_model_finds_is_clean(category: str, classifier: Classifier) -> None:
    wording = rule_book().model_advice[category].wording
    assert _fired(wording) == []
    assert classifier.classify(wording).label != HARASSMENT


@pytest.mark.parametrize(("text", "rule"), RISKY, ids=[rule for _, rule in RISKY])
def test_risky_phrase_fires(text: str, rule: str) -> None:
    assert rule in _fired(text)


@pytest.mark.parametrize(("text", "rule"), ONCE_PASSED, ids=[rule for _, rule in ONCE_PASSED])
def test_what_once_passed_is_stopped(text: str, rule: str, classifier: Classifier) -> None:
    """Pretended officials, private accounts, coffins, a child's way home and harm to relatives once gave ``pass``."""
    assert rule in _fired(text)
    assert precheck(classifier, text).verdict in (REVIEW, BLOCK)


@pytest.mark.parametrize(
    "text",
    [
        "已由余杭区人民法院立案，案号为（2026）浙0110民初1234号，请按传票时间到庭。",
        "请将款项转入我司对公账户。",
        "您女儿的学费还差800元，请在9月10日前缴清。",
    ],
)
def test_lawful_neighbour_passes(text: str, classifier: Classifier) -> None:
    assert precheck(classifier, text).verdict == PASS


def test_readme_tells_how_many_rules_there_are(root: Path) -> None:
    for name in ("README.md", "README.zh.md"):
        assert re.search(
            rf"\b{len(RULES)}(?: reviewed phrase rules| 条经人工审阅的短语规则)", (root / name).read_text("utf-8")
        )


@pytest.mark.parametrize("text", LAWFUL)
def test_lawful_wording_does_not_fire(text: str) -> None:
    assert _fired(text) == []


@pytest.mark.parametrize(("text", "rule"), DISGUISES)
def test_disguised_phrase_fires_and_points_at_the_raw_text(text: str, rule: str) -> None:
    found = {match.rule.id: text[match.start : match.end] for match in find_phrases(text)}
    assert rule in found
    assert len(found[rule]) >= 4


def test_double_negation_and_compulsion_are_no_denial() -> None:
    for text in ("我们不得不联系你的家人了", "再不联系你家人是不行了", "不会只联系你的家人", "不要逼我通知你单位领导"):
        assert "third-party-contact" in _fired(text), text


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from([*(w for t, _ in RISKY for w in (t[:4], t[4:])), "。", " ", "👪", "\u200b", "不会", "a"]))
)
def test_matches_are_spans_of_the_raw_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    matches = find_phrases(text)
    assert all(0 <= match.start < match.end <= len(text) for match in matches)
    assert matches == sorted(matches, key=lambda match: (match.start, match.end, match.rule.id))


def test_findings_point_at_the_message(classifier: Classifier) -> None:
    text = "今天不还清，我们明天就通知你的家人和单位领导，逾期是要坐牢的！"
    result = precheck(classifier, text)
    assert result.verdict == BLOCK
    assert {"third-party-contact", "false-jail"} <= {found.rule for found in result.findings}
    for found in result.findings:
        assert found.text == text[found.start : found.end]
        assert found.legal_basis
        assert found.advice
        assert found.wording
    assert json.loads(json.dumps(result.to_dict()))["findings"][0]["category_zh"]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("您尾号3021的贷款已逾期5天，应还2,318.40元，请尽快存入还款账户", PASS),
        ("晚上吃什么", PASS),
        ("您好，还清后我们立即删除征信记录", BLOCK),
    ],
)
def test_verdict_of_clear_messages(text: str, verdict: str, classifier: Classifier) -> None:
    assert precheck(classifier, text).verdict == verdict


class _Deciding:
    """A classifier that decides as told."""

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction

    def classify(self, text: str) -> Prediction:
        return self.prediction


@pytest.mark.parametrize(
    ("text", "label", "needs_review", "verdict"),
    [
        ("请还款", "collection", False, PASS),
        ("请还款", "collection", True, REVIEW),  # the model is not sure
        ("请还款", "harassment", True, REVIEW),
        ("请还款", "harassment", False, BLOCK),
        ("请还款，否则后果自负", "other", False, REVIEW),  # a rule of level review
        ("请还款，否则后果自负", "harassment", True, BLOCK),  # both sources
        ("请还款，逾期就坐牢", "other", False, BLOCK),  # a rule of level block
    ],
)
def test_verdict_joins_both_sources(text: str, label: str, needs_review: bool, verdict: str) -> None:
    prediction = Prediction(
        label, dict.fromkeys(("harassment", "collection", "other"), 1 / 3), needs_review, (), (), "m"
    )
    assert precheck(_Deciding(prediction), text).verdict == verdict  # type: ignore[arg-type]


def test_verdict_follows_its_rule(classifier: Classifier) -> None:
    """On every example: rules of level block block; a harassing message never passes; clean and sure passes."""
    for text in [*(rule.bad_example for rule in RULES), *(rule.good_example for rule in RULES), *LAWFUL]:
        result = precheck(classifier, text)
        rules = [found for found in result.findings if found.source == RULE]
        harassment = result.label == HARASSMENT
        blocked = any(found.level == BLOCK for found in rules) or (
            harassment and (bool(rules) or not result.needs_review)
        )
        doubtful = bool(rules) or harassment or result.needs_review
        assert result.verdict == (BLOCK if blocked else REVIEW if doubtful else PASS), text


def test_what_only_the_model_finds_is_a_clause_with_a_category(classifier: Classifier) -> None:
    text = "你女儿放学是走桥头那条路吧？钱的事今晚给个准话"
    result = precheck(classifier, text)
    assert result.label == HARASSMENT
    assert result.verdict in (REVIEW, BLOCK)
    found = [finding for finding in result.findings if finding.source == MODEL]
    assert found
    for finding in found:
        assert finding.text in ("你女儿放学是走桥头那条路吧", "钱的事今晚给个准话")
        assert finding.category in {category.name for category in result.categories}
        assert finding.rule == f"model-{finding.category}"


@pytest.mark.parametrize("text", ["", "   ", "长" * 10_001, "\ud800"])
def test_unusable_message_is_refused_without_its_text(text: str, classifier: Classifier) -> None:
    with pytest.raises(InputError) as refused:
        precheck(classifier, text)
    assert "长长" not in str(refused.value)


def test_readable_result_shows_no_escape_of_the_sender(classifier: Classifier) -> None:
    text = "再不还钱就爆你\x1b[31m通讯录，逾期就坐牢"
    shown = render(precheck(classifier, text), text, colour=False)
    assert "\x1b" not in shown
    assert shown.startswith("不要发送 (block)")
    assert "【坐牢】" in shown
    assert "可改为" in shown
    assert shown.endswith(NOTICE_ZH)


@pytest.mark.parametrize(
    ("text", "options", "status"),
    [
        ("再不还钱就爆你通讯录", [], 0),
        ("再不还钱就爆你通讯录", ["--fail-on", "block"], 1),
        ("再不还钱就爆你通讯录", ["--fail-on", "review"], 1),
        ("您本期账单明天到期，请按时还款", ["--fail-on", "block"], 0),
        ("您本期账单明天到期，请按时还款", ["--fail-on", "review"], 0),
        ("", [], 2),
    ],
)
def test_exit_status(text: str, options: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["precheck", text, "--json", *options]) == status
    output = capsys.readouterr()
    if status == 2:
        assert output.out == ""
        assert len(output.err.strip().splitlines()) == 1
    else:
        assert json.loads(output.out)["verdict"] in (PASS, REVIEW, BLOCK)


def test_command_reads_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("逾期就坐牢\n".encode()), "utf-8"))
    assert main(["precheck", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["text"] == "坐牢"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe"), "utf-8"))
    assert main(["precheck", "-"]) == 2


TEMPLATES = [
    ("1", "再不还钱就爆你通讯录，还去你单位"),
    ("2", "您本期账单明天到期，请按时还款"),
    ("3", ""),
    ("=4", "敬酒不吃吃罚酒"),
]


def _table(path: Path, rows: list[tuple[str, str]]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", encoding="gb18030", newline="") as file:
            csv.writer(file).writerows([("编号", "模板"), *rows])
    elif path.suffix == ".xlsx":
        book = pytest.importorskip("openpyxl").Workbook()
        for row in [("编号", "模板"), *rows]:
            book.active.append([f"'{cell}" if cell.startswith("=") else cell for cell in row])
        book.save(path)
    else:
        arrow = pytest.importorskip("pyarrow")
        numbers = arrow.array([len(number) for number, _ in rows], arrow.int8())
        made = arrow.table({"编号": numbers, "模板": [text for _, text in rows]})
        pytest.importorskip("pyarrow.parquet").write_table(made, path)
    return path


def _cells(path: Path) -> list[list[str]]:
    reader = open_table(path)
    return [reader.columns, *[row.cells for row in reader.rows()]]


def _check_table(table: Path, made: Path, *more: str) -> int:
    return main(["precheck", "--table", str(table), "-o", str(made), "--text-column", "模板", *more])


@pytest.mark.parametrize("source", [".csv", ".xlsx", ".parquet"])
@pytest.mark.parametrize("output", [".csv", ".tsv", ".xlsx", ".parquet"])
def test_table_of_templates(
    source: str, output: str, tmp_path: Path, classifier: Classifier, capsys: pytest.CaptureFixture[str]
) -> None:
    table, made = _table(tmp_path / f"in{source}", TEMPLATES), tmp_path / f"out{output}"
    assert _check_table(table, made) == 0
    header, *rows = _cells(made)
    assert header == ["编号", "模板", "verdict", "rules", "probability", "error"]
    assert [row[1] for row in rows] == [text for _, text in TEMPLATES]
    for row, (_, text) in zip(rows, TEMPLATES, strict=True):
        if text:
            expected = precheck(classifier, text)
            assert (row[2], row[4], row[5]) == (expected.verdict, f"{expected.probability:.6f}", "")
            assert row[3] == ";".join(dict.fromkeys(finding.name_zh for finding in expected.findings))
        else:
            assert row[2:5] == ["", "", ""]
            assert row[5]
    shown = capsys.readouterr()
    assert shown.out.strip() == str(made)
    assert re.match(r"4 rows: pass 1, review \d, block \d; errors 1", shown.err)
    assert sorted(path.name for path in tmp_path.iterdir()) == [table.name, made.name]


def test_table_runs_no_formula_and_keeps_parquet_types(tmp_path: Path) -> None:
    made, kept = tmp_path / "out.csv", tmp_path / "out.parquet"
    assert _check_table(_table(tmp_path / "in.csv", TEMPLATES), made) == 0
    assert made.read_bytes().startswith("\ufeff编号".encode())
    assert _cells(made)[4][0] == "'=4"
    assert _check_table(_table(tmp_path / "in.parquet", TEMPLATES), kept) == 0
    schema = pytest.importorskip("pyarrow.parquet").read_schema(kept)
    assert [str(kind) for kind in schema.types] == ["int8", "string", "string", "string", "string", "string"]


@pytest.mark.parametrize(
    ("rows", "fail_on", "status"),
    [
        (TEMPLATES[:2], "block", 1),
        (TEMPLATES[1:2], "block", 0),
        (TEMPLATES[1:2], "review", 0),
        (TEMPLATES[1:3], "block", 1),  # a row that could not be checked is not known to be lawful
    ],
)
def test_exit_status_of_a_table(rows: list[tuple[str, str]], fail_on: str, status: int, tmp_path: Path) -> None:
    table = _table(tmp_path / "in.csv", rows)
    assert _check_table(table, tmp_path / "out.csv", "--fail-on", fail_on) == status


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "one message"),
        (["还钱", "--table", "in.csv", "-o", "out.csv"], "one message"),
        (["--table", "in.csv"], "go together"),
        (["还钱", "-o", "out.csv"], "go together"),
        (["--table", "in.csv", "-o", "out.csv", "--json"], "--json"),
        (["--table", "in.csv", "-o", "there.csv"], "--force"),
        (["--table", "in.csv", "-o", "in.csv", "--force"], "is the input"),
        (["--table", "in.csv", "-o", "out.doc"], "unknown ending"),
        (["--table", "in.csv", "-o", "none/out.csv"], "no such directory"),
        (["--table", "in.csv", "-o", "out.csv", "--text-column", "正文"], "no column"),
        (["--table", "none.csv", "-o", "out.csv"], "no such file"),
        (["--table", "done.csv", "-o", "out.csv"], "already has verdict"),
        (["--table", "empty.csv", "-o", "out.csv"], "nothing to check"),
    ],
)
def test_table_is_refused_in_one_line(
    options: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("text\n还钱\n", "utf-8")
    (tmp_path / "there.csv").write_text("mine", "utf-8")
    (tmp_path / "done.csv").write_text("text,verdict\n还钱,pass\n", "utf-8")
    (tmp_path / "empty.csv").write_text("text\n", "utf-8")
    assert main(["precheck", *options]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.strip().splitlines()) == 1
    assert (tmp_path / "there.csv").read_text("utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done.csv", "empty.csv", "in.csv", "there.csv"]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    pytest.importorskip("httpx2")
    from fastapi.testclient import TestClient

    from harassclf.service.app import create_app

    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield client


def test_http_gives_what_python_gives(client: Any, classifier: Classifier) -> None:
    for text in ("今天不还清就通知你的家人", "您本期账单明天到期，请按时还款", "长" * 3_000):
        answer = client.post("/v1/precheck", json={"text": text})
        assert answer.status_code == 200
        assert answer.json() == json.loads(json.dumps(precheck(classifier, text).to_dict()))
    assert 'harassclf_prechecks_total{verdict="block"}' in client.get("/metrics").text


def test_http_counts_a_precheck_like_any_message(client: Any) -> None:
    """Prechecks were once missing among the verdicts and in the day's drift."""
    names = ('harassclf_verdicts_total{label="collection"}', 'harassclf_drift_day_messages{label="collection"}')
    before = _metrics(client)
    client.post("/v1/precheck", json={"text": "您本期账单明天到期，请按时还款"})
    after = _metrics(client)
    assert [after[name] - before.get(name, 0) for name in names] == [1, 1]
    assert after["harassclf_drift_day_words"] > before["harassclf_drift_day_words"]


def _metrics(client: Any) -> dict[str, float]:
    lines = [line for line in client.get("/metrics").text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.mark.parametrize("body", [{"text": ""}, {"text": " "}, {"text": 1}, {}, {"text": "独此一句" * 3_000}, []])
def test_http_refuses_without_the_text(client: Any, body: Any) -> None:
    answer = client.post("/v1/precheck", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"].keys() == {"code", "message"}
    assert "独此一句" not in answer.text


def test_http_lists_the_rules(client: Any) -> None:
    listed = client.get("/v1/precheck/rules").json()
    assert [rule["id"] for rule in listed["rules"]] == [rule.id for rule in RULES]
    assert listed["rules"][0].keys() >= {"name_zh", "category_zh", "legal_basis", "bad_example", "good_example"}
