"""Normalised text to the terms of each TF-IDF block.

Its users must agree to the last bit: training hands :func:`columns` to scikit-learn's vectorizers, ``scorer`` looks up
:meth:`Document.ngrams`, ``bulk`` and the kernel make the same terms from many messages at once. A test compares them on the whole corpus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from harassclf.normalize import MASK, normalize
from harassclf.pinyin import pinyin_table_hash
from harassclf.segment import Segmenter
from harassclf.sounds import sound_characters, sound_table_hash, sounds
from harassclf.word_classes import class_table_hash, classes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Block:
    """One TF-IDF block: n-grams over the words, their classes, the characters or the sounds of a message, as ``name`` says.

    ``weight`` scales the block. It stands in for an L2 norm, which is left out: dividing by the norm of the *known*
    terms makes a verdict out of the few known words of a strange message. Without it little evidence stays close to the
    intercept, which says "other"; on the first 30,650 messages false alarms on everyday SMS fell from 3.8% to
    2.3% at recall 0.85. It and ``TrainingConfig.C`` mean something together only: with 0.05 and a hundred times the C, the same problem,
    lbfgs took 94 steps to a worse end than after 36 with 0.5 (objective 7,144 and 6,106, log loss on held-out voices 0.311 and 0.293, on a
    quarter of the training voices), and on all of them it did not converge in 300.
    """

    name: str
    analyzer: str  # scikit-learn's: "word" or "char"
    ngram_range: tuple[int, int]
    weight: float
    about_debt: str = ""  # the block whose terms this one weighs once more in messages with a word about debts
    gaps: tuple[int, ...] = ()  # where its terms are pairs of words: how many other words may stand between the two
    of_classes: bool = False  # whether the word that stands for its class is read in place of each word

    @property
    def lengths(self) -> tuple[int, ...]:
        """How many words or characters a term reaches over, its first and its last among them."""
        low, high = self.ngram_range
        return tuple(gap + 2 for gap in self.gaps) or tuple(range(low, high + 1))


BLOCKS: tuple[Block, ...] = (
    Block("words", "word", (1, 2), 0.5),
    Block("characters", "char", (1, 1), 0.5),
    Block("sounds", "char", (2, 3), 0.5),
    # 给 … 打电话, 你 … 家里: who does what to whom, whatever stands between. On the reserved voices macro-F1 0.897 to 0.903,
    # precision at recall 0.85 0.958 to 0.961 (``benchmarks/ablation.py``, before there were classes).
    Block("word_pairs", "word", (1, 1), 0.5, gaps=(1, 2, 3)),
    # A pair of classes is met where none of its pairs of words was. On the reserved voices macro-F1 0.896 to 0.900, precision at recall
    # 0.85 0.959 to 0.961, false alarms there on comments 0.30% to 0.20%, on SMS 0.30% to 0.27% (``benchmarks/ablation.py``).
    Block("classes", "word", (1, 2), 0.5, of_classes=True),
    Block("class_pairs", "word", (1, 1), 0.5, gaps=(1, 2, 3), of_classes=True),
    Block("debt_words", "word", (1, 1), 0.5, about_debt="words"),
    Block("debt_sounds", "char", (2, 2), 0.5, about_debt="sounds"),
)
PAIR_MARK = "…"  # between the two words of such a pair; a message's own is in none
# Stand before and behind every message, as words and characters of their own, so that how it begins and ends is read:
# 你 first, a name last. On the reserved voices macro-F1 0.902 to 0.906 (``benchmarks/ablation.py``).
START, END = "⊢", "⊣"
LENGTH = "length"  # the column of :func:`length_scale`
# The blocks whose n-grams are looked up; the others only change the weights of theirs.
READ_BLOCKS = tuple(block for block in BLOCKS if not block.about_debt)
# An insult or "I will call your mother" is harassment beside a debt, and a quarrel without one. A linear model cannot
# say "and", so terms get a second weight that counts only in messages with one of these characters: at recall 0.85,
# false alarms on customers' questions fall from 0.97% to 0.53%, on everyday SMS from 0.90% to 0.55%
# (``benchmarks/ablation.py``). Three in four harassing messages of the corpus have one.
DEBT_CHARACTERS = "钱欠债贷款账帐逾借赖租息催费元万块"
_DEBT = re.compile(f"[{DEBT_CHARACTERS}]")


def block_descriptions() -> list[dict[str, Any]]:
    """What ``metadata.json`` says of the blocks: a model trained on others, another table of sounds, word classes or pinyin, other
    characters of debts, marks or sign for masks than this version has must not be used."""
    tables = {"sounds": sound_table_hash(), "classes": class_table_hash(), "pinyin": pinyin_table_hash()}
    made = {**tables, "debt_characters": DEBT_CHARACTERS, "marks": [START, END], "mask": MASK, "length": _HALVED}
    lists = ("ngram_range", "gaps")
    return [{**asdict(block), **{name: list(getattr(block, name)) for name in lists}} for block in BLOCKS] + [made]


def speaks_of_debt(folded: str) -> bool:
    """Whether a folded message has a character that words about debts are made of."""
    return _DEBT.search(folded) is not None


# Evidence counts less in a long message: the sum over its terms, times 30 / (characters + 30). Otherwise many small weights add up
# to harassment. Characters and not known terms, as an L2 norm would have it: a strange message gets no verdict from the few words of
# it that are known. Without it false alarms at equal recall on SMS are half as many again (``benchmarks/ablation.py``, then the root of
# 30 / (characters + 5)). On a quarter of the training voices with long messages held out, this one instead of the root: of these "other"
# flagged 7.0% to 5.6%, macro-F1 0.929 to 0.935, precision at equal recall of all 0.912 to 0.919.
_HALVED = 30.0  # characters at which evidence counts half


_Number = TypeVar("_Number", float, np.ndarray)


def length_scale(characters: _Number) -> _Number:
    """By what the evidence of a message is multiplied that has so many characters, marks included, blanks in a row counted as
    one."""
    return _HALVED / (characters + _HALVED)


def bounded(folded: str) -> str:
    """A folded message between the marks of its start and its end: what is cut into words and n-grams."""
    return f"{START}{folded}{END}"


_WHITESPACE = re.compile(r"\s\s+")
_PUNCTUATION = {
    "，": ",", "。": ".", "！": "!", "？": "?", "：": ":", "；": ";", "（": "(", "）": ")", "、": ",", "～": "~",
    "“": '"', "”": '"', "「": '"', "」": '"', "『": '"', "』": '"', "‘": "'", "’": "'", "《": "<", "》": ">",
    "【": "[", "】": "]", "［": "[", "］": "]", "—": "-", "–": "-", "．": ".", "｡": ".", "､": ",", "＊": "*",
    "＋": "+", "－": "-", "／": "/", "＝": "=", "＃": "#", "＠": "@", "＆": "&", "％": "%", "＄": "$", "￥": "¥",
}  # fmt: skip


# str.isspace() holds for exactly these; digits say nothing about the act, nor does their number change it.
_BLANKS = (*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F,
           0x205F, 0x3000)  # fmt: skip
_FOLDED = {ord(k): v for k, v in _PUNCTUATION.items()} | dict.fromkeys(_BLANKS, " ") | dict.fromkeys(range(48, 58), "0")
_FOLDED_CHARACTERS = {chr(code): folded for code, folded in _FOLDED.items()}


def fold(text: str) -> str:
    """Fold case, digits, punctuation width and blanks of normalised text; the result has the same length."""
    lowered = text.lower()
    # U+0130 becomes two characters, and what sigma becomes depends on what follows it
    if len(lowered) != len(text) or "\u03a3" in text:
        lowered = "".join(map(_lower, text))
    # str.translate() raises and catches an error for each character it leaves: ten times slower
    return "".join(map(_FOLDED_CHARACTERS.get, lowered, lowered))


def _lower(character: str) -> str:
    return lower if len(lower := character.lower()) == 1 else character


def fold_table() -> np.ndarray:
    """What :func:`fold` does to each code point, shape ``(0x110000,)``: for folding many messages at once."""
    table = np.arange(0x110000, dtype=np.uint32)
    # No letter above has another case. All at once, but for the two of which lower() makes more than one character or
    # which look at their neighbours: a third of the time of one by one.
    cased = "".join(map(chr, range(0x1E944))).replace("\u0130", "\0").replace("\u03a3", "\u03c3")
    lowered = cased.lower().encode("utf-32-le", "surrogatepass")
    table[: len(cased)] = np.frombuffer(lowered, np.uint32)
    table[0x0130] = 0x0130
    for code, folded in _FOLDED.items():
        table[code] = ord(folded)
    return table


@dataclass(frozen=True, slots=True)
class Document:
    """Folded text between its marks (:func:`bounded`), cut into words; positions count its characters."""

    folded: str
    tokens: list[str]  # joined they give ``folded``
    words: list[str]  # the tokens, blanks left out
    classes: list[str]  # of each word the one that stands for its class
    characters: list[str]  # of the folded text with runs of blanks collapsed, as scikit-learn's char analyzer does
    sounds: list[str]  # the same with Han characters folded by their sound
    character_starts: Sequence[int]  # a range where nothing was collapsed

    @classmethod
    def from_folded(cls, folded: str, tokens: list[str]) -> Document:
        words = [token for token in tokens if not token.isspace()] if " " in folded else tokens
        characters, starts = _collapse(folded)
        of_characters = list(map(sound_characters().get, characters, characters))
        return cls(folded, tokens, words, classes(words), characters, of_characters, starts)

    def ngrams(self, block: Block, n: int) -> list[str]:
        """The terms of ``block`` that reach over ``n`` words or characters, in order, as scikit-learn writes them."""
        words = self.classes if block.of_classes else self.words
        if block.gaps:
            return list(map(_paired, words, words[n - 1 :]))
        if block.analyzer == "word":
            return _grams(words, n, _spaced)
        return _grams(self.sounds if "sounds" in (block.name, block.about_debt) else self.characters, n, add)

    def bounds(self, block: Block, n: int) -> tuple[Sequence[int], Sequence[int]]:
        """Where each of :meth:`ngrams` starts and ends in ``folded``."""
        if block.analyzer == "char":
            starts = self.character_starts
            return starts[: max(0, len(starts) - n + 1)], [i + 1 for i in starts[n - 1 :]]
        ends = list(accumulate(map(len, self.tokens)))
        if self.words is not self.tokens:
            ends = [end for end, token in zip(ends, self.tokens, strict=True) if not token.isspace()]
        firsts = [end - len(word) for end, word in zip(ends, self.words, strict=True)]
        return firsts[: max(0, len(firsts) - n + 1)], ends[n - 1 :]


def _grams(symbols: list[str], n: int, joined: Callable[[str, str], str]) -> list[str]:
    grams = symbols
    for k in range(1, n):  # each longer by one symbol than the last: half the time of slicing or joining every one
        grams = list(map(joined, grams, symbols[k:]))
    return grams


def _spaced(left: str, right: str) -> str:
    return f"{left} {right}"


def _paired(left: str, right: str) -> str:
    return f"{left}{PAIR_MARK}{right}"


def _word_pairs(words: Sequence[str], gaps: Sequence[int]) -> str:
    """The pairs of words with so many others between them, separated by blanks. Whoever holds the mark is left out, so that
    no pair can be taken for another one."""
    pairs = [
        _paired(left, right)
        for gap in gaps
        for left, right in zip(words, words[gap + 1 :], strict=False)
        if PAIR_MARK not in left and PAIR_MARK not in right
    ]
    return " ".join(pairs)


def _collapse(folded: str) -> tuple[list[str], Sequence[int]]:
    characters = list(folded)
    if "  " not in folded:
        return characters, range(len(folded))
    kept = [i for i, c in enumerate(characters) if not (c == " " and i and characters[i - 1] == " ")]
    return [characters[i] for i in kept], kept


def words_of(folded: Sequence[str], segmenter: Segmenter) -> list[list[str]]:
    """The words of each folded text, blanks left out."""
    return [[token for token in tokens if not token.isspace()] for tokens in segmenter.words_many(folded)]


def columns(texts: Sequence[str], segmenter: Segmenter) -> pd.DataFrame:
    """What the vectorizers read: one row a message, one column a block, and :data:`LENGTH`, shape ``(len(texts), len(BLOCKS) + 1)``."""
    import pandas as pd

    folded = [bounded(fold(normalize(text).text)) for text in texts]
    words = words_of(folded, segmenter)
    characters = [_WHITESPACE.sub(" ", text) for text in folded]
    of_classes = list(map(classes, words))
    made = {"words": list(map(" ".join, words)), "characters": characters, "sounds": list(map(sounds, characters))}
    made["classes"] = list(map(" ".join, of_classes))
    for block in BLOCKS:
        if block.gaps:
            made[block.name] = [_word_pairs(of, block.gaps) for of in (of_classes if block.of_classes else words)]
    frame = pd.DataFrame(made, dtype=object)
    debt = pd.Series([speaks_of_debt(text) for text in folded], frame.index, dtype=bool)
    frame[LENGTH] = [length_scale(len(text)) for text in characters]
    weighed = {block.name: frame[block.about_debt] for block in BLOCKS if block.about_debt}
    # Single words: the marks would be two more words for "speaks of a debt".
    weighed["debt_words"] = pd.Series([" ".join(of[1:-1]) for of in words], frame.index, dtype=object)
    return frame.assign(**{name: column.where(debt, "") for name, column in weighed.items()})
