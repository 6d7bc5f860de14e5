"""Masking: what is hidden, what stays readable, and that every character keeps its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harassclf.masking import is_id_card, mask, mask_identity


def _id_card(first: str) -> str:
    """17 invented digits with their check digit, by the remainder rule of GB 11643 (not by the table that is tested):
    the whole number, read with weights 2**(17-i) mod 11 and X for 10, is 1 mod 11."""
    total = sum(int(digit) * pow(2, 17 - i, 11) for i, digit in enumerate(first))
    check = (1 - total) % 11
    return first + ("X" if check == 10 else str(check))


def _luhn(first: str) -> str:
    """Digits with their check digit, by trying all ten against the textbook formula."""
    for last in "0123456789":
        digits = [int(d) for d in reversed(first + last)]
        if sum(digits[0::2] + [sum(divmod(2 * d, 10)) for d in digits[1::2]]) % 10 == 0:
            return first + last
    raise AssertionError


ID = _id_card("99010119900307803")
CARD = _luhn("622200112233445566")


@given(st.integers(0, 999_999), st.dates(), st.integers(0, 999))
def test_id_card_by_its_check_digit(place: int, day: object, order: int) -> None:
    date = str(day).replace("-", "")
    valid = _id_card(f"{place:06}19{date[2:]}{order:03}")
    assert is_id_card(valid)
    assert mask(f"身份证{valid}，") == f"身份证{valid[:3]}{'*' * 11}{valid[-4:]}，"
    for wrong in set("0123456789X") - {valid[-1]}:
        assert not is_id_card(valid[:-1] + wrong)


@given(st.integers(10**14, 10**19 - 1).map(str).filter(lambda digits: not digits.startswith("106")))
def test_any_15_to_19_digits_are_hidden(digits: str) -> None:
    """A card or identity number with a wrong check digit once stayed readable."""
    if is_id_card(digits):
        return
    hidden = "*" * (len(digits) - 4) + digits[-4:]
    assert mask(f"卡号{digits}，") == f"卡号{hidden}，"
    grouped = " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))
    assert sum(character.isdecimal() for character in mask(f"卡号{grouped}，")) == 4


def test_a_wrong_check_digit_is_hidden_all_the_same() -> None:
    wrong = ID[:-1] + ("1" if ID[-1] != "1" else "2")
    assert mask(f"编号{wrong}") == f"编号{'*' * 14}{wrong[-4:]}"
    assert mask(f"身份证{ID[:17]}X") in (f"身份证{'*' * 14}{ID[14:17]}X", f"身份证{ID[:3]}{'*' * 11}{ID[14:17]}X")
    assert not is_id_card(ID[:10] + "13" + ID[12:])
    assert not is_id_card("")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("电话13812345678回我", "电话138****5678回我"),
        ("+86 138-1234-5678", "+86 138-****-5678"),
        ("8613812345678", "86138****5678"),
        ("138 1234 5678", "138 **** 5678"),
        ("座机010-88881234", "座机010-******34"),
        ("(0571)87651234", "(0571)******34"),
        ("02166778899", "021******99"),
        ("05316667788", "0531*****88"),
        (f"卡号{CARD}", f"卡号{'*' * 15}{CARD[-4:]}"),
        (
            f"卡号{CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:16]} {CARD[16:]}",
            f"卡号**** **** **** ***{CARD[15]} {CARD[16:]}",
        ),
        (f"身份证 {ID[:6]} {ID[6:14]} {ID[14:]}", f"身份证 {ID[:3]}*** ******** {ID[14:]}"),
        (ID.lower(), f"{ID[:3]}{'*' * 11}{ID[-4:].lower()}"),
        ("6222-0011-2233-4457", "****-****-****-4457"),
        ("110101-19900307-8031", "******-********-8031"),
        ("110101 1990 03 07 8031", "****** **** ** ** 8031"),
        ("11010119900307804x", "**************804x"),
        ("110101900307803", "***********7803"),
        ("卡6222001122334457 13812345678", "卡************4457 138****5678"),
        ("卡6222 0011 2233 4457 13812345678", "卡**** **** **** 4457 138****5678"),
        ("0086 138 1234 5678", "0086 138 **** 5678"),
        ("6222000000000000000", "***************0000"),
        ("车牌京A·12345", "车牌京A·***45"),
        ("粤B12345D停在楼下", "粤B****5D停在楼下"),
        ("苏A1B2C3", "苏A***C3"),
        ("我是李明，", "我是李*，"),
        ("我叫张小明", "我叫张**"),
        ("您好我是王建国来催款的", "您好我是王**来催款的"),
        ("我叫欧阳娜娜的", "我叫欧阳**的"),
        ("姓名：赵四海", "姓名：赵**"),
        ("叫张三还钱", "叫张*还钱"),
        ("本人刘德来还钱", "本人刘*来还钱"),
    ],
)
def test_hidden(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "我是派出所民警",
        "我叫高兴",
        "我是平安银行的",
        "我是你爸",
        "叫他还钱",
        "我是安全部门",
        "应还12,318.40元",
        "2026-03-01 22:15:00",
        "验证码482913",
        "10086和95555",
        "106912345678",
        "尾号3021",
        "订单20260301221512",
        "12345678901",
        "23812345678",
        "1381234567",
        "138123456789",
        "106912345678901234",
        "2026-03-01 2026-03-31",
        "20位的62220011223344556677",
        "我叫你还钱",
        "川菜12345",
        "A12345",
    ],
)
def test_left_alone(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("name", "masked"),
    [("王小明", "王**"), ("欧阳锋", "欧阳*"), ("张经理", "张经理"), ("王小明 13812345678", "王小明 138****5678"), ("妈妈", "妈妈"), ("95599", "95599"), ("相亲相爱一家人群", "相亲相爱一家人群"), ("", "")],
)  # fmt: skip
def test_identities(name: str, masked: str) -> None:
    assert mask_identity(name) == masked


def test_known_names_are_hidden_wherever_they_stand() -> None:
    assert mask("你朋友王小明欠钱", ["王小明", "妈妈"]) == "你朋友王**欠钱"
    assert mask("找妈妈要", ["妈妈"]) == "找妈妈要"


@given(
    st.text()
    | st.lists(
        st.sampled_from(["我是", "张三", ID, CARD, "13812345678", "京A12345", "010-", "88881234", " ", "-", "，"])
    ).map("".join)
)
def test_every_character_keeps_its_place(text: str) -> None:
    masked = mask(text)
    assert len(masked) == len(text)
    assert all(new in (old, "*") for old, new in zip(text, masked, strict=True))
    assert len(mask_identity(text)) == len(text)
