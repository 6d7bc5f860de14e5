from __future__ import annotations

import json
import re
from importlib import resources
from itertools import pairwise

import pytest

from harassclf import pinyin_table
from harassclf.attacks import attack
from harassclf.normalize import normalize
from harassclf.pinyin import EDGE, readings, syllables

_HAN = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("word", "cut"),
    [
        ("qian", ["qian"]),
        ("TongXunLu", ["tong", "xun", "lu"]),
        ("fangan", ["fan", "gan"]),  # fang an would need an apostrophe
        ("nv", ["nv"]),
        ("", []),
        ("app", []),
        ("line", []),  # English that reads as li ne
        ("q", []),
    ],
)
def test_letters_are_cut_into_as_few_syllables_as_possible(word: str, cut: list[str]) -> None:
    assert list(syllables(word)) == cut


def test_neighbours_decide_between_characters_of_one_sound() -> None:
    assert normalize("还qian").text == "还钱"
    assert normalize("往qian走").text == "往前走"


def test_a_reading_says_which_letters_it_is_of() -> None:
    found = list(readings("你jia li", _HAN))
    assert [(one.start, one.end, one.character) for one in found] == [(1, 5, "家"), (5, 7, "里")]


@pytest.mark.parametrize("text", ["ok", "ni", "jia li", "a ni", "ni,zai,na", "你 ni", "XL码"])
def test_letters_that_touch_no_character_and_are_few_stay(text: str) -> None:
    assert list(readings(text, _HAN)) == []


def test_a_long_row_is_read_in_parts_and_a_long_word_is_none() -> None:
    row = "ni zai na li " * 40
    found = list(readings(row, _HAN))
    assert "".join(one.character for one in found).startswith("你在哪里")
    assert len(found) == 160
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert list(readings("你" + "nizai" * 13, _HAN)) == []


def test_most_of_an_attack_is_undone() -> None:
    texts = [
        "今天不还钱就打给你家人",
        "明天带人上门找你",
        "你的欠款已经逾期三天了，请尽快还款",
        "我们会告诉你公司的同事",
    ]
    assert sum(normalize(attack("pinyin", text, 3)).text == text for text in texts) >= 3


def test_the_table_is_of_pypinyins_readings_and_pairs_of_known_characters() -> None:
    pypinyin = pytest.importorskip("pypinyin")
    table = json.loads(resources.files("harassclf").joinpath("resources/pinyin.json").read_text("utf-8"))
    for syllable, characters in table["syllables"].items():
        for character in characters[:5]:
            spelled = pypinyin.pinyin(character, style=pypinyin.Style.NORMAL, heteronym=True)[0]
            assert syllable in {reading.replace("ü", "v") for reading in spelled}, character
    known = {EDGE, *"".join(table["followers"][""].values())}
    assert {*table["followers"], *"".join("".join(levels.values()) for levels in table["followers"].values())} <= {
        "",
        *known,
    }


def test_a_table_counts_characters_and_their_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pypinyin")
    monkeypatch.setattr(pinyin_table, "_OFTEN", 2)
    monkeypatch.setattr(pinyin_table, "_PAIR_OFTEN", 2)
    made = pinyin_table.build(["还錢", "还钱！", "还款"])
    assert made["syllables"]["qian"] == "钱"
    assert "kuan" not in made["syllables"]  # once only
    assert made["followers"]["还"] == {"1": "钱"}  # in two cases of three
    assert made["followers"][EDGE] == {"0": "还"}
