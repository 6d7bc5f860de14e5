"""The page as a person uses it: Debian's Chromium against a real server process. Skipped where either is missing."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import harassclf
from harassclf.keys import key_line, new_key
from harassclf.labels import CATEGORIES, LABELS
from harassclf.service import ocr
from harassclf.service.page import load_page
from harassclf.settings import MAX_TEXT
from harassclf.timeline.parties import OWN_PHONE, THE_DEBTOR

sync_api = pytest.importorskip("playwright.sync_api", reason="the page's tests need playwright: pip install playwright")
# Not page.wait_for_function: where its condition does not hold at once it evaluates a string in the page, and the page's own
# Content-Security-Policy forbids that.
expect = sync_api.expect
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="the page's tests need axe-playwright-python")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CJK_FONTS = [
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
]
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="the page's tests need chromium on the path (Debian: chromium)")

HARASSMENT = "再不还钱就把你通讯录里的人挨个打一遍"
EVERYDAY = "晚上吃什么"
COLLECTION = "您尾号3021的贷款已逾期5天，应还2,318.40元，请尽快存入还款账户"
HOSTILE = "<img src=x onerror=alert(1)><script>document.title='x'</script>再不还钱就带人去你家"
THREAD = """2026-03-02 22:35 小贷客服: 再不还就把你照片发到你们单位群
2026-03-03 08:50 我: 请不要再联系我了
2026-03-03 09:05 来电 17000000001 1分12秒
2026-03-03 16:10 小贷客服 → 妈妈: 阿姨，您女儿在我们这儿欠了两万八，您劝她赶紧还上"""
TABLE = "时间,内容\n" + "".join(
    f"2026-03-{1 + i % 28:02d} {i % 24:02d}:30,{(HARASSMENT, EVERYDAY, COLLECTION, HOSTILE)[i % 4]}\n"
    for i in range(60)
)
TABS = ("message", "file", "thread", "precheck")


@contextmanager
def running(folder: Path, **environment: str) -> Iterator[str]:
    """A server process in ``folder``; its address."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"TMPDIR": str(folder), "HARASSCLF_FEEDBACK": str(folder / "feedback.jsonl"), **environment}
    log = folder / "server.log"  # a file: nobody reads a pipe, and a full one stops the server
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "harassclf", "serve", "--port", str(port)],
            cwd=folder, env=os.environ | variables, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        _wait(port, process, log)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/ready")
                if connection.getresponse().status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail("the service did not become ready")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, server: str) -> Iterator[Callable[..., Any]]:
    """Opens the page; at the end, no console error, no uncaught error and no request to another host happened."""
    problems: list[str] = []
    contexts = []

    def open_page(tab: str = "message", *, expected: str = "", address: str = server, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)

        def heard(message: Any) -> None:
            if message.type in ("error", "warning") and not (expected and expected in message.text):
                problems.append(message.text)

        page.on("console", heard)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: _local(request.url, address) or problems.append(request.url))
        page.goto(f"{address}#{tab}")
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def _local(url: str, address: str) -> bool:
    return url.startswith((address, "blob:", "data:"))


def judge(page: Any, text: str) -> None:
    page.fill("#message-text", text)
    page.click("#message-form [type=submit]")
    page.wait_for_selector("#message-result .result")


@pytest.mark.parametrize(
    ("text", "tones"),
    [(HARASSMENT, {"harassment", "unsure"}), (COLLECTION, {"collection", "unsure"}), (EVERYDAY, {"other", "unsure"})],
)
def test_a_message_gets_its_verdict_in_words(open_page: Callable[..., Any], text: str, tones: set[str]) -> None:
    page = open_page()
    judge(page, text)
    banner = page.locator("#message-result .banner")
    assert set(banner.get_attribute("class").split()) & tones
    assert page.locator("#message-result .quoted").inner_text() == text
    meter = page.locator("[role=meter]")
    assert 0 <= int(meter.get_attribute("aria-valuenow")) <= 100
    assert "可能性" in meter.get_attribute("aria-valuetext")


def test_unsure_is_said(open_page: Callable[..., Any]) -> None:
    page = open_page()
    answer = {
        "label": "harassment", "probabilities": {"harassment": 0.5, "collection": 0.3, "other": 0.2},
        "needs_review": True, "categories": [], "evidence": [], "model": "m",
    }  # fmt: skip
    page.route("**/v1/classify", lambda route: route.fulfill(json=answer))
    judge(page, "你看着办")
    assert page.locator("#message-result h3").inner_text() == "不确定，请人工判断"


def test_law_cards_and_channels_of_a_harassing_message(open_page: Callable[..., Any]) -> None:
    page = open_page()
    judge(page, HARASSMENT)
    card = page.locator("#message-result .law").first
    assert "可能涉及" in card.inner_text()
    assert "施行" in card.inner_text()
    advice = page.locator("#message-result .advice").inner_text()
    for channel in ("110", "12378", "12345", "12321", "12315", "中国互联网金融协会", "个人信息保护"):
        assert channel in advice
    assert "原手机" in advice


def test_evidence_is_marked_at_code_points(open_page: Callable[..., Any]) -> None:
    """Emoji are two UTF-16 units and one code point: an offset error would shift every mark after them."""
    page = open_page()
    with page.expect_response("**/v1/classify") as answered:
        judge(page, f"😡😡👨‍👩‍👧{HARASSMENT}😡")
    spans = answered.value.json()["evidence"]
    marked = page.locator("#message-result mark").all_inner_texts()
    assert spans
    assert "".join(marked) == "".join(span["text"] for span in sorted(spans, key=lambda span: span["start"]))


def test_examples_can_be_clicked(open_page: Callable[..., Any]) -> None:
    page = open_page()
    for i in range(page.locator("#message-examples .example").count()):
        page.locator("#message-examples .example").nth(i).click()
        text = page.input_value("#message-text")
        expect(page.locator("#message-result .quoted").first).to_have_text(text)


def test_html_in_a_message_is_shown_as_text(open_page: Callable[..., Any]) -> None:
    page = open_page()
    judge(page, HOSTILE)
    assert page.locator("#message-result .quoted").inner_text() == HOSTILE
    assert page.locator("#message-result img, #message-result script").count() == 0
    assert page.title() == "催收骚扰识别"


def test_empty_and_too_long_messages_are_explained(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.click("#message-form [type=submit]")
    assert "请先输入" in page.locator("#message-result [role=alert]").inner_text()
    page.fill("#message-text", "长" * 10_001)
    page.click("#message-form [type=submit]")
    page.wait_for_selector("#message-result [role=alert] >> text=太长")


def test_the_limit_is_the_services_and_nothing_is_cut(open_page: Callable[..., Any]) -> None:
    page = open_page()
    assert page.get_attribute("html", "data-limit") == str(MAX_TEXT)
    for tab in ("message", "precheck"):
        page.click(f"#tab-{tab}")
        page.fill(f"#{tab}-text", "长" * 25_000)
        assert len(page.input_value(f"#{tab}-text")) == 25_000
        page.click(f"#{tab}-form [type=submit]")
        page.wait_for_selector(f"#{tab}-result [role=alert] >> text=最多 10,000 字")
    assert "25,000 / 10,000" in page.locator("#message-count").text_content()


@pytest.mark.parametrize(
    ("text", "note"),
    [("\u200b\u200b", "没有可判断的内容"), ("***", "没有可判断的内容"), ("123456", "没有可判断的内容"),
     ("Pay me or I will call your mother", "只判断中文"), (EVERYDAY, "")],
)  # fmt: skip
def test_a_text_without_chinese_has_a_note(open_page: Callable[..., Any], text: str, note: str) -> None:
    page = open_page()
    judge(page, text)
    notes = page.locator("#message-result .scope").all_inner_texts()
    assert len(notes) == bool(note)
    assert note in "".join(notes)


def test_a_server_that_cannot_be_reached_is_explained(open_page: Callable[..., Any]) -> None:
    page = open_page(expected="ERR_FAILED")
    page.route("**/v1/classify", lambda route: route.abort())
    page.fill("#message-text", EVERYDAY)
    page.click("#message-form [type=submit]")
    page.wait_for_selector("#message-result [role=alert] >> text=连接不到服务器")
    assert page.input_value("#message-text") == EVERYDAY


@pytest.mark.parametrize("keep", [False, True])
def test_feedback_keeps_the_text_only_if_ticked(open_page: Callable[..., Any], keep: bool) -> None:
    page = open_page()
    judge(page, HARASSMENT)
    page.click(".wrong > summary")
    if keep:
        page.check(".wrong [name=keep]")
    with page.expect_response("**/v1/feedback") as answered:
        page.click(".wrong [type=submit]")
    assert answered.value.status == 201
    assert answered.value.json()["kept_text"] is keep
    assert json.loads(answered.value.request.post_data)["keep_text"] is keep
    page.wait_for_selector(".wrong .notice.good")


def test_feedback_form_is_absent_where_it_is_off(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.route("**/v1/feedback", lambda route: route.fulfill(json={"enabled": False}))
    judge(page, HARASSMENT)
    page.wait_for_timeout(200)
    assert page.locator(".wrong").count() == 0


def upload(page: Any, name: str = "记录.csv", content: str | bytes = TABLE) -> None:
    data = content.encode() if isinstance(content, str) else content
    page.set_input_files("#file-input", {"name": name, "mimeType": "text/csv", "buffer": data})


def score(page: Any) -> None:
    upload(page)
    page.click("#file-start")
    page.wait_for_selector("#file-body table.rows", timeout=60_000)


def test_a_file_from_upload_to_deletion(open_page: Callable[..., Any]) -> None:
    page = open_page("file")
    upload(page)
    page.wait_for_selector("#file-start")
    assert page.input_value("#text_column") == "1"
    assert page.input_value("#time_column") == "0"
    page.click("#file-start")
    page.wait_for_selector("#file-body table.rows", timeout=60_000)
    assert page.locator(".tile dd").first.inner_text() == "60"
    assert page.locator("figure.chart").count() == 3
    page.locator("figure.chart details summary").first.click()
    assert "催收骚扰" in page.locator("figure.chart table").first.inner_text()
    with page.expect_download() as download:
        page.click("text=下载结果（CSV）")
    assert download.value.suggested_filename == "记录-harassclf.csv"
    assert "predicted_label" in Path(download.value.path()).read_text("utf-8-sig")
    page.click("text=从服务器删除")
    page.wait_for_selector("#file-input", state="attached")


def test_sheets_that_were_not_read_are_named(open_page: Callable[..., Any], tmp_path: Path) -> None:
    """A workbook of a sheet a month was once judged by its first month without a word."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["text"])
    book.active.append(["还钱"])
    book.create_sheet("二月").append(["text"])
    book.save(tmp_path / "months.xlsx")
    page = open_page("file")
    upload(page, "months.xlsx", (tmp_path / "months.xlsx").read_bytes())
    page.click("#file-start")
    page.wait_for_selector("#file-body table.rows", timeout=60_000)
    assert "未读：二月" in page.inner_text("#file-body")


def test_rows_are_filtered_paged_and_text(open_page: Callable[..., Any]) -> None:
    page = open_page("file")
    score(page)
    assert page.locator("table.rows tbody tr").count() == 20
    page.click(".pager button:last-child")
    page.wait_for_selector(".pager >> text=第 2 / 3 页")
    page.fill(".filter [name=q]", "<img")
    page.click(".filter [type=submit]")
    page.wait_for_selector("text=共 15 行")
    assert page.locator("table.rows .row-text p").first.inner_text() == HOSTILE
    assert page.locator("#file-body img").count() == 0
    page.fill(".filter [name=q]", "没有这样的文字")
    page.click(".filter [type=submit]")
    page.wait_for_selector("text=共 0 行")


def _parquet() -> bytes:
    return b"PAR1" + bytes(range(256)) + b"PAR1"


@pytest.mark.parametrize(
    ("name", "content", "chinese", "english"),
    [
        ("a.csv", b"text,time\n", "只有列名", "no rows"),
        ("a.csv", b"text,predicted_label\nhello,other\n", "已经有判断结果的列", "already has columns of results"),
        ("a.csv", b"text\n\xff\xff\xff\n", "编码", "encoding"),
        ("a.csv", "text\n今天开会的通知\n".encode() + "还钱\n".encode("gbk"), "混有两种编码", "mixes two encodings"),
        ("a.csv", _parquet(), "Parquet", "no table in text"),
        ("a.parquet", _parquet(), "扩展名", "end in"),
        ("a.xlsx", b"PK\x03\x04 no", "已损坏", "damaged"),
    ],
)
def test_why_a_file_is_refused(
    open_page: Callable[..., Any], name: str, content: bytes, chinese: str, english: str
) -> None:
    page = open_page("file", expected="422")
    upload(page, name, content)
    alert = page.locator("#file-body [role=alert]")
    expect(alert).to_contain_text(chinese)
    assert not re.search("[a-z]{4,} [a-z]{4,}", alert.inner_text())
    page.click("#language")
    expect(alert).to_contain_text(english)
    assert not re.search("[\u4e00-\u9fff]", alert.inner_text())


def test_causes_are_what_the_reader_says() -> None:
    source = "".join(path.read_text("utf-8") for path in Path(harassclf.__file__).parent.rglob("*.py"))
    files = load_page().files
    causes = re.findall(r'\["([^"]+)", "(\w+)"\]', files["causes.js"].decode().partition("CAUSES")[2])
    assert len(causes) == 14
    for part, key in causes:
        assert part in source
        assert f"cause.{key}" in json.loads(files["strings.zh.json"])


def test_a_file_that_is_no_table_is_explained(open_page: Callable[..., Any]) -> None:
    page = open_page("file", expected="422")
    upload(page, "a.xlsx", b"no workbook")
    page.wait_for_selector("#file-body [role=alert]")
    upload(page)
    page.wait_for_selector("#file-start")
    assert page.locator("#file-body [role=alert]").count() == 0


def test_a_scored_file_survives_a_reload(open_page: Callable[..., Any]) -> None:
    page = open_page("file")
    score(page)
    page.reload()
    page.wait_for_selector("#file-body table.rows")


def test_a_thread_is_put_on_a_timeline_and_packed(open_page: Callable[..., Any]) -> None:
    page = open_page("thread")
    page.fill("#thread-text", THREAD)
    page.click("#thread-form [type=submit]")
    page.wait_for_selector("#thread-result .timeline")
    assert page.locator("#thread-result .contact").count() == 4
    flags = page.locator("#thread-result .findings").inner_text()
    for rule in ("22:00 至次日 8:00 联系", "明确拒绝后仍联系", "联系第三人", "向第三人透露债务"):
        assert rule in flags
    with page.expect_download() as download:
        page.click("#thread-download")
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert any(name.endswith(".html") for name in names)


@pytest.mark.parametrize(
    "pasted", ["张经理 3月1日 22:15\n再不还钱\n随便", "大家好", "2026-13-41 22:15 张经理: 再不还钱"]
)
def test_a_thread_that_cannot_be_read_is_not_called_harmless(open_page: Callable[..., Any], pasted: str) -> None:
    page = open_page("thread", expected="422")
    page.fill("#thread-text", pasted)
    page.click("#thread-form [type=submit]")
    result = page.locator("#thread-result")
    expect(result.locator("h3")).to_have_text("读不出记录，联系规则无从检查")
    assert "2026-03-01 22:15 张经理: " in result.inner_text()
    assert "没有触发" not in result.inner_text()
    assert page.locator("#thread-download").count() == 0
    page.click("#language")
    expect(result.locator("h3")).to_contain_text("could not be read")


def test_a_table_of_which_no_row_has_a_time_is_not_called_harmless(open_page: Callable[..., Any]) -> None:
    page = open_page("thread")
    table = "时间,内容\n3月1日,再不还钱\n".encode()
    page.set_input_files("#thread-file", {"name": "t.csv", "mimeType": "text/csv", "buffer": table})
    expect(page.locator("#thread-result h3")).to_have_text("读不出记录，联系规则无从检查")
    assert "“时间”一列" in page.locator("#thread-result .banner").inner_text()
    assert "时间格式无法识别" in page.locator("#thread-result .contact").inner_text()
    assert page.locator("#thread-download").count() == 0


def test_a_record_that_cannot_be_read_is_told_in_the_head(open_page: Callable[..., Any]) -> None:
    page = open_page("thread")
    page.fill("#thread-text", "大家好\n2026-03-02 10:00 小贷客服: 您好，请还款")
    page.click("#thread-form [type=submit]")
    expect(page.locator("#thread-result .banner")).to_contain_text("另有 1 条记录读不出")
    assert page.locator("#thread-download").count() == 1


def test_an_english_result_of_a_thread_has_only_the_records_and_the_law_in_chinese(
    open_page: Callable[..., Any],
) -> None:
    page = open_page("thread")
    page.fill("#thread-text", f"大家好\n{THREAD}")
    page.click("#thread-form [type=submit]")
    page.wait_for_selector("#thread-result .timeline")
    page.click("#language")
    page.wait_for_selector("html[lang=en]")
    shown = page.locator("#thread-result").inner_text()
    for chinese in ("未注明", "没有时间", "条记录无法使用", "现行依据中", "部分联系未说明", "须自行核实", "债务人"):
        assert chinese not in shown
    for english in ("not stated", "no time", "Records that cannot be used", "no limit to the number of SMS"):
        assert english.lower() in shown.lower()


def test_every_line_that_a_timeline_says_is_in_english_too() -> None:
    folder = Path(harassclf.__file__).parent
    source = "".join(
        (folder / "timeline" / f"{name}.py").read_text("utf-8") for name in ("thread", "times", "contacts")
    )
    said = re.findall(
        r'(?:TimeError\(|Moment\(local, |problem or |problem = |\{\}, |None, "", None, )"([^"]+)"', source
    )
    said += [re.sub(r"^\{\w+\}", "{count}", note) for note in re.findall(r'notes\.append\(\s*f?"([^"]+)"', source)]
    rules = json.loads((folder / "resources" / "contact_rules.json").read_text("utf-8"))
    said += [
        OWN_PHONE,
        THE_DEBTOR,
        rules["no_limit"],
        *(rule[key] for rule in rules["rules"].values() for key in rule if "caution" in key),
    ]
    english = json.loads(load_page().files["said.en.json"])
    assert len(said) > 20
    assert {clause for line in said for clause in line.split("；")} - english.keys() == set()


def test_a_thread_can_be_uploaded(open_page: Callable[..., Any]) -> None:
    page = open_page("thread")
    table = f"时间,方向,发送人,渠道,内容\n2026-03-02 23:10,收,小贷客服,短信,{HARASSMENT}\n".encode()
    page.set_input_files("#thread-file", {"name": "t.csv", "mimeType": "text/csv", "buffer": table})
    page.wait_for_selector("#thread-result .timeline")
    assert "t.csv" in page.locator("#thread-source").inner_text()
    assert HARASSMENT in page.locator("#thread-result .contact").inner_text()
    with page.expect_download() as download:
        page.click("#thread-download")
    assert zipfile.ZipFile(download.value.path()).testzip() is None


def test_before_sending_shows_phrase_rule_and_wording(open_page: Callable[..., Any]) -> None:
    page = open_page("precheck")
    text = "😀今天不还清，我们明天就联系你的家人和单位，逾期是要坐牢的！"
    page.fill("#precheck-text", text)
    with page.expect_response("**/v1/precheck") as answered:
        page.click("#precheck-form [type=submit]")
    page.wait_for_selector("#precheck-result .finding")
    findings = answered.value.json()["findings"]
    shown = page.locator("#precheck-result .finding q").all_inner_texts()
    assert shown == [finding["text"] for finding in findings]
    assert page.locator("#precheck-result .quoted").inner_text() == text
    assert findings[0]["wording"] in page.locator("#precheck-result .wording").first.inner_text()
    page.click("#precheck-rules summary")
    assert page.locator("#precheck-rules .good-example").count() > 10


def screenshot(lines: list[str]) -> bytes:
    """A picture of a chat, as a phone shows it."""
    from PIL import Image, ImageDraw, ImageFont

    font_file = next((path for path in CJK_FONTS if path.exists()), None)
    if font_file is None:
        pytest.skip("needs a Chinese font (Debian: fonts-noto-cjk)")
    image = Image.new("RGB", (720, 120 + 80 * len(lines)), "#ededed")
    draw = ImageDraw.Draw(image)
    for i, line in enumerate(lines):
        draw.rounded_rectangle((24, 50 + 80 * i, 690, 115 + 80 * i), 12, fill="white")
        draw.text((44, 60 + 80 * i), line, font=ImageFont.truetype(font_file, 34), fill="#111")
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@pytest.mark.skipif(not ocr.installed(), reason="needs the extra ocr: pip install 'harassclf[ocr]'")
@pytest.mark.parametrize("way", ["choose", "drop", "paste"])
def test_a_screenshot_is_read_shown_and_judged(open_page: Callable[..., Any], way: str) -> None:
    page = open_page()
    image = screenshot(["再不还钱就把你的照片", "发到你们公司群里"])
    if way == "choose":
        page.set_input_files("#screenshot-input", {"name": "s.png", "mimeType": "image/png", "buffer": image})
    else:
        page.evaluate(
            """([bytes, way]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(bytes)], "s.png", {type: "image/png"}));
              const event = way === "drop"
                ? new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: data})
                : new ClipboardEvent("paste", {bubbles: true, cancelable: true, clipboardData: data});
              document.getElementById("message-form").dispatchEvent(event);
            }""",
            [list(image), way],
        )
    page.wait_for_selector("#screenshot-state .notice.good", timeout=60_000)
    assert "照片" in page.input_value("#message-text")
    assert page.locator("img.screenshot").count() == 1
    page.click("#message-form [type=submit]")
    page.wait_for_selector("#message-result .result")


def test_without_the_extra_the_page_says_how_to_get_it(open_page: Callable[..., Any]) -> None:
    page = open_page(expected="501")
    error = {"error": {"code": "ocr_missing", "message": "needs an extra"}}
    page.route("**/v1/ocr", lambda route: route.fulfill(status=501, json=error))
    page.set_input_files("#screenshot-input", {"name": "s.png", "mimeType": "image/png", "buffer": b"x"})
    page.wait_for_selector("#screenshot-state >> text=pip install 'harassclf[ocr]'")


@pytest.mark.parametrize("tab", TABS)
def test_nothing_is_wider_than_a_phone(open_page: Callable[..., Any], tab: str) -> None:
    page = open_page(tab, viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    fill_with_results(page, tab)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    box = page.locator(f"#tab-{tab}").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 361


def fill_with_results(page: Any, tab: str) -> None:
    """Bring a tab to the state with most in it."""
    if tab == "message":
        judge(page, HARASSMENT)
    elif tab == "file":
        score(page)
    elif tab == "thread":
        page.click("#thread-example")
        page.wait_for_selector("#thread-result .timeline")
    else:
        page.locator("#precheck-examples .example").first.click()
        page.wait_for_selector("#precheck-result .finding")
        page.wait_for_selector("#precheck-rules details")
    page.evaluate("document.querySelectorAll('main details').forEach(details => { details.open = true; })")


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_with_the_keyboard_only(open_page: Callable[..., Any]) -> None:
    page = open_page()
    press(page, "Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    press(page, "Tab", "Tab")
    assert focused(page) == "tab-message"
    steps = [("ArrowRight", name) for name in (*TABS[1:], "message")] + [("ArrowLeft", "precheck"), ("End", "precheck")]
    for key, name in steps:
        press(page, key)
        assert focused(page) == f"tab-{name}"
        assert page.locator(f"#panel-{name}").is_visible()
    press(page, "Home", "Tab")
    assert focused(page) == "message-text"
    page.keyboard.type(HARASSMENT)
    press(page, "Control+Enter")
    page.wait_for_selector("#message-result .result")
    expect(page.locator("#message-result h3").first).to_be_focused()
    press(page, "Tab")  # the numbers behind the verdict
    press(page, "Enter")
    assert page.locator("#message-result details[open] table").is_visible()
    press(page, "Tab", "Enter")  # the first category, open at first
    expect(page.locator("#message-result details.category").first).not_to_have_attribute("open", re.compile(""))


def test_the_chosen_tab_shows_on_a_narrow_screen(open_page: Callable[..., Any]) -> None:
    page = open_page("precheck", viewport={"width": 260, "height": 600})
    expect(page.locator("#tab-precheck")).to_be_in_viewport(ratio=1)
    page.goto(page.url.replace("#precheck", "#message"))
    expect(page.locator("#tab-message")).to_be_in_viewport(ratio=1)


def test_every_focus_is_visible(open_page: Callable[..., Any]) -> None:
    page = open_page()
    for _ in range(12):
        press(page, "Tab")
        style = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + ' ' + s.outlineWidth; })()"
        )
        hidden = page.evaluate("document.activeElement.classList.contains('visually-hidden')")
        assert hidden or (style.startswith(("solid", "auto")) and not style.endswith(" 0px")), focused(page)


def test_address_remembers_the_tab(open_page: Callable[..., Any]) -> None:
    page = open_page("precheck")
    assert page.locator("#panel-precheck").is_visible()
    page.click("#tab-thread")
    assert page.url.endswith("#thread")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#panel-thread").is_visible()
    page.evaluate("location.hash = 'no-such-tab'")
    page.wait_for_selector("#panel-message", state="visible")


def test_reload_keeps_the_text_and_clear_removes_it(open_page: Callable[..., Any]) -> None:
    page = open_page()
    fields = {"message": "#message-text", "thread": "#thread-text", "precheck": "#precheck-text"}
    for tab, field in fields.items():
        page.click(f"#tab-{tab}")
        page.fill(field, f"{tab} 的草稿😀")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    for tab, field in fields.items():
        assert page.input_value(field) == f"{tab} 的草稿😀"
        page.click(f"#tab-{tab}")
        page.click(f"[data-clear={tab}]")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert [page.input_value(field) for field in fields.values()] == ["", "", ""]
    assert page.evaluate("Object.values(localStorage).join() + Object.values(sessionStorage).join()").find("草稿") == -1


def test_english(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.click("#language")
    page.wait_for_selector("html[lang=en]")
    assert page.title() == "Debt-collection harassment check"
    for tab in TABS:
        page.click(f"#tab-{tab}")
        fill_with_results(page, tab)
        chinese = page.evaluate(
            """() => {
              const found = [];
              const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
              while (walker.nextNode()) {
                const parent = walker.currentNode.parentElement;
                if (parent.closest("[lang^=zh], .quoted, textarea, [dir=auto], .preview, code")) continue;
                if (parent.checkVisibility() && /[\\u4e00-\\u9fff]/.test(walker.currentNode.data)) found.push(walker.currentNode.data);
              }
              return found;
            }"""
        )
        allowed = ("记录.csv", "中国互联网金融协会", "来电", "我:", "妈妈")
        assert [text for text in chinese if not any(word in text for word in allowed)] == []
    page.reload()
    page.wait_for_selector("html[lang=en]")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tab", TABS)
def test_axe_finds_no_serious_fault(open_page: Callable[..., Any], tab: str, scheme: str) -> None:
    page = open_page(tab, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    fill_with_results(page, tab)
    found = axe.Axe().run(page).response["violations"]
    serious = [
        (fault["id"], node["target"], node["failureSummary"])
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:3]
    ]
    assert serious == []


def test_a_key_is_asked_for_once_and_used(open_page: Callable[..., Any], tmp_path: Path) -> None:
    key = new_key()
    (tmp_path / "keys").write_text(key_line("test", key) + "\n")
    with running(tmp_path, HARASSCLF_API_KEYS=str(tmp_path / "keys")) as address:
        page = open_page(expected="401", address=address)
        page.fill("#message-text", HARASSMENT)
        page.click("#message-form [type=submit]")
        page.wait_for_selector("#key-dialog[open]")
        page.fill("#key-input", "wrong")
        page.click("#key-form [value=save]")
        expect(page.locator("#key-input")).to_have_value("")
        page.wait_for_selector("#key-dialog[open]")
        page.fill("#key-input", key)
        page.click("#key-form [value=save]")
        page.wait_for_selector("#message-result .result")
        page.reload()
        page.wait_for_selector("html[data-ready]")
        judge(page, EVERYDAY)
        assert not page.locator("#key-dialog").is_visible()


def test_no_path_leads_out_of_the_page(server: str) -> None:
    host = server.removeprefix("http://").rstrip("/")
    version = load_page().version
    for path in (
        "/static/../../law.json", f"/static/{version}/../law.json", f"/static/{version}/%2e%2e%2flaw.json",
        f"/static/{version}/..%5claw.json", f"/static/{version}/index.html", f"/static/{version}/", "/static//etc/passwd",
    ):  # fmt: skip
        with closing(http.client.HTTPConnection(host)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 404, path
            assert b"instruments" not in answer.read()


def test_files_are_served_with_type_hash_and_policy(server: str) -> None:
    host, page = server.removeprefix("http://").rstrip("/"), load_page()
    types = {"js": "text/javascript", "css": "text/css", "json": "application/json", "svg": "image/svg+xml"}
    for name in page.files.keys() - {"index.html"}:
        with closing(http.client.HTTPConnection(host)) as connection:
            connection.request("GET", f"/static/{page.version}/{name}")
            answer = connection.getresponse()
            assert answer.read() == page.files[name]
            assert answer.headers["content-type"].startswith(types[name.rpartition(".")[2]])
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["x-content-type-options"] == "nosniff"
    with closing(http.client.HTTPConnection(host)) as connection:
        connection.request("GET", "/", headers={"If-None-Match": f'"{page.version}"'})
        assert connection.getresponse().status == 304


class _Inline(HTMLParser):
    """Finds what the policy would block: inline scripts, styles and handlers, and addresses of other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.found += [str(value) for name, value in attrs if name in ("src", "href") and "//" in str(value)]
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.found.append(tag)


def test_nothing_inline_and_no_other_host() -> None:
    page, parser = load_page(), _Inline()
    parser.feed(page.files["index.html"].decode())
    assert parser.found == []
    for name, content in page.files.items():
        addresses = re.findall(rb"https?://[^\s\"')]+", content)
        assert set(addresses) <= {b"http://www.w3.org/2000/svg"}, name
        assert b"innerHTML" not in content.replace(b"without innerHTML", b""), name


def test_both_languages_have_the_same_words_and_every_word_used_exists() -> None:
    files = load_page().files
    chinese, english = (json.loads(files[f"strings.{name}.json"]) for name in ("zh", "en"))
    assert chinese.keys() == english.keys()
    for key in chinese:
        assert (
            set(re.findall(r"\{\w+\}", chinese[key])) == set(re.findall(r"\{\w+\}", english[key]))
            or key == "error.detail"
        )
    source = b"".join(content for name, content in files.items() if name.endswith((".js", ".html"))).decode()
    used = set(re.findall(r"\bt\(\"([\w.]+)\"", source)) | set(re.findall(r"data-t(?:-\w+)?=\"([\w.]+)\"", source))
    used |= {f"label.{name}" for name in LABELS} | {
        f"category.{name}{end}" for name in CATEGORIES for end in ("", ".text")
    }
    assert used - chinese.keys() == set()
