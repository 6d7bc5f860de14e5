from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from harassclf import Classifier, artifact
from harassclf.corpus import TRAIN, corpus_hash, voice_folds
from harassclf.errors import CorpusError
from harassclf.labels import COLLECTION, HARASSMENT, LABELS, OTHER
from harassclf.training import (
    BACKGROUND,
    TrainedModel,
    TrainingConfig,
    attacked,
    best_f1_threshold,
    dropped,
    fit_labels,
    operating_threshold,
    precision_threshold,
    train,
)

SMALL = TrainingConfig(max_features=3_000, folds=3, background=300)


@pytest.fixture(scope="module")
def small(corpus: pd.DataFrame) -> pd.DataFrame:
    """A few messages of many voices, a third of all: quick to train on, every category in it."""
    training = corpus[(corpus["split"] == TRAIN) & corpus["voice"].isin(corpus["voice"].unique()[::3])]
    return training.groupby("voice").head(3).reset_index(drop=True)


def _quiet(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained") / "model"


@pytest.fixture(scope="module")
def trained(small: pd.DataFrame, folder: Path) -> TrainedModel:
    """Trained once for all tests that only look at it, and written to ``folder``."""
    return train(small, folder, SMALL, _quiet)


def test_same_corpus_and_seed_give_the_same_bytes(
    small: pd.DataFrame, trained: TrainedModel, folder: Path, tmp_path: Path
) -> None:
    train(small.sample(frac=1, random_state=3), tmp_path, SMALL, _quiet)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted([artifact.METADATA, *artifact.HASHED_FILES])
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / name).read_bytes(), name
    # Within one process addresses repeat, between two they do not: once the only difference between two trainings.
    for vectorizer in artifact.read_pipeline(folder)[0][0].named_transformers_.values():
        assert not [name for name in vars(vectorizer) if name.endswith("_id")]


def test_trained_folder_loads_and_says_how_it_was_made(
    small: pd.DataFrame, trained: TrainedModel, folder: Path
) -> None:
    classifier = Classifier.load(folder)
    assert classifier.metadata["corpus"]["sha256"] == corpus_hash(small)
    held_out = classifier.metadata["metrics"]["held_out_voices"]
    assert held_out["macro_f1"] == trained.held_out.macro_f1
    assert sum(len(v) for v in artifact.read(folder).vocabulary.values()) == SMALL.max_features
    assert f"{held_out['macro_f1']:.3f}" in (folder / artifact.MODEL_CARD).read_text("utf-8")


def test_calibration_leaves_little_error_on_held_out_voices(trained: TrainedModel) -> None:
    assert trained.held_out.expected_calibration_error < 0.05


def test_too_few_voices_are_refused(corpus: pd.DataFrame, tmp_path: Path) -> None:
    few = corpus[corpus["voice"].isin(sorted(set(corpus["voice"]))[:4])].assign(split=TRAIN)
    with pytest.raises(CorpusError, match="4 training voices"):
        train(few, tmp_path / "model", replace(SMALL, folds=3), _quiet)


def test_best_f1_threshold_separates() -> None:
    truth = np.array([True] * 5 + [False] * 5)
    assert 0.3 < best_f1_threshold(truth, np.array([0.9] * 5 + [0.3] * 5)) <= 0.9


def test_operating_threshold_rises_where_harassment_is_rarer() -> None:
    generator = np.random.default_rng(0)
    truth = np.array([True] * 500 + [False] * 500)
    probability = np.concatenate([generator.beta(4, 2, 500), generator.beta(2, 4, 500)])
    thresholds = [operating_threshold(truth, probability, prior) for prior in (0.5, 0.1, 0.01)]
    assert thresholds == sorted(thresholds)
    assert thresholds[0] < 0.6 < thresholds[2]


def test_attacked_copies_keep_voice_and_label_and_change_the_text(small: pd.DataFrame) -> None:
    copies = attacked(small, SMALL)
    other = small["label"] == OTHER
    copied = small.index.isin(copies.index)
    assert copied[other].mean() == pytest.approx(SMALL.attacked_share_other, abs=0.05)
    assert copied[~other].mean() == pytest.approx(SMALL.attacked_share, abs=0.05)
    originals = small.loc[copies.index]
    assert (copies["label"] == originals["label"]).all()
    assert (copies["voice"] == originals["voice"]).all()
    assert (copies["text"] != originals["text"]).mean() > 0.8
    assert (attacked(small, SMALL)["text"] == copies["text"]).all()


def test_label_model_is_the_mean_of_one_of_all_voices_and_those_of_their_halves() -> None:
    generator = np.random.default_rng(5)
    voices = np.array([*np.repeat(list("abcdefgh"), 30), *[BACKGROUND] * 40], dtype=object)
    matrix = sp.csr_matrix(generator.integers(0, 2, (280, 12)).astype(float))
    labels = np.array([*generator.choice(list(LABELS), 240), *[OTHER] * 40], dtype=object)
    plain = replace(TrainingConfig(), halvings=0, dropout=0.0)
    fold, background = voice_folds(voices[:240], 2, plain.seed), np.arange(240, 280)
    parts = [np.arange(280), *(np.concatenate([np.flatnonzero(fold == side), background]) for side in (0, 1))]
    whole, one, two = (fit_labels(matrix[rows], labels[rows], voices[rows], plain).coef_ for rows in parts)
    found = fit_labels(matrix, labels, voices, replace(plain, halvings=1)).coef_
    np.testing.assert_allclose(found, (whole + (one + two) / 2) / 2)
    assert not np.allclose(one, two)


def test_dropped_copy_lacks_its_share_of_values_and_keeps_their_mean() -> None:
    matrix = sp.csr_matrix(np.random.default_rng(5).uniform(1, 2, (300, 40)))
    copy = dropped(matrix, 0.3, seed=1)
    assert copy.nnz / matrix.nnz == pytest.approx(0.7, abs=0.01)
    assert copy.mean() == pytest.approx(matrix.mean(), rel=0.02)
    np.testing.assert_allclose(copy.data * 0.7, matrix[copy.nonzero()].A1)
    np.testing.assert_array_equal(copy.toarray(), dropped(matrix, 0.3, seed=1).toarray())
    assert matrix.nnz == matrix.count_nonzero()


def test_label_model_reads_a_second_copy_of_fewer_terms() -> None:
    generator = np.random.default_rng(5)
    matrix = sp.csr_matrix(generator.integers(0, 2, (90, 12)).astype(float))
    labels, voices = generator.choice(list(LABELS), 90).astype(object), np.repeat(["a", "b", "c"], 30).astype(object)
    plain = replace(TrainingConfig(), halvings=0, dropout=0.0)
    both = sp.vstack([matrix, dropped(matrix, 0.3, plain.seed)]).tocsr()
    found = fit_labels(matrix, labels, voices, replace(plain, dropout=0.3)).coef_
    np.testing.assert_array_equal(found, fit_labels(both, np.tile(labels, 2), np.tile(voices, 2), plain).coef_)
    assert not np.allclose(found, fit_labels(matrix, labels, voices, plain).coef_)


def test_half_of_the_voices_that_lacks_a_label_is_left_out() -> None:
    voices, matrix = np.repeat(["a", "b"], 30).astype(object), sp.csr_matrix(np.eye(60))
    labels = np.array([*[HARASSMENT] * 30, *[COLLECTION, OTHER] * 15], dtype=object)
    found, plain = (fit_labels(matrix, labels, voices, replace(TrainingConfig(), halvings=n)).coef_ for n in (2, 0))
    np.testing.assert_array_equal(found, plain)


def test_precision_threshold_holds_its_precision() -> None:
    truth = np.array([True, True, False, True])
    probability = np.array([0.9, 0.8, 0.7, 0.6])
    assert precision_threshold(truth, probability, 0.99) == 0.8
    assert precision_threshold(truth, probability, 0.7) == 0.6
    assert precision_threshold(np.array([False]), np.array([0.9]), 0.5) == 1.0
