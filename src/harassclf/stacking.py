"""From fitted classifiers to one calibrated scikit-learn pipeline.

A logistic regression on held-out decision values joins the classifier of the labels with that of the subclasses and calibrates both
(stacked generalisation, Wolpert 1992); Platt's lines calibrate the category heads. Everything linear goes into the coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder

from harassclf.corpus import category_matrix
from harassclf.features import LENGTH
from harassclf.labels import CATEGORIES, COLLECTION, HARASSMENT, LABELS
from harassclf.subclasses import PARTS, log_sum_exp
from harassclf.weights import COEFFICIENT_STEP

_SUBCLASSES = PARTS[len(LABELS) :]
RAW_SUBCLASSES = (*_SUBCLASSES, COLLECTION)  # what the classifier of subclasses tells apart
RAW = len(LABELS) + len(RAW_SUBCLASSES) + len(CATEGORIES)  # columns of :meth:`Fitted.raw`
_ABSENT = -1000.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one fit gives, not yet calibrated: features, label classifier, subclass classifier, category heads."""

    features: ColumnTransformer
    labels: LogisticRegression
    subclasses: LogisticRegression
    heads: OneVsRestClassifier

    def raw(self, frame: pd.DataFrame) -> np.ndarray:
        """Decision values of labels, subclasses (:data:`RAW_SUBCLASSES`) and categories, shape ``(n, 3 + 9 + 7)``."""
        matrix = scaled_by_length(self.features.transform(frame))
        judged = label_decisions(self.labels, matrix), subclass_decisions(self.subclasses, matrix)
        return np.hstack([*judged, self.heads.decision_function(matrix)])


def label_decisions(
    classifier: LogisticRegression | StackingClassifier, features: sp.csr_matrix | np.ndarray
) -> np.ndarray:
    """Decision values in the order of ``LABELS``, shape ``(n, 3)``."""
    order = [list(classifier.classes_).index(label) for label in LABELS]
    return np.asarray(classifier.decision_function(features))[:, order]


def subclass_decisions(classifier: LogisticRegression, features: sp.csr_matrix) -> np.ndarray:
    """Decision values of the subclasses in the order of ``PARTS``, then of collection, shape ``(n, 9)``; of a subclass that the
    training text has not, one so low that it counts for nothing."""
    found = np.full((features.shape[0], len(RAW_SUBCLASSES)), _ABSENT)
    found[:, [RAW_SUBCLASSES.index(name) for name in classifier.classes_]] = classifier.decision_function(features)
    return found


def scaled_by_length(features: sp.csr_matrix) -> sp.csr_matrix:
    """Rows of term values, shape ``(n, terms)``, multiplied by the last column of ``features``, which is
    :func:`harassclf.features.length_scale`; a step of the saved pipeline."""
    return sp.csr_matrix(sp.diags(features[:, -1].toarray().ravel()) @ features[:, :-1])


@dataclass(frozen=True, slots=True)
class Calibration:
    """``stacking`` reads what :func:`_stacked` gives; ``lines`` are Platt's slope and intercept of each category."""

    stacking: LogisticRegression
    lines: tuple[tuple[float, float], ...]

    @classmethod
    def fit(cls, raw: np.ndarray, training: pd.DataFrame) -> Calibration:
        """On raw decision values of messages whose voices the models behind them have not read."""
        stacking = LogisticRegression(C=1e4, max_iter=1000).fit(_stacked(raw), training["label"])
        harassing = (training["label"] == HARASSMENT).to_numpy()
        truths = category_matrix(training["categories"][harassing]).T
        lines = [_platt(raw[harassing][:, [i]], truth) for i, truth in enumerate(truths, -len(CATEGORIES))]
        return cls(stacking, tuple(lines))

    def decisions(self, raw: np.ndarray) -> np.ndarray:
        """Calibrated decision values of labels then categories, shape ``(n, 3 + 7)``."""
        slopes, intercepts = np.array(self.lines).T
        of_labels = label_decisions(self.stacking, _stacked(raw))
        return np.hstack([of_labels, raw[:, -len(CATEGORIES) :] * slopes + intercepts])

    def pipeline(self, fitted: Fitted) -> Pipeline:
        """The label pipeline as it is saved."""
        last = _mixture(self.stacking.coef_[:, len(LABELS) + 1 :])
        classifier = _stacking_classifier(self._labels(fitted), _subclasses(fitted.subclasses), last)
        length = FunctionTransformer(scaled_by_length)
        return Pipeline([("features", fitted.features), (LENGTH, length), ("classifier", classifier)])

    def _labels(self, fitted: Fitted) -> LogisticRegression:
        """The classifier of the labels with the linear share of the stacking, that of collection among the subclasses included."""
        labels, subclasses = fitted.labels, fitted.subclasses
        order = [list(labels.classes_).index(label) for label in LABELS]  # the stacking's inputs are in LABELS order
        collection = [list(subclasses.classes_).index(COLLECTION)]
        linear = self.stacking.coef_[:, : len(LABELS) + 1]
        intercept = np.concatenate([labels.intercept_[order], subclasses.intercept_[collection]])
        coef = np.vstack([labels.coef_[order], subclasses.coef_[collection]])
        return _logistic(labels.classes_, _rounded(linear @ coef), linear @ intercept + self.stacking.intercept_)

    def heads(self, fitted: Fitted) -> OneVsRestClassifier:
        """The category heads as they are saved."""
        for head, (slope, intercept) in zip(fitted.heads.estimators_, self.lines, strict=True):
            head.coef_, head.intercept_ = _rounded(head.coef_ * slope), head.intercept_ * slope + intercept
        return fitted.heads


def _stacked(raw: np.ndarray) -> np.ndarray:
    """The decision values of the labels, that of collection among the subclasses, the log-sum-exps of the others, shape ``(n, 6)``."""
    return np.hstack([raw[:, : len(LABELS)], raw[:, [len(PARTS)]], log_sum_exp(raw)])


def _platt(decision: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    line = LogisticRegression(C=1e4, max_iter=1000).fit(decision, truth)
    return float(line.coef_[0, 0]), float(line.intercept_[0])


def _subclasses(fitted: LogisticRegression) -> LogisticRegression:
    """The classifier of subclasses without its column of collection; a subclass that it has not counts for nothing."""
    places = {name: i for i, name in enumerate(fitted.classes_)}
    coef, intercept = np.zeros((len(_SUBCLASSES), fitted.coef_.shape[1])), np.full(len(_SUBCLASSES), _ABSENT)
    for i, name in enumerate(_SUBCLASSES):
        if name in places:
            coef[i], intercept[i] = fitted.coef_[places[name]], fitted.intercept_[places[name]]
    return _logistic(np.array(_SUBCLASSES), _rounded(coef), intercept)


def _mixture(weights: np.ndarray) -> LogisticRegression:
    """What adds to a label's decision value its log-sum-exps by their weights, shape ``(labels, 2)``."""
    coef = np.hstack([np.eye(len(LABELS)), weights])
    return _logistic(np.arange(len(LABELS)), coef, np.zeros(len(LABELS)))


def _logistic(classes: np.ndarray, coef: np.ndarray, intercept: np.ndarray) -> LogisticRegression:
    made = LogisticRegression()
    made.classes_, made.coef_, made.intercept_, made.n_features_in_ = classes, coef, intercept, coef.shape[1]
    return made


def _stacking_classifier(
    labels: LogisticRegression, subclasses: LogisticRegression, last: LogisticRegression
) -> StackingClassifier:
    """All three as one of scikit-learn's, which fits only the last of prefitted classifiers, and that on what these have read."""
    joined = StackingClassifier(
        [("labels", labels), ("subclasses", subclasses)], cv="prefit", stack_method="decision_function"
    )
    joined.final_estimator_ = Pipeline([("log_sum_exp", FunctionTransformer(summed_up)), ("mixture", last)])
    joined.estimators_, joined.stack_method_ = [labels, subclasses], ["decision_function"] * 2
    joined.classes_, joined._label_encoder = labels.classes_, LabelEncoder().fit(labels.classes_)
    return joined


def summed_up(parts: np.ndarray) -> np.ndarray:
    """The labels' linear parts and the log-sum-exps of their subclasses, shape ``(n, 3 + 2)``, from the parts, the labels among them in
    any order; a step of the saved pipeline."""
    return np.hstack([parts[:, : len(LABELS)], log_sum_exp(parts)])


def _rounded(coefficients: np.ndarray) -> np.ndarray:
    """To multiples of ``COEFFICIENT_STEP``, which half precision holds exactly."""
    return (np.round(coefficients / COEFFICIENT_STEP) * COEFFICIENT_STEP).astype(np.float16).astype(np.float64)
