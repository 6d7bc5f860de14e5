"""Personal data in a message, hidden on request: every character keeps its place, so that spans stay valid.

Every run of 15 to 19 digits is hidden, whether its check digit is right or not: people mistype, and forgers invent. A
telephone number is known by its prefix. Amounts, dates and service numbers (95588, 1069…) stay readable, and so do
names in running text that nothing introduces, and numbers in Chinese characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_SEPARATOR = r"[ \-\u3000]?"
_ID_CARD = re.compile(rf"(?<![\dA-Za-z])\d{{6}}{_SEPARATOR}\d{{8}}{_SEPARATOR}\d{{3}}[\dXxＸ](?![\dA-Za-z])")
_BETWEEN = r"[ \u00a0\u2002-\u200a\u3000\-\u2010-\u2015\u2212－]"
# Digits and what stands between them in a card number; groups of one digit only at the end, so that no list is one number.
_RUN = re.compile(
    rf"(?<!\d)\d{{2,}}(?:{_BETWEEN}{{1,3}}\d{{2,}})*(?:{_BETWEEN}{{1,3}}\d(?!\d))?(?:{_BETWEEN}?[XxＸ](?![A-Za-z]))?"
)
_CARD_IN_RUN = re.compile(
    rf"(?<!\d)(?:\d{{4}}(?:{_BETWEEN}\d{{4}}){{3}}(?:{_BETWEEN}\d{{1,3}})?|\d{{6}}{_BETWEEN}\d{{8}}{_BETWEEN}\d{{3}}[\dXxＸ]|\d{{15,19}}|\d{{17}}[XxＸ])(?!\d)"
)
_DATE_FIRST = re.compile(rf"(?:19|20)\d\d{_BETWEEN}(?:0?[1-9]|1[0-2]){_BETWEEN}(?:0?[1-9]|[12]\d|3[01])(?!\d)")
_LONG = range(15, 20)  # digits of an identity or card number, old and new
_PORT = re.compile(r"106\d+$")  # the sender of an SMS, which a complaint needs; no card begins so
_MOBILE = re.compile(rf"(?<!\d)(?:(?:\+|00)?86[ \-]?)?1[3-9]\d{_SEPARATOR}\d{{4}}{_SEPARATOR}\d{{4}}(?!\d)")
_WHOLE_MOBILE = re.compile(_MOBILE.pattern + "$")
_LANDLINE = re.compile(
    r"(?<!\d)(?P<area>[(（]0\d{2,3}[)）] ?|(?:\+|00)86[ \-]?\d{2,3}[ \-]|0(?:10|2\d|[3-9]\d{2})[ \-]?)"
    r"(?P<local>[2-8]\d{2,3}[ \-]?\d{4})(?!\d)"
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领][A-HJ-NP-Za-hj-np-z][·•. \-]?"
    r"(?=[A-HJ-NP-Za-hj-np-z\d]{0,5}\d)(?:[A-HJ-NP-Za-hj-np-z\d]{6}|[A-HJ-NP-Za-hj-np-z\d]{4}[A-HJ-NP-Za-hj-np-z\d挂学警港澳领试])"
    r"(?![A-Za-z\d])"
)
_COMPOUND = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|夏侯|南宫|端木|长孙|宇文"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付傅方邹熊白孟秦邱侯江尹薛闫阎段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文樊兰殷施洪翟"
    "安颜倪牛温芦季俞章鲁葛伍申尤毕聂柴焦柳邢岳齐梅庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈"
    "鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来嵺苟全褚廉简娄盖符奚木"
)
# What follows a surname but is no given name: 我是安全部, 我叫高兴, 我是成都人. Titles end a name.
_NOT_GIVEN = r"的了在是有说要给打和与跟找这那您你我他她就也都已从来去到吗呢吧啊哦嘛呀还欠借公司银部局所院门行平台先生女士经理主任老师警官律师法客服贷金"
_WORDS = (
    "安全|高兴|平安|金融|方便|方面|成功|时候|常州|温州|江苏|江西|江门|华夏|金华|成都|广东|石家|武汉|武警|白天|白领|文明|"
    "万一|万科|关于|全部|全家|全国|全体|单身|单独|单位|包裹|解决|强制|游客|房东|房产|简单|盖章|管理|管家|时间|项目|任何|任务|"
    "常见|常用|易还|马上|马云|温馨|康复|严重|毕竟|向您|向你|古代|查询|查账|何时|何地|何人|于此|程序|费用|陆续|秦皇|应急|查案|甘肃|宁波|苏州|"
    "花呗|来自|来电|来找|来催|车主|车管|边上|米粉|华为"
)
_GIVEN = rf"(?![{_NOT_GIVEN}])[一-龥]"
_NAME = re.compile(
    rf"(?P<lead>(?:我是|我叫|我名叫|名叫|叫做|名字叫|名字是|姓名(?:是|为)?[:：]?|本人|叫)[ \u3000]?)"
    rf"(?!(?:{_WORDS}))(?P<surname>{_COMPOUND}|[{_SURNAMES}])(?P<given>{_GIVEN}(?:{_GIVEN})?)"
)
_WHOLE_NAME = re.compile(rf"(?!(?:{_WORDS}))(?P<surname>{_COMPOUND}|[{_SURNAMES}])(?P<given>{_GIVEN}(?:{_GIVEN})?)")


def mask(text: str, names: Iterable[str] = ()) -> str:
    """``text`` with ID and bank card numbers (any 15 to 19 digits, or 17 and X), telephone numbers, number plates,
    introduced names (我是…, 叫…) and the known ``names`` hidden by ``*``.

    Same length as ``text``. Kept: the first 3 and last 4 characters of a valid ID number, the last 4 of other long
    numbers, the first 3 and last 4 of a mobile and the area code and last 2 of a landline number, the place and last 2
    characters of a plate, the surname.
    """
    text = _ID_CARD.sub(_when(is_id_card, _keeping(3, 4)), text)
    text = _RUN.sub(_long_number, text)
    text = _MOBILE.sub(_mobile, text)
    text = _LANDLINE.sub(lambda found: found["area"] + _keeping(0, 2)(found["local"]), text)
    text = _PLATE.sub(lambda found: _keeping(2, 2)(found.group()), text)
    for name in names:
        text = text.replace(name, mask_identity(name))
    return _NAME.sub(lambda found: found["lead"] + found["surname"] + "*" * len(found["given"]), text)


def mask_identity(name: str, names: Iterable[str] = ()) -> str:
    """A sender or recipient: like :func:`mask`, and a cell that is a personal name alone keeps its surname."""
    found = _WHOLE_NAME.fullmatch(name)
    if found:
        return found["surname"] + "*" * len(found["given"])
    return mask(name, names)


def is_name(cell: str) -> bool:
    """Whether a cell is a personal name alone: a surname and one or two characters that are no title."""
    return bool(_WHOLE_NAME.fullmatch(cell))


def is_id_card(number: str) -> bool:
    """Whether 18 characters (separators ignored) are a resident ID number: a date of birth and the right check digit."""
    digits = re.sub(r"[^\dXxＸ]", "", number)
    if not re.fullmatch(r"\d{17}[\dXxＸ]", digits):
        return False
    month, day = int(digits[10:12]), int(digits[12:14])
    if digits[6:8] not in ("18", "19", "20") or not (1 <= month <= 12 and 1 <= day <= 31):
        return False
    check = _CHECK[sum(int(digit) * weight for digit, weight in zip(digits[:17], _WEIGHTS, strict=True)) % 11]
    return ("X" if digits[17] in "XxＸ" else str(int(digits[17]))) == check


def _long_number(found: re.Match[str]) -> str:
    """A run of digits as it is shown: hidden when it is as long as a card number, else whatever card stands in it."""
    run = found.group()
    digits = sum(character.isdecimal() for character in run)
    whole = digits == 17 if run[-1] in "XxＸ" else digits in _LONG
    if whole and not any(known.match(run) for known in (_PORT, _DATE_FIRST, _WHOLE_MOBILE)):
        return _keeping(0, 4)(run)
    return _CARD_IN_RUN.sub(
        lambda card: card.group() if _PORT.match(card.group()) else _keeping(0, 4)(card.group()), run
    )


def _when(valid: Callable[[str], bool], hide: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
    return lambda found: hide(found.group()) if valid(found.group()) else found.group()


def _keeping(first: int, last: int) -> Callable[[str], str]:
    """Hide letters and digits but the ``first`` and ``last`` of them; separators stay."""

    def hide(text: str) -> str:
        places = [i for i, character in enumerate(text) if character.isalnum()]
        hidden = set(places[first : len(places) - last])
        return "".join("*" if i in hidden else character for i, character in enumerate(text))

    return hide


def _mobile(found: re.Match[str]) -> str:
    number = found.group()
    digits = sum(character.isdecimal() for character in number)
    return _keeping(3 + digits - 11, 4)(number)
