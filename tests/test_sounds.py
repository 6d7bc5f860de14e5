from __future__ import annotations

import re
from importlib import resources

import pytest

from harassclf.sounds import sound_table, sounds


@pytest.mark.parametrize(
    ("written", "meant"),
    [("环前", "还钱"), ("崔收", "催收"), ("桶讯路", "通讯录"), ("弄死泥", "弄死你"), ("找你家仁", "找你家人")],
)
def test_homophones_sound_the_same(written: str, meant: str) -> None:
    assert sounds(written) == sounds(meant)


@pytest.mark.parametrize(("one", "other"), [("还钱", "还书"), ("电话", "电费"), ("他", "你")])
def test_other_sounds_stay_apart(one: str, other: str) -> None:
    assert sounds(one) != sounds(other)


def test_length_and_other_characters_stay() -> None:
    text = "huan 钱!! 😀 2,000元\n𠮷"
    assert len(sounds(text)) == len(text)
    assert sounds("huan !! 😀 2,000\n") == "huan !! 😀 2,000\n"
    assert sounds(sounds(text)) == sounds(text)


def test_every_character_has_one_sound_and_it_is_one_of_pypinyins() -> None:
    pypinyin = pytest.importorskip("pypinyin")
    lines = resources.files("harassclf").joinpath("resources/sounds.txt").read_text("utf-8").splitlines()
    listed = "".join(line.split(" ")[1] for line in lines)
    assert len(set(listed)) == len(listed) == len(sound_table())
    for line in lines:
        sound, characters = line.split(" ")
        for character in characters[:40]:
            readings = pypinyin.pinyin(character, style=pypinyin.Style.NORMAL, heteronym=True)[0]
            assert sound in {_merged(reading) for reading in readings}, character


def _merged(reading: str) -> str:
    return re.sub(r"(?<=[aei]n)g$", "", re.sub(r"^([zcs])h", r"\1", reading.replace("v", "ü")))
