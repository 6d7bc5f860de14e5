"""Words: the private jieba tokenizer (HMM off, default dictionary) and its exact fast twin, rjieba.

HMM off costs no accuracy (5-fold macro-F1 on three public sets: 0.864/0.738/0.986 off, 0.860/0.717/0.987 on) and
removes a quadratic: with it, 100,000 times one character takes 24 s. rjieba gave exactly jieba's tokens on 200,000
real messages and 120,000 hostile strings, 16 to 25 times faster. Own dictionary words break exact ties differently in
the two, so there are none.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

# A private-use character: no word holds it, so messages joined by it are cut at it. Messages that contain it
# themselves are cut alone.
JOINT = "\uf8fe"
_JOINED_CHARACTERS = 200_000  # bounds the memory of one call; 1,000 to 4,096 short messages

# Cut differently by HMM on/off, by another dictionary version, or by an inexact twin.
_GOLDEN_TEXTS = (
    "再不还钱就爆你通讯录，让你全家不得安宁",
    "您尾号1234的账户本期应还3,580.50元，请于到期日前存入",
    "小李昨天在抖音上刷到王建国的催收短信abc123 OK",
    "哈哈哈哈哈哈哈哈啊啊啊啊",
    "南京市长江大桥研究生命起源结婚的和尚未结婚的",
    "𠮷野家🐶①２３ｑｑ\u200b\n\t end",
)
GOLDEN_FINGERPRINT = "9e28a9cbe911786405fb09ba198fb66811f95860c1c8f6a8f742e051eeef20e2"

Cut = Callable[[str], list[str]]


class Segmenter:
    """Cuts folded text into words. Safe to share between threads; cheap to make, the dictionary loads once."""

    def __init__(self, cut: Cut | None = None) -> None:
        self._cut = cut or default_cut()

    def words(self, text: str) -> list[str]:
        """The words of one text, blanks included; joined they give ``text`` again."""
        return self._cut(text)

    def words_many(self, texts: Sequence[str]) -> list[list[str]]:
        """The words of many texts; joining before cutting is 1.6 times faster than one call each."""
        out: list[list[str]] = []
        for chunk in _chunks(texts):
            out.extend(self._words_joined(chunk))
        return out

    def _words_joined(self, texts: list[str]) -> list[list[str]]:
        if any(JOINT in text for text in texts):
            return [self._cut(text) for text in texts]
        out: list[list[str]] = [[]]
        for token in self._cut(JOINT.join(texts)):
            if token == JOINT:
                out.append([])
            else:
                out[-1].append(token)
        return out


def _chunks(texts: Sequence[str]) -> list[list[str]]:
    chunks: list[list[str]] = []
    size = _JOINED_CHARACTERS + 1  # so that the first text opens the first chunk, an empty one too
    for text in texts:
        if size + len(text) > _JOINED_CHARACTERS:
            chunks.append([])
            size = 0
        chunks[-1].append(text)
        size += len(text) + 1
    return chunks


def fingerprint(cut: Cut) -> str:
    """SHA-256 of how ``cut`` cuts a fixed set of texts."""
    tokens = "\n".join("\x1f".join(cut(text)) for text in _GOLDEN_TEXTS)
    return hashlib.sha256(tokens.encode("utf-8")).hexdigest()


@cache
def default_cut() -> Cut:
    """rjieba's cut where it is installed and gives jieba's golden tokens, else jieba's own."""
    try:
        import rjieba
    except ImportError:
        return jieba_cut()

    def cut(text: str) -> list[str]:
        tokens: list[str] = rjieba.cut(text, False)
        return tokens

    return cut if fingerprint(cut) == GOLDEN_FINGERPRINT else jieba_cut()


@cache
def jieba_cut() -> Cut:
    """jieba's cut from a tokenizer of our own: the module-level one is shared, and its cache file in the temporary
    folder is trusted unchecked."""
    with warnings.catch_warnings():  # jieba 0.42.1 imports pkg_resources and has invalid escapes
        warnings.simplefilter("ignore")
        import jieba
    import logging

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    with TemporaryDirectory(prefix="harassclf-") as folder:
        tokenizer.tmp_dir = str(Path(folder))
        tokenizer.initialize()

    def cut(text: str) -> list[str]:
        tokens: list[str] = tokenizer.lcut(text, HMM=False)
        return tokens

    return cut
