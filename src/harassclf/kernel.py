"""Scores messages through the compiled kernel: the same numbers as :mod:`harassclf.scorer` and :mod:`harassclf.bulk`.

``kernel.c`` folds code points, looks terms up and adds weights; jieba's cut, the rare messages that need the whole
normaliser, and everything readers see stay in Python. Buffers are handed over as addresses: with numpy's own wrappers one
message took twice the time.
"""

from __future__ import annotations

import ctypes
import struct
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np

from harassclf.artifact import Artifact, Terms
from harassclf.bulk_normalize import IN_PLACE_OF_JOINT, code_point_tables, codes_of, join, rejoin, split_into_chunks
from harassclf.errors import ModelError
from harassclf.evidence import SPAN_SHARE
from harassclf.features import BLOCKS, DEBT_CHARACTERS, READ_BLOCKS, Block, bounded
from harassclf.labels import CATEGORIES, LABELS
from harassclf.normalize import Normalized, normalize_around
from harassclf.segment import JOINT, Segmenter
from harassclf.sounds import sound_table
from harassclf.subclasses import PARTS
from harassclf.weights import COEFFICIENT_STEP
from harassclf.word_classes import class_table_text

_SEPARATOR = "\uf8fc"  # between words; inside a message it becomes what a joint becomes there
_BLOCK_NUMBERS = {"words": 0, "characters": 1, "sounds": 2, "word_pairs": 3, "classes": 4, "class_pairs": 5}
_OCCURRENCE = 5 * 4  # bytes: term, start, end, first, count
# A character at most: a word, two words, three pairs with a gap, the same of classes, the character, two and three sounds.
_OCCURRENCES = 13
_MESSAGE = 6 * 4  # bytes
_SPAN = np.dtype([("start", np.int32), ("end", np.int32), ("weight", np.float64)])
_LABELS, _PARTS, _CATEGORIES = len(LABELS), len(PARTS), len(CATEGORIES)
# A term's rows, as kernel.c has them, a row of parts half a cache line.
_ROW = np.dtype([("beside", np.int32), ("idf", np.uint32), ("coef", np.int16, _PARTS), ("unused", np.int16)])
_CATEGORY_ROW = np.dtype([("coef", np.int16, _CATEGORIES), ("unused", np.int16)])
Span = tuple[int, int, float]
# Folded texts, joined, their words separated; how many characters and messages; what the normaliser changed.
_Cut = tuple[bytes, int, int, dict[int, Normalized]]


class Kernel:
    """A model in the kernel's own tables; only read once it is built, so safe to share between threads."""

    def __init__(self, library: ctypes.CDLL, artifact: Artifact) -> None:
        self.library = library
        self._intercept, self.mixture = np.ascontiguousarray(artifact.intercept), artifact.mixture
        self.handle = self._empty()
        weakref.finalize(self, library.harassclf_free, self.handle)
        blocks = (*READ_BLOCKS, *(block for block in BLOCKS if block.about_debt))
        numbers = {block: self._numbers(block, artifact.vocabulary[block.name]) for block in blocks}
        beside = _beside(numbers)
        self._rows, self._category_rows, self._idf = self._weights(artifact, numbers, beside)
        terms = library.harassclf_weights(
            *(self.handle, _PARTS, _CATEGORIES, _address(self._rows), _address(self._category_rows)),
            *(_address(self._idf), _address(self._intercept)),
        )
        if terms != len(beside):  # it would read beyond the rows
            raise ModelError(
                f"the kernel has {terms} terms, the model {len(beside)}; this is a defect, please report it"
            )

    def _empty(self) -> int:
        tables = code_point_tables()
        sounds = np.arange(len(tables.fold), dtype=np.uint32)
        of_sounds = sound_table()
        sounds[list(of_sounds)] = list(map(ord, of_sounds.values()))
        debt = np.array([ord(character) for character in DEBT_CHARACTERS], dtype=np.uint32)
        handle: int | None = self.library.harassclf_new(
            *(_address(tables.single), _address(tables.fold), _address(tables.flags), _address(sounds)),
            *(_address(debt), len(debt), _address(tables.hidden), len(tables.hidden)),
            *(_address(tables.split), len(tables.split), ord(JOINT), ord(_SEPARATOR), ord(IN_PLACE_OF_JOINT)),
        )
        if not handle:
            raise MemoryError
        table = class_table_text().rstrip("\n")
        classes = codes_of(table)
        words = table.count(" ") + table.count("\n") + 1  # the dictionary of word_classes() would stay, 6 MB a process
        if self.library.harassclf_classes(handle, _address(classes), len(classes)) != words:
            raise ModelError("the kernel could not read the table of word classes; this is a defect, please report it")
        return handle

    def _numbers(self, block: Block, terms: Terms) -> np.ndarray:
        """The number of each term; the same term of another block of the same kind has the same one."""
        codes, numbers = codes_of(terms.joined), np.empty(len(terms) + 1, dtype=np.int32)
        kind = _BLOCK_NUMBERS[block.about_debt or block.name]
        if terms and self.library.harassclf_terms(
            self.handle, kind, _address(codes), len(codes), _address(numbers)
        ) != len(terms):
            raise ModelError(
                f"vocabulary of block {block.name!r}: a term that no message can have; restore the folder or train again"
            )
        return numbers[: len(terms)]

    @staticmethod
    def _weights(
        artifact: Artifact, numbers: dict[Block, np.ndarray], beside: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of weights and the idfs that they name, as ``harassclf_weights`` of ``kernel.c`` wants them."""
        n = len(beside) + int(np.count_nonzero(beside >= 0))
        rows, category_rows = _aligned(n, _ROW), _aligned(n, _CATEGORY_ROW)
        rows["beside"] = -1
        rows["beside"][: len(beside)] = beside
        # A term that counts beside a word about debts alone has a row of zeros: the first idf is as good as another.
        idf = np.unique(np.concatenate([artifact.idf[block.name] for block in numbers]))
        for block, of in numbers.items():
            at, steps = beside[of] if block.about_debt else of, _steps(artifact, block)
            rows["idf"][at] = np.searchsorted(idf, artifact.idf[block.name])
            rows["coef"][at], category_rows["coef"][at] = steps[:, :_PARTS], steps[:, _PARTS:]
        return rows, category_rows, idf * COEFFICIENT_STEP


def _aligned(n: int, dtype: np.dtype[np.void]) -> np.ndarray:
    """Zeros, shape ``(n,)``, from the start of a cache line on."""
    room = np.zeros(n * dtype.itemsize + 64, np.uint8)
    skipped = -_address(room) % 64
    return room[skipped : skipped + n * dtype.itemsize].view(dtype)


def _steps(artifact: Artifact, block: Block) -> np.ndarray:
    """The coefficients of a block in steps, as whole numbers of two bytes."""
    steps = artifact.coef[block.name].astype(np.float32) / COEFFICIENT_STEP
    if not (np.abs(steps) < 2**15).all() or (steps != np.rint(steps)).any():
        raise ModelError(f"{artifact.folder}: coefficients of block {block.name!r} are no multiples of {COEFFICIENT_STEP} or too large; "
                         "train again")  # fmt: skip
    return steps.astype(np.int16)


def _beside(numbers: dict[Block, np.ndarray]) -> np.ndarray:
    """By term the row, behind those of all terms, of what a block ``about_debt`` weighs it once more by, -1 where there is none."""
    terms = 1 + max((int(of.max()) for of in numbers.values() if len(of)), default=-1)
    beside = np.full(terms, -1, dtype=np.int32)
    twice = [of for block, of in numbers.items() if block.about_debt]
    again = np.unique(np.concatenate(twice)) if twice else np.empty(0, np.int32)
    beside[again] = terms + np.arange(len(again), dtype=np.int32)
    return beside


def _address(array: np.ndarray) -> int:
    return int(array.ctypes.data)


class KernelScorer:
    """Scores one message or many; stateless after construction, safe to share between threads."""

    def __init__(self, artifact: Artifact, segmenter: Segmenter, library: ctypes.CDLL) -> None:
        self._kernel, self._segmenter = Kernel(library, artifact), segmenter

    def score(self, text: str) -> KernelScored:
        """Normalise, cut and score one message."""
        folded, normalized = self._folded(text)
        folded = bounded(folded)
        codes = _SEPARATOR.join(self._segmenter.words(folded)).encode("utf-32-le")
        return KernelScored(self._kernel, codes, len(folded), normalized)

    def _folded(self, text: str) -> tuple[str, Normalized | None]:
        """The folded text, and how it came about where characters were not replaced one by one."""
        if JOINT in text:  # would begin another message
            text = text.replace(JOINT, IN_PLACE_OF_JOINT)
        folded, slow = self._folded_one(text)
        if not slow or (normalized := normalize_around(text, slow)).text == text:
            return folded, None
        return self._folded_one(normalized.text)[0], normalized

    def _folded_one(self, text: str) -> tuple[str, Sequence[int]]:
        """The folded text, and where more than that may change it."""
        n, kernel = len(text), self._kernel
        out, at = _buffer(5 * n)
        slow = kernel.library.harassclf_fold(kernel.handle, text.encode("utf-32-le"), n, at, at + 4 * n)
        positions = [i for i, flag in enumerate(out.raw[4 * n : 5 * n]) if flag] if slow else ()
        return str(memoryview(out)[: 4 * n], "utf-32-le"), positions

    def decisions(self, texts: Sequence[str], categories: bool = True) -> np.ndarray:
        """Decision values of the labels and, where wanted, of the ``categories``, shape ``(n, labels + categories)``.

        While the kernel scores a chunk in a thread of its own, without the interpreter lock, the next one is folded and cut: half
        the time of one after the other.
        """
        out = [np.empty((0, _LABELS + _CATEGORIES * categories))]
        with ThreadPoolExecutor(1) as pool:
            waiting: deque[Future[np.ndarray]] = deque()
            for cut in self._cut(texts):
                waiting.append(pool.submit(self._decided, cut, categories))
                if len(waiting) > 1:  # chunks wait in memory
                    out.append(waiting.popleft().result())
            out += [decided.result() for decided in waiting]
        return np.concatenate(out)

    def _decided(self, cut: _Cut, categories: bool) -> np.ndarray:
        chunk = KernelChunk.scored(self._kernel, *cut)
        of_categories = [chunk.categories(np.ones(chunk.messages, dtype=bool))] if categories else []
        return np.hstack([chunk.labels, *of_categories])

    def chunks(self, texts: Sequence[str]) -> Iterator[KernelChunk]:
        """The messages in order, some thousands at a time."""
        for cut in self._cut(texts):
            yield KernelChunk.scored(self._kernel, *cut)

    def _cut(self, texts: Sequence[str]) -> Iterator[_Cut]:
        for some in split_into_chunks(texts):
            codes, changed = self._fold(some)
            words = self._segmenter.words(codes.tobytes().decode("utf-32-le"))
            yield _SEPARATOR.join(words).encode("utf-32-le"), len(codes), len(some), changed

    def _fold(self, texts: Sequence[str]) -> tuple[np.ndarray, dict[int, Normalized]]:
        """Folded code points of the joined texts, and the texts whose characters were not replaced one by one."""
        texts, joined = join(texts)
        codes, slow = self._fold_joined(joined)
        changed = self._changed(texts, codes, np.flatnonzero(slow))
        if changed:
            codes, _ = self._fold_joined(rejoin(texts, changed))
        return codes, changed

    def _fold_joined(self, joined: str) -> tuple[np.ndarray, np.ndarray]:
        codes, slow = np.empty(len(joined), np.uint32), np.empty(len(joined), bool)
        self._kernel.library.harassclf_fold(
            self._kernel.handle, joined.encode("utf-32-le"), len(joined), _address(codes), _address(slow)
        )
        return codes, slow

    @staticmethod
    def _changed(texts: Sequence[str], codes: np.ndarray, slow: np.ndarray) -> dict[int, Normalized]:
        """By row the texts that the normaliser changes at or beside one of the ``slow`` places of the joined text."""
        starts = np.concatenate(([0], np.flatnonzero(codes == ord(JOINT)) + 1)) if len(slow) else np.empty(0, int)
        positions: dict[int, list[int]] = {}
        rows = np.searchsorted(starts, slow, side="right") - 1
        for row, at in zip(rows.tolist(), (slow - starts[rows] - 1).tolist(), strict=True):
            positions.setdefault(row, []).append(at)
        found = {row: normalize_around(texts[row], at) for row, at in positions.items()}
        return {row: normalized for row, normalized in found.items() if normalized.text != texts[row]}


# One message's buffer, in bytes from its start: parts, these, spans, occurrences.
_CATEGORIES_AT = 8 * _PARTS
_MESSAGE_AT = _CATEGORIES_AT + 8 * _CATEGORIES
_COUNT_AT = _MESSAGE_AT + _MESSAGE
_SPANS_AT = -(-(_COUNT_AT + 4) // 8) * 8  # a span holds a double
_SLOPES = ctypes.c_double * _PARTS
_WANTED = ctypes.c_uint8(1)
_WANTED_ADDRESS = ctypes.addressof(_WANTED)
_FIRST_ROW = ctypes.c_int32(0)
_FIRST_ROW_ADDRESS = ctypes.addressof(_FIRST_ROW)
_UNPACK_PARTS = struct.Struct(f"{_PARTS}d").unpack_from
_UNPACK_CATEGORIES = struct.Struct(f"{_CATEGORIES}d").unpack_from
_UNPACK_SPANS = struct.Struct("iid").iter_unpack


@cache
def _buffer_type(bits: int) -> type[ctypes.Array[ctypes.c_char]]:
    return ctypes.c_char * (1 << bits)


def _buffer(size: int) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """Zeroed room for ``size`` bytes, and its address: a tenth of the time that numpy takes for both. Sizes are powers of
    two, since ctypes keeps a type for each size."""
    buffer = _buffer_type(size.bit_length())()
    return buffer, ctypes.addressof(buffer)


class KernelScored:
    """One scored message: its parts and the decision values of its labels; categories and evidence when asked for.

    All results lie in one buffer.
    """

    __slots__ = ("_at", "_buffer", "_found", "_kernel", "_normalized", "labels", "parts")

    def __init__(self, kernel: Kernel, codes: bytes, characters: int, normalized: Normalized | None) -> None:
        """Look up the words and characters of a folded text whose words are separated."""
        spans = (characters + 1) * _SPAN.itemsize
        self._buffer, at = _buffer(_SPANS_AT + spans + (characters + 1) * _OCCURRENCES * _OCCURRENCE)
        self._kernel, self._normalized, self._at = kernel, normalized, at
        self._found = at + _SPANS_AT + spans
        _check(kernel.library.harassclf_score(kernel.handle, codes, len(codes) // 4, self._found, at + _MESSAGE_AT, at))
        self.parts: tuple[float, ...] = _UNPACK_PARTS(self._buffer)
        self.labels = kernel.mixture.labels_of_one(self.parts)

    @property
    def categories(self) -> list[float]:
        """Decision values of the categories."""
        at = self._at
        self._kernel.library.harassclf_categories(
            self._kernel.handle, self._found, at + _MESSAGE_AT, _FIRST_ROW_ADDRESS, 1, at + _CATEGORIES_AT
        )
        return list(_UNPACK_CATEGORIES(self._buffer, _CATEGORIES_AT))

    def spans(self, label: int) -> list[Span]:
        """Start, end and weight of the stretches of the *raw* text on which the decision value of a label rests."""
        at, slopes = self._at, _SLOPES(*self._kernel.mixture.slopes_of_one(self.parts, label))
        found = _check(self._kernel.library.harassclf_spans(
            self._kernel.handle, self._found, at + _MESSAGE_AT, 1, _WANTED_ADDRESS, ctypes.addressof(slopes), SPAN_SHARE,
            at + _SPANS_AT, at + _COUNT_AT,
        ))  # fmt: skip
        spans = list(_UNPACK_SPANS(memoryview(self._buffer)[_SPANS_AT : _SPANS_AT + found * _SPAN.itemsize]))
        return self._normalized.raw_spans(spans) if self._normalized else spans


@dataclass(frozen=True, slots=True)
class KernelChunk:
    """Some messages scored together; ``parts`` have shape ``(messages, parts)``, see :mod:`harassclf.subclasses`."""

    messages: int
    parts: np.ndarray
    characters: int
    _kernel: Kernel
    _changed: dict[int, Normalized]
    _found: np.ndarray
    _rows: np.ndarray

    @classmethod
    def scored(
        cls, kernel: Kernel, codes: bytes, characters: int, messages: int, changed: dict[int, Normalized]
    ) -> KernelChunk:
        """Look up the words and characters of folded texts, joined, whose words are separated."""
        found = np.empty(_OCCURRENCES * _OCCURRENCE * (characters + 1), np.uint8)
        rows, parts = np.empty((messages, _MESSAGE), np.uint8), np.empty((messages, _PARTS))
        _check(kernel.library.harassclf_score(
            kernel.handle, codes, len(codes) // 4, _address(found), _address(rows), _address(parts)
        ))  # fmt: skip
        return cls(messages, parts, characters, kernel, changed, found, rows)

    @property
    def labels(self) -> np.ndarray:
        """Decision values of the labels, shape ``(messages, labels)``."""
        return self._kernel.mixture.labels(self.parts)

    def categories(self, wanted: np.ndarray) -> np.ndarray:
        """Decision values of the categories of the ``wanted`` messages, shape ``(wanted.sum(), categories)``."""
        rows = np.flatnonzero(wanted).astype(np.int32)
        out = np.empty((len(rows), _CATEGORIES))
        self._kernel.library.harassclf_categories(
            self._kernel.handle, _address(self._found), _address(self._rows), _address(rows), len(rows), _address(out)
        )
        return out

    def spans(self, labels: np.ndarray, share: float) -> list[list[Span]]:
        """Per message the spans of its raw text, and their weight, on which decision value ``labels[i]`` rests (-1: none
        wanted), by the rule of :func:`harassclf.evidence.spans`."""
        wanted, counts = (labels >= 0).astype(np.uint8), np.empty(self.messages, np.int32)
        slopes = self._kernel.mixture.slopes(self.parts, np.maximum(labels, 0))
        out = np.empty(self.characters + 1, _SPAN)
        used = _check(self._kernel.library.harassclf_spans(
            self._kernel.handle, _address(self._found), _address(self._rows), self.messages, _address(wanted),
            _address(slopes), share, _address(out), _address(counts),
        ))  # fmt: skip
        flat, ends = out[:used].tolist(), np.cumsum(counts).tolist()
        found = [flat[end - count : end] for end, count in zip(ends, counts.tolist(), strict=True)]
        for row, normalized in self._changed.items():
            found[row] = normalized.raw_spans(found[row])
        return found


def _check(result: int) -> int:
    if result < 0:
        raise MemoryError
    return result
