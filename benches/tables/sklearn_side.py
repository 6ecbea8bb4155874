"""The guide's configuration in scikit-learn, on the same folds; Spark's penalties in its terms."""

import warnings

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.preprocessing import OneHotEncoder
from tasks import FOLD, FOLDS, REG_PARAM, Task


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


def scores(frame: pd.DataFrame, task: Task) -> list[float | None]:
    """The metric of each fold, `None` where it is not defined."""
    frame = frame[frame[task.label].notna()]
    folds = frame[FOLD].to_numpy()
    result: list[float | None] = []
    for fold in range(FOLDS):
        train, test = folds != fold, folds == fold
        x = prepared(frame, task, train)
        y = frame[task.label].to_numpy()
        n = int(train.sum())
        if not task.is_class:
            y = y.astype(float)
            spread = y[train].std()
            ridge = Ridge(alpha=REG_PARAM * n / spread if spread > 0 else 1.0, solver="svd").fit(x[train], y[train])
            result.append(float(root_mean_squared_error(y[test], ridge.predict(x[test]))))
            continue
        y = y.astype(str)
        classes = sorted(set(y[train]))
        if len(classes) < 2 or not set(y[test]) <= set(classes):
            result.append(None)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            solver = LogisticRegression(C=1 / (n * REG_PARAM), solver="newton-cholesky", tol=1e-12, max_iter=1000)
            fitted = solver.fit(x[train], y[train])
        result.append(float(log_loss(y[test], fitted.predict_proba(x[test]), labels=classes)))
    return result
