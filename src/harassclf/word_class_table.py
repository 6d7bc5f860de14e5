"""Makes ``resources/word_classes.txt``: ``python -m harassclf.word_class_table DATA``, five minutes, with the extras ``bench`` and ``train``.

Words are alike where they stand beside the same words and are written with the same characters: fastText's skip-gram vectors
with subwords (Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information"), grouped by k-means. It reads the
voices of split ``train`` and the background text, no labels, and no reserved voice (so the classes know the words of held-out
training voices, not those of reserved ones). On a fifth of the training voices macro-F1 is
0.8857 without classes, 0.8895 with classes by singular vectors of pointwise mutual information, 0.8903 with these, which also
raise fewer alarms (comments 0.37% and not 0.49% at recall 0.88). 500 classes gave 0.887, 1,800 no more than 1,000.
The result ships: a model is bound to it by its hash, and it need not be made anew for every corpus (the shipped one is of the
corpus of 251,686 messages).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from harassclf.corpus import TRAIN, read_corpus
from harassclf.features import PAIR_MARK, fold, words_of
from harassclf.normalize import normalize
from harassclf.segment import Segmenter
from harassclf.training import TrainingConfig, background_rows

_CLASSES = 1_000
_WINDOW = 4
_DIMENSIONS = 100
_MIN_COUNT = 3
_EPOCHS = 8


def build(documents: Sequence[Sequence[str]], classes: int = _CLASSES, seed: int = 0) -> list[list[str]]:
    """Classes of the words that these cut texts hold three times or more, each with its most frequent word first."""
    words, vectors = _vectors(documents)
    found = MiniBatchKMeans(
        min(classes, len(words)), random_state=seed, batch_size=4096, n_init=1, max_iter=60
    ).fit_predict(vectors)
    groups: dict[int, list[str]] = {}
    for word, group in zip(words, found.tolist(), strict=True):
        if PAIR_MARK not in word:
            groups.setdefault(group, []).append(word)
    return list(groups.values())


def _vectors(documents: Sequence[Sequence[str]]) -> tuple[list[str], np.ndarray]:
    """The words, most frequent first, and unit vectors of them, shape ``(words, dimensions)``."""
    import fasttext

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.writelines(" ".join(words) + "\n" for words in documents)
        file.flush()
        model = fasttext.train_unsupervised(
            file.name, model="skipgram", dim=_DIMENSIONS, epoch=_EPOCHS, minCount=_MIN_COUNT, minn=1, maxn=2,
            ws=_WINDOW, thread=1, verbose=0,  # several threads give other vectors each time
        )  # fmt: skip
    words = [word for word in model.words if word != "</s>"]
    vectors = np.array([model.get_word_vector(word) for word in words])
    return words, vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Write the file."""
    if len(arguments) != 1:
        print("usage: python -m harassclf.word_class_table DATA (the corpus folder)", file=sys.stderr)
        return 2
    corpus = read_corpus(Path(arguments[0]))
    texts = corpus.loc[corpus["split"] == TRAIN, "text"].tolist() + background_rows(TrainingConfig())["text"].tolist()
    path = str(resources.files("harassclf").joinpath("resources/word_classes.txt"))
    folded = [fold(normalize(text).text) for text in texts]
    lines = [" ".join(group) for group in build(words_of(folded, Segmenter()))]
    Path(path).write_text("\n".join(lines) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
