"""scikit-learn's side: `GridSearchCV`, `LassoCV` and `LogisticRegressionCV` with the folds of the file."""

import resource
import time
import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LassoCV, LogisticRegression, LogisticRegressionCV, Ridge
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

import data
from peer import Answer, serve

# Luthier's names of parameters, and ours.
NAMES = {"pca.k": "pca__n_components", "lr.reg_param": "lr__reg_param"}


class SparkRidge(Ridge):
    """Ridge regression with Spark's penalty, which counts a row's mean loss in deviations of the label."""

    def __init__(self, reg_param: float = 1.0) -> None:
        super().__init__()
        self.reg_param = reg_param

    def fit(self, x: Any, y: Any, sample_weight: Any = None) -> "SparkRidge":
        self.alpha = self.reg_param * len(y) / np.std(y)
        return super().fit(x, y, sample_weight)


class SparkLasso(Lasso):
    """The lasso; its penalty is Spark's as it is."""

    def __init__(self, reg_param: float = 1.0, tol: float = 1e-4, max_iter: int = 1000) -> None:
        super().__init__(tol=tol, max_iter=max_iter)
        self.reg_param = reg_param

    def fit(self, x: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> "SparkLasso":
        self.alpha = self.reg_param
        return super().fit(x, y, sample_weight, check_input)


class SparkLogistic(LogisticRegression):
    """Logistic regression with Spark's penalty, which counts the mean loss of a row and not the sum."""

    def __init__(self, reg_param: float = 1.0, solver: str = "lbfgs", tol: float = 1e-4, max_iter: int = 100) -> None:
        super().__init__(solver=solver, tol=tol, max_iter=max_iter)
        self.reg_param = reg_param

    def fit(self, x: Any, y: Any, sample_weight: Any = None) -> "SparkLogistic":
        self.C = 1.0 / (self.reg_param * len(y))
        return super().fit(x, y, sample_weight)


SHAPES = {
    "pca_ridge": lambda: Pipeline([("pca", PCA()), ("lr", SparkRidge())]),
    "scaled_ridge": lambda: Pipeline([("scaler", StandardScaler()), ("lr", SparkRidge())]),
    "ridge": lambda: Pipeline([("lr", SparkRidge())]),
    "lasso": lambda: Pipeline([("lr", SparkLasso())]),
    "logistic": lambda: Pipeline([("lr", SparkLogistic())]),
}
# An iteration too few is what the default stands for; objectives are compared.
warnings.filterwarnings("ignore", category=ConvergenceWarning)

loaded: dict[str, Any] = {}


def load(name: str, shape: str, directory: str, grid: dict[str, list[Any]], hold_out: bool) -> Answer:
    x, y, fold = data.read(Path(directory), name)
    evaluated = [0] if hold_out else range(int(fold.max()) + 1)
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in evaluated]
    # One grid a candidate: scikit-learn would sort the names, and with them the candidates.
    candidates = [{NAMES[n]: [v] for n, v in zip(grid, values)} for values in product(*grid.values())]
    train, test = splits[0]
    held_out = tuple(np.ascontiguousarray(part) for part in (x[train], y[train], x[test], y[test]))
    loaded[name] = (SHAPES[shape](), x, y, splits, candidates, held_out)
    return {"rows": len(y)}


def with_settings(estimator: Pipeline, settings: dict[str, Any]) -> Pipeline:
    return clone(estimator).set_params(**{f"lr__{name}": value for name, value in settings.items()})


def search(name: str, n_jobs: int, every: int = 1, **settings: Any) -> Answer:
    """Seconds, and rmse or area under the roc by candidate and fold: of every so many-th candidate. `settings` are
    those of the last stage."""
    estimator, x, y, splits, grid, _ = loaded[name]
    grid = grid[::every]
    scoring, sign = ("roc_auc", 1.0) if is_classifier(estimator) else ("neg_root_mean_squared_error", -1.0)
    tuned = GridSearchCV(with_settings(estimator, settings), grid, scoring=scoring, cv=splits, n_jobs=n_jobs)
    start = time.perf_counter()
    tuned.fit(x, y)
    seconds = time.perf_counter() - start
    scores = [tuned.cv_results_[f"split{k}_test_score"] for k in range(len(splits))]
    return {"seconds": seconds, "best": int(tuned.best_index_), "metrics": (sign * np.array(scores).T).tolist()}


def rounds(name: str, splits: list[dict[str, list[int]]], n_jobs: int) -> Answer:
    """Seconds, and rmse by candidate and round, of these training and validation rows; nothing is fitted on all rows."""
    estimator, x, y, _, grid, _ = loaded[name]
    cv = [(np.array(split["train"]), np.array(split["validate"])) for split in splits]
    tuned = GridSearchCV(estimator, grid, scoring="neg_root_mean_squared_error", cv=cv, n_jobs=n_jobs, refit=False)
    start = time.perf_counter()
    tuned.fit(x, y)
    seconds = time.perf_counter() - start
    scores = [tuned.cv_results_[f"split{k}_test_score"] for k in range(len(cv))]
    return {"seconds": seconds, "metrics": (-np.array(scores).T).tolist()}


def nested(name: str, outer: int, n_jobs: int) -> Answer:
    """One round of a nested loop: chooses by the other folds, and scores what it has chosen on this one."""
    estimator, x, y, splits, grid, _ = loaded[name]
    train, test = splits[outer]
    inner = [np.isin(train, other) for place, (_, other) in enumerate(splits) if place != outer]
    cv = [(np.flatnonzero(~held_out), np.flatnonzero(held_out)) for held_out in inner]
    tuned = GridSearchCV(estimator, grid, scoring="neg_root_mean_squared_error", cv=cv, n_jobs=n_jobs)
    start = time.perf_counter()
    score = tuned.fit(x[train], y[train]).score(x[test], y[test])
    return {"seconds": time.perf_counter() - start, "metrics": [[int(tuned.best_index_), -float(score)]]}


def lasso_cv(name: str, n_jobs: int, **settings: Any) -> Answer:
    """The same of `LassoCV`, which fits the penalties as one path per fold."""
    _, x, y, splits, grid, _ = loaded[name]
    alphas = np.array([candidate["lr__reg_param"][0] for candidate in grid])
    tuned = LassoCV(alphas=alphas, cv=splits, n_jobs=n_jobs, **settings)
    start = time.perf_counter()
    tuned.fit(x, y)
    seconds = time.perf_counter() - start
    order = [int(np.flatnonzero(tuned.alphas_ == alpha)[0]) for alpha in alphas]
    best = int(np.flatnonzero(alphas == tuned.alpha_)[0])
    return {"seconds": seconds, "best": best, "metrics": np.sqrt(tuned.mse_path_[order]).tolist()}


def logistic_cv(name: str, n_jobs: int, solver: str, every: int = 1) -> Answer:
    """The same of `LogisticRegressionCV`, which fits the penalties as one path per fold."""
    _, x, y, splits, grid, _ = loaded[name]
    penalties = np.array([candidate["lr__reg_param"][0] for candidate in grid[::every]])
    tuned = LogisticRegressionCV(
        Cs=1.0 / (penalties * len(splits[0][0])),
        l1_ratios=(0.0,),
        cv=splits,
        solver=solver,
        scoring="roc_auc",
        n_jobs=n_jobs,
        use_legacy_attributes=False,
    )
    start = time.perf_counter()
    tuned.fit(x, y)
    seconds = time.perf_counter() - start
    metrics = tuned.scores_.reshape(len(splits), len(penalties)).T
    return {"seconds": seconds, "best": int(np.argmax(metrics.mean(axis=1))), "metrics": metrics.tolist()}


def single_fit(name: str, values: dict[str, Any], threads: int | None = None, **settings: Any) -> Answer:
    """One fit on the rows outside of fold 0, with so many threads of BLAS, and its metric on those inside."""
    estimator, _, _, _, _, (x, y, x_test, y_test) = loaded[name]
    estimator = with_settings(estimator, settings).set_params(**{NAMES[key]: value for key, value in values.items()})
    start = time.perf_counter()
    with threadpool_limits(threads):
        estimator.fit(x, y)
    fit_seconds = time.perf_counter() - start
    if is_classifier(estimator):
        metric = roc_auc_score(y_test, estimator.decision_function(x_test))
    else:
        metric = root_mean_squared_error(y_test, estimator.predict(x_test))
    return {"seconds": time.perf_counter() - start, "fit_seconds": fit_seconds, "metric": float(metric)}


def objective(x: Any, y: Any, beta: Any, intercept: float, reg_param: float) -> float:
    """The mean loss and the penalty: what is minimised."""
    z = x @ beta + intercept
    return float(np.mean(np.logaddexp(0.0, z) - y * z) + 0.5 * reg_param * beta @ beta)


def objectives(name: str, penalties: list[float], models: list[dict[str, Any]], **settings: Any) -> Answer:
    """On the rows outside of fold 0: of the given models, and of scikit-learn's with the same penalties."""
    estimator, _, _, _, _, (x, y, _, _) = loaded[name]
    ours = [
        objective(x, y, np.array(model["coefficients"]), model["intercept"], penalty)
        for penalty, model in zip(penalties, models, strict=True)
    ]
    theirs = []
    for penalty in penalties:
        lr = with_settings(estimator, settings | {"reg_param": penalty}).fit(x, y)["lr"]
        theirs.append(objective(x, y, lr.coef_[0], lr.intercept_[0], penalty))
    return {"ours": ours, "theirs": theirs}


def load_scores(directory: str) -> Answer:
    loaded["scores"] = tuple(np.load(Path(directory) / f"scores.{name}.npy") for name in ("score", "label", "weight"))
    return {}


def area(weighted: bool) -> Answer:
    score, label, weight = loaded["scores"]
    start = time.perf_counter()
    metric = roc_auc_score(label, score, sample_weight=weight if weighted else None)
    return {"seconds": time.perf_counter() - start, "metric": float(metric)}


def categorical(path: str, reg_param: float, engine: str, threads: int, **settings: Any) -> Answer:
    """From a CSV file of categorical columns to a classifier, with all categories and in sparse matrices."""
    start = time.perf_counter()
    frame = pd.read_csv(path, engine=engine)
    read_seconds = time.perf_counter() - start
    encoder = OneHotEncoder()
    x, y = encoder.fit_transform(frame.drop(columns="label")), frame["label"].to_numpy()
    with threadpool_limits(threads):
        lr = SparkLogistic(reg_param, **settings).fit(x, y)
    seconds = time.perf_counter() - start
    loaded["categorical"] = (encoder.get_feature_names_out(), x, y)
    return {
        "seconds": seconds,
        "read_seconds": read_seconds,
        "objective": objective(x, y, lr.coef_[0], lr.intercept_[0], reg_param),
        "iterations": int(lr.n_iter_[0]),
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def categorical_objective(coefficients: dict[str, float], intercept: float, reg_param: float) -> Answer:
    """Of a model by names of features as `c0=level`, on the rows of the last `categorical`."""
    names, x, y = loaded["categorical"]
    beta = np.array([coefficients[name.replace("_", "=", 1)] for name in names])
    return {"objective": objective(x, y, beta, intercept, reg_param)}


def gram(rows: int, width: int) -> Answer:
    """Median seconds of numpy's `X.T @ X`."""
    x = np.random.default_rng(1).standard_normal((rows, width))
    seconds = []
    for _ in range(9):
        start = time.perf_counter()
        x.T @ x
        seconds.append(time.perf_counter() - start)
    return {"seconds": float(np.median(seconds))}


if __name__ == "__main__":
    actions = (
        load, search, rounds, nested, lasso_cv, logistic_cv, single_fit, objectives,
        load_scores, area, categorical, categorical_objective, gram,
    )  # fmt: skip
    serve({action.__name__: action for action in actions})
