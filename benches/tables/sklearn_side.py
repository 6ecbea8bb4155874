"""The guide's configuration in scikit-learn, on the same folds; Spark's penalties in its terms."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.preprocessing import OneHotEncoder
from tasks import FOLD, FOLDS, REG_PARAM, Task

SMALLEST = 1e-15  # of the probabilities in a log loss


@dataclass
class Fold:
    """The rows of a fold as matrices."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @property
    def alpha(self) -> float:
        """The penalty of ridge regression in scikit-learn's terms; Spark divides it by the deviation of the labels."""
        spread = self.y.std()
        return REG_PARAM * len(self.y) / spread if spread > 0 else 1.0

    @property
    def classes(self) -> list[str]:
        return sorted(set(self.y))

    @property
    def is_defined(self) -> bool:
        return len(self.classes) > 1 and set(self.y_test) <= set(self.classes)


def prepared(frame: pd.DataFrame, task: Task, train: np.ndarray) -> np.ndarray:
    blocks = []
    if task.numbers:
        values = frame[task.numbers].to_numpy(float)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            means = np.nanmean(values[train], axis=0)
        blocks.append(np.where(np.isnan(values), means, values))
    for column in task.texts:
        # A gap, and a value that the training rows lack, are zeros.
        known = sorted(frame[column][train].dropna().unique())
        encoder = OneHotEncoder(categories=[known], handle_unknown="ignore", sparse_output=False)
        blocks.append(encoder.fit(np.array(known, object)[:, None]).transform(frame[[column]].to_numpy(object)))
    return np.hstack(blocks)


def folds(frame: pd.DataFrame, task: Task) -> Iterator[Fold]:
    frame = frame[frame[task.label].notna()]
    numbers = frame[FOLD].to_numpy()
    y = frame[task.label].to_numpy().astype(str if task.is_class else float)
    for fold in range(FOLDS):
        train, test = numbers != fold, numbers == fold
        x = prepared(frame, task, train)
        yield Fold(x[train], y[train], x[test], y[test])


def scores(frame: pd.DataFrame, task: Task) -> list[float | None]:
    """The metric of each fold, `None` where it is not defined."""
    result: list[float | None] = []
    for fold in folds(frame, task):
        if not task.is_class:
            ridge = Ridge(alpha=fold.alpha, solver="svd").fit(fold.x, fold.y)
            result.append(float(root_mean_squared_error(fold.y_test, ridge.predict(fold.x_test))))
        elif not fold.is_defined:
            result.append(None)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                c = 1 / (len(fold.y) * REG_PARAM)
                solver = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12, max_iter=1000)
                fitted = solver.fit(fold.x, fold.y)
            probabilities = fitted.predict_proba(fold.x_test)
            # As Spark bounds them: scikit-learn does so at 2e-16.
            probabilities = np.clip(probabilities, SMALLEST, 1 - SMALLEST)
            place = {name: column for column, name in enumerate(fold.classes)}
            chosen = probabilities[np.arange(len(fold.y_test)), [place[label] for label in fold.y_test]]
            result.append(float(-np.log(chosen).mean()))
    return result
