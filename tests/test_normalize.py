from __future__ import annotations

import json
import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harassclf.normalize as normalizer
from harassclf import character_table
from harassclf.bulk_normalize import code_point_tables
from harassclf.normalize import normalize, normalize_around

DISGUISED = [
    ("还\u200b钱", "还钱"),  # zero-width space
    ("还\ufe0f钱", "还钱"),  # variation selector
    ("\u202e还钱\u202c", "还钱"),  # bidi override
    ("还\u0336钱\u0336", "还钱"),  # struck through
    ("還錢", "还钱"),
    ("ＱＱ１２３", "QQ123"),
    ("⑤天", "5天"),
    ("还💰", "还钱"),
    ("打📞", "打电话"),
    ("通-讯-录", "通讯录"),
    ("通 讯 录", "通讯录"),
    ("催*收", "催收"),
    ("明天还 钱", "明天还钱"),
    ("你 还 不 还 钱", "你还不还钱"),
    ("钅戋", "钱"),
    ("亻责务", "债务"),
    ("辶不钱", "还钱"),
    ("⼿机", "手机"),  # Kangxi radical
    ("再不还qian就打给ni妈", "再不还钱就打给你妈"),
    ("QIAN呢还不还", "钱呢还不还"),
    ("还\u200bqian", "还钱"),  # zero-width space, then pinyin
    ("打📞给ni妈", "打电话给你妈"),
    ("亻昔qian不还", "借钱不还"),
    ("ni jia zai na li", "你家在哪里"),
    ("XX您好，李**的〇〇贷已逾期XX天", "×您好，李×的×贷已逾期×天"),  # masks, whatever they are made of
    ("致ＸＸＸ：138****0000", "致×：138×0000"),
    ("下载****APP", "下载×APP"),
]

CLEAN = [
    "我要还，钱还没到。",
    "早 中 晚 各一次",
    "在外面门口等你",
    "好 我知道了 明天见",
    "APP 里可以看 iPhone 的价格：￥5,999（含税）！",
    "请于6月1日～6月5日……自取",
    "其月薪八千，两人弓长岭见",  # 其月 is not 期, 弓长 is not 张
    "乾隆年间的瓶子",
    "66-145㎡，3室2厅",
    "这辆车两天没动，女未婚",
    "Hello你好，nice一下，我的iphone和mac，AI说的",
    "登录www.baidu.com查询DIGIT元",
    "can we go home now",
    "买XXL的，maxx牌，xxoo，5*8=40",  # letters of a word are no mask
    "二〇〇三年，第〇〇六号",  # nor are noughts of a number
]


@pytest.mark.parametrize(("raw", "expected"), DISGUISED)
def test_disguise_is_undone(raw: str, expected: str) -> None:
    assert normalize(raw).text == expected


@pytest.mark.parametrize("text", CLEAN)
def test_clean_text_is_unchanged(text: str) -> None:
    normalized = normalize(text)
    assert normalized.text == text
    assert list(normalized.starts) == list(range(len(text)))


def test_span_covers_the_disguised_characters() -> None:
    normalized = normalize("快还*钱！")
    start = normalized.text.index("还钱")
    assert normalized.raw_span(start, start + 2) == (1, 4)


def test_spelled_character_keeps_the_span_of_its_letters() -> None:
    normalized = normalize("打ni 电hua")
    assert normalized.text == "打你 电话"
    assert [normalized.raw_span(i, i + 1) for i in (1, 4)] == [(1, 3), (5, 8)]
    assert normalize("ni zai na").raw_span(0, 3) == (0, 9)


def test_emoji_word_keeps_the_span_of_the_emoji() -> None:
    normalized = normalize("打📞给你妈")
    assert normalized.text == "打电话给你妈"
    assert normalized.raw_span(1, 3) == (1, 2)


_NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "还钱通讯录催收亻责钅戋辶不nihuaq*-. ，\u200b\ufe0f\u202e💰📞👨\u200d⚖还還錢１Ａ\n\t\x00Xx×〇天"
        ),
        st.characters(),
    ),
    max_size=80,
)


@given(_NASTY)
def test_offsets_are_valid_and_in_order(raw: str) -> None:
    normalized = normalize(raw)
    starts, ends = list(normalized.starts), list(normalized.ends)
    assert len(starts) == len(ends) == len(normalized.text)
    assert all(0 <= start < end <= len(raw) for start, end in zip(starts, ends, strict=True))
    assert starts == sorted(starts)
    assert ends == sorted(ends)


@given(_NASTY)
def test_unchanged_characters_point_at_themselves(raw: str) -> None:
    normalized = normalize(raw)
    if normalized.text == raw:
        assert list(normalized.starts) == list(range(len(raw)))


def test_bulk_and_single_follow_a_chain_of_replacements_to_its_end() -> None:
    assert normalize("薴\u200b好").text == normalize(normalize("薴\u200b好").text).text  # 薴 to 苧 to 苎


@given(_NASTY)
def test_normalising_twice_changes_characters_only_once(raw: str) -> None:
    once = normalize(raw).text
    again = normalize(once).text
    assert len(again) <= len(once)  # a closed gap may reveal another split character, nothing ever grows back


def test_shipped_characters_are_those_of_unicode_and_opencc() -> None:
    shipped = json.loads(resources.files("harassclf").joinpath("resources/characters.json").read_text("utf-8"))
    if shipped["made_with"] != character_table.versions():
        pytest.skip(f"the table was made with {shipped['made_with']}")
    assert shipped == character_table.source(character_table.build())


@pytest.mark.parametrize(
    ("flag", "characters"),
    [(1, normalizer._HAN), (2, normalizer._TIGHT), (4, normalizer._LOOSE), (64, normalizer._MASKING)],
)
def test_flags_of_code_points_are_those_of_the_patterns(flag: int, characters: str) -> None:
    every = [*range(0xD800), *range(0xE000, 0x110000)]
    pattern = re.compile(f"[{characters}]")
    expected = [pattern.match(chr(code)) is not None for code in every]
    assert ((code_point_tables().flags[every] & flag) > 0).tolist() == expected


@pytest.mark.parametrize("text", ["丨丨丨丨丨丨丨，要不", "灬灬灬灬灬灬灬 负债"])
def test_separators_that_are_han_characters_end_no_phrase(text: str) -> None:
    assert normalize_around(text, range(len(text))) == normalize(text)


@pytest.mark.parametrize(
    "text", ["“亻昔 钅戋 逃 跑 者”", "讠青 亻尔 侄 子 的", "才 能 讠周 亻也 还 款 日", "亻昔 钅戋 不 还"]
)
def test_halves_of_a_split_character_beside_a_gap_are_looked_at_together(text: str) -> None:
    """They once ended a phrase there, so that the kernel left a gap which the whole normaliser closes."""
    assert normalize_around(text, [i for i, character in enumerate(text) if character != " "]) == normalize(text)
