"""What a sentence does in a thread: refuses further contact, allows it again, tells of a debt.

Patterns, not the model: a flag has to be explained by the words that raised it. Read after disguises are undone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harassclf.normalize import normalize

_CLAUSES = re.compile(r"[。！？!?；;，,\n…~～]+|\s{2,}")
_CLAUSES_WITH_MARKS = re.compile(r"(?<=[?？])(?![?？])|[。！!;；,，\n…~～]+|\s{2,}")
_NO = r"(?:不要|不用|不必|不许|不准|不得|不可以|不能|别|勿|莫|甭|停止|禁止|拒绝|唔好|咪)"
_ACT = r"(?:联系|联络|打扰|骚扰|打电话|来电|打|拨打|拨|发短信|发消息|发信息|发微信|发|找|烦|纠缠|致电|呼叫|加我)"
_REFUSES = re.compile(
    rf"{_NO}(?:们)?(?:你们|你)?(?:再|继续|老是?|一直|总是?|天天|任何|一切|所有|私下|私自|擅自|随便|随意|无故)*(?:次)?(?:来|去)?(?:给|跟|和|与|向|同|对)?(?:我们|我|咱|俺|本人|这个号码|这个电话|这个号|此号码)?"
    rf"(?:再|继续)?(?:进行)?(?:任何|一切|所有)?(?:形式)?(?:的)?{_ACT}"
)
_REFUSES_OTHERWISE = re.compile(
    r"(?:不想|不愿意?|不希望|不会)再?(?:接到|收到|看到)?(?:你们?|贵公司)的?(?:任何)?(?:电话|来电|短信|信息|消息|联系|骚扰)"
    r"|(?:不接受|拒绝|不同意)(?:你们?|贵公司)?的?(?:再|继续|任何|一切|所有)?(?:形式)?的?(?:联系|联络|来电|电话|催收|致电|骚扰)"
    r"|(?:请|立即|马上|立刻)(?:你们)?停止(?:对我的?)?(?:一切)?(?:联系|骚扰|来电|电话|打扰|拨打)"
    r"|(?:stop|quit)\s+(?:calling|contacting|texting|messaging|harassing)|(?:do\s*n[o']?t|never|please\s+don'?t)\s+(?:ever\s+)?(?:call|contact|text|message)\s+(?:me|us)"
    r"|leave\s+(?:me|us)\s+alone|(?:请)?勿扰|把我?(?:的)?(?:号码|电话)?(?:从名单)?(?:删除|删掉|拉出名单)"
    r"|(?<![不没别会])(?:删除|删掉|删了|移除|清除)我(?:们)?的?(?:这个)?(?:手机|电话)?(?:号码?|电话|联系方式)",
    re.IGNORECASE,
)
# 别打钱, 不要再找借口: the same verbs, another meaning. 上班时间别打: a wish about the hour. 别找我妈: about somebody else.
_NOT_CONTACT = re.compile(
    rf"{_NO}.{{0,6}}?(?:打钱|打款|打欠条|打架|打人|打听|打工|打算|打岔|打折|打官司|打我(?:$|了|啊)|找借口|找理由|找麻烦|找茬|发火|发脾气|发生|发疯|发给别人|发朋友圈|发到|发愁|"
    r"联系不上|联系不到|烦恼|打断|打马虎|打太极|打哈哈)"
)
# 我没说不要联系我: no refusal, but 我不是说了别打吗 is one. 为什么不能联系我 asks; 为什么说了别打还打 has refused.
_NOT_SAID = re.compile(
    rf"(?<![有是])(?:没有?|不是|并非|从未|从没)(?:跟|和|对|向)?(?:你们?)?(?:说过?|讲过?|提过?|叫|让|要求?|想)(?:你们?)?我?(?:是|要|想)?{_NO}|(?:没有?|不会|从未|从没)拒绝|不是(?:不让|拒绝)"
)
_RHETORICAL = re.compile(r"[吗么嘛]\W*$")
_ASKS_WHY_NOT = re.compile(
    rf"(?:为什么|为啥|为何|怎么|咋|干嘛|凭什么|难道|是不是|是否)(?:我们?|你们?|您|就|还|又|突然)*{_NO}(?!别|不|停)"
)
_LIMITED = re.compile(
    r"上班|下班|工作时间|开会|白天|晚上|夜里|半夜|深夜|凌晨|中午|早上|上午|下午|周末|休息|睡觉|今天|今晚|明天|这会儿?|这几天|这周|暂时|先别|点(?:以?后|以?前|之后|之前)|during|before|after|tonight|today",
    re.IGNORECASE,
)
_FROM_NOW = re.compile(r"今天起|从今|今天开始|今后|以后|从现在|往后|从此|永远|再也")
_OTHERS = r"(?:我(?:的|们)?)?(?:家里?人?|家属|爸|妈|父|母|爷|奶|哥|姐|弟|妹|老婆|老公|妻|丈夫|孩子|儿子|女儿|同事|领导|老板|单位|公司|朋友|亲戚|亲友|联系人|紧急|通讯录|别人|他们?|她们?|其他人|无关|第三)"
_ABOUT_OTHERS = re.compile(
    rf"{_NO}(?:再|继续|去|来)*(?:给|跟|和|向|对)?(?:我的?)?(?:{_OTHERS})|{_NO}.{{0,4}}?{_ACT}(?:电话|短信)?(?:到|给|了)?{_OTHERS}"
)
_OWN_LINE = r"(?:的?(?:新|另一个|这个|工作)?(?:手机|电话|号码?|微信|qq|邮箱))"
_NOT_OTHERS = rf"(?!(?:给|到)?(?:我的?)?(?:{_OTHERS}|律师|法务|代理人|委托人|法院|警察|派出所|社区|居委会|村委会)|我的?(?!{_OWN_LINE})[^\W_a-z]{{0,6}}?(?:律师|代理人))"
_ALLOWS = re.compile(
    rf"(?:可以|同意|允许|欢迎|愿意)(?:你们?)?(?:再|继续|随时)?(?:给|跟|和|与)?我?(?:联系|打|发|来电|沟通){_NOT_OTHERS}"
    rf"|(?:请|麻烦|方便时?|那就?)(?:你们?|您)?(?:再|尽快|晚点|明天)?(?:联系{_NOT_OTHERS}我|给我(?:回|打)个?电话|回我?个?电话|回电|打给{_NOT_OTHERS}我|打我电话)"
    r"|(?:please|you\s+can)\s+(?:call|contact|text)\s+(?:me|us)",
    re.IGNORECASE,
)
# 谁允许你们打的, 未经我同意联系我, 半夜打电话是违规的: words of consent in a question or a reproach are none.
_NO_CONSENT = re.compile(
    r"谁|凭什么|凭啥|为什么|为啥|为何|怎么|什么意思|什么时[候间](?!.{0,3}都)|(?<!任)何时|哪[里儿个条来]|难道|是不是|是否|有没有|几点(?!都)|请问|"
    r"[搞弄看想]清楚|解释|说明一?下|知不知道|违规|违法|犯法|骚扰|扰民|投诉|举报|报警|曝光|"
    r"未经|(?:没有?|从未|从没|何曾|不曾|不)(?:跟|和|对|向)?(?:你们?|我)?(?:说过?|讲过?|答应过?|同意过?|允许过?|授权|可以|愿意|欢迎|方便)|以为|\bwho\b|\bwhy\b|"
    r"[?？]|[吗么]\W*$",
    re.IGNORECASE,
)
# 方便给我回个电话吗 asks for the call; 你们可以给我打电话吗 may well be a reproach.
_ASKS_FOR_A_CALL = re.compile(
    r"\W*(?:请问|你好|您好)?(?:您|你们?)?(?:方便|麻烦|可以|能|能不能|可不可以|是否方便)(?:您|你们?)?(?:尽快|现在|晚点)?给我(?:回个?|打个)电话[吗么]?\W*"
)
_NIGHT = re.compile(
    r"半夜|深夜|凌晨|夜里|夜间|任何时[间候]|随时|24小时|(?:晚上?|夜里?)?(?:22|23|十|十一|10|11)点(?:半|多)?(?:钟)?(?:以?后|之后)?|22:|23:|any ?time|after (?:10|11)|at night",
    re.IGNORECASE,
)
_AGREES = re.compile(r"可以|方便|同意|允许|没问题|请|麻烦|欢迎|\bok\b|please|\bcan\b|feel free", re.IGNORECASE)
_CONTACT = re.compile(r"联系|打|电话|发|找我|沟通|call|text|contact|message", re.IGNORECASE)
_NOT = re.compile(r"不|别|勿|没有|莫|上午|早上10|早上十|not|n't", re.IGNORECASE)
_DEBT = re.compile(
    r"欠(?!(?:缺|佳|妥|费停机|考虑|身))|逾期|拖欠|(?<!社)(?<!公)(?<!免)债(?!券|市|基)|贷款|网贷|车贷|房贷|借贷|小贷|现金贷|消费贷|(?:还|借|催|贷|赖|追)[了的过这那]?[^，。！？,.!?\s]{0,6}(?:钱|款)|"
    r"(?:钱|款)[^，。！？,.!?\s]{0,3}还|还清|还上|还账|还帐|赖账|赖帐|老赖|失信被?执行?|催收|账单|代偿|本金|利息|罚息|违约金|借呗|花呗|白条|微粒贷|信用卡|分期|借条|欠条|清偿|偿还|征信|"
    r"\bdebts?\b|\bloans?\b|\bowes?\b|overdue|repay(?:ment)?",
    re.IGNORECASE,
)
_REPAYING = re.compile(r"还|偿|清偿|代偿")  # 一直没还款 does not deny the debt, 没有还款义务 does
_NO_DUTY = re.compile(r"[^，。！？,.!?\s]{0,3}(?:义务|责任|必要)")
_NOT_YET = re.compile(r"(?<!并)(?:没有?|未)[^，。！？,.!?\s]{0,4}$")
_NO_DEBT = re.compile(r"(?:没有?|不是|并非|并无|无关|未|不存在)[^，。！？,.!?\s]{0,4}$")


def refuses(text: str) -> bool:
    """Whether the writer clearly asks not to be contacted any more, at no hour: 不要再联系我, 别再打了, 停止骚扰.

    Not meant: a wish about the hour (上班时间别打), about others (别找我妈), or another sense of the verb (别打欠条).
    """
    return any(_refuses(clause) for clause in _CLAUSES.split(normalize(text).text))


def _refuses(clause: str) -> bool:
    if not (_REFUSES.search(clause) or _REFUSES_OTHERWISE.search(clause)) or _NOT_CONTACT.search(clause):
        return False
    if _ASKS_WHY_NOT.search(clause) or (_NOT_SAID.search(clause) and not _RHETORICAL.search(clause)):
        return False
    if _LIMITED.search(clause) and not _FROM_NOW.search(clause):
        return False
    return not _ABOUT_OTHERS.search(clause) or bool(re.search(r"我(?:和|跟|与|以及|、)", clause))


def agrees_to_night(text: str) -> bool:
    """Whether the writer agrees to be contacted at any hour or late: 晚上十点以后可以打给我, 随时可以联系我.

    Not meant: a question or a reproach (谁允许你们半夜打电话的, 麻烦搞清楚半夜打电话是违规的).
    """
    return any(
        _NIGHT.search(c) and _AGREES.search(c) and _CONTACT.search(c) and not _NOT.search(c) for c in _consenting(text)
    )


def allows(text: str) -> bool:
    """Whether the writer asks for contact or allows it again: 可以联系我, 请给我回个电话.

    Not meant: a question or a reproach (谁同意你们联系我了), or contact of others (请联系我的律师).
    """
    asks = any(map(_ASKS_FOR_A_CALL.fullmatch, _CLAUSES.split(normalize(text).text)))
    return (asks or any(map(_ALLOWS.search, _consenting(text)))) and not refuses(text)


def _consenting(text: str) -> Iterator[str]:
    """The clauses that can give consent: no question and no reproach. 别找我妈，有事请联系我 consents in its second one."""
    clauses = _CLAUSES_WITH_MARKS.split(normalize(text).text)
    return (clause for clause in clauses if not _NO_CONSENT.search(clause))


def tells_of_debt(text: str) -> bool:
    """Whether a message lets its reader know of a debt: 欠, 逾期, 还款, 贷款, 催收 and the like, not denied before."""
    plain = normalize(text).text
    return any(not _is_denied(plain, found) for found in _DEBT.finditer(plain))


def _is_denied(plain: str, found: re.Match[str]) -> bool:
    before = max(0, found.start() - 12)
    if not _NO_DEBT.search(plain, before, found.start()):
        return False
    if not _REPAYING.search(found.group()) or _NO_DUTY.match(plain, found.end()):
        return True
    return not _NOT_YET.search(plain, before, found.start())
