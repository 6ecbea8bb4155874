"""scikit-learn's side: `GridSearchCV` and `LassoCV` with the folds of the file."""

import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import Lasso, LassoCV, Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

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


SHAPES = {
    "pca_ridge": lambda: Pipeline([("pca", PCA()), ("lr", SparkRidge())]),
    "scaled_ridge": lambda: Pipeline([("scaler", StandardScaler()), ("lr", SparkRidge())]),
    "ridge": lambda: Pipeline([("lr", SparkRidge())]),
    "lasso": lambda: Pipeline([("lr", SparkLasso())]),
}

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


def search(name: str, n_jobs: int, tol: float | None = None) -> Answer:
    """Seconds, and rmse by candidate and fold; `tol` is that of the lasso."""
    estimator, x, y, splits, grid, _ = loaded[name]
    if tol is not None:
        estimator = Pipeline([("lr", SparkLasso(tol=tol, max_iter=100_000))])
    tuned = GridSearchCV(estimator, grid, scoring="neg_root_mean_squared_error", cv=splits, n_jobs=n_jobs)
    start = time.perf_counter()
    tuned.fit(x, y)
    seconds = time.perf_counter() - start
    scores = [tuned.cv_results_[f"split{k}_test_score"] for k in range(len(splits))]
    return {"seconds": seconds, "best": int(tuned.best_index_), "metrics": (-np.array(scores).T).tolist()}


def lasso_cv(name: str, n_jobs: int, tol: float = 1e-4) -> Answer:
    """The same of `LassoCV`, which fits the penalties as one path per fold."""
    _, x, y, splits, grid, _ = loaded[name]
    alphas = np.array([candidate["lr__reg_param"][0] for candidate in grid])
    tuned = LassoCV(alphas=alphas, cv=splits, n_jobs=n_jobs, tol=tol, max_iter=100_000 if tol < 1e-4 else 1000)
    start = time.perf_counter()
    tuned.fit(x, y)
    seconds = time.perf_counter() - start
    order = [int(np.flatnonzero(tuned.alphas_ == alpha)[0]) for alpha in alphas]
    best = int(np.flatnonzero(alphas == tuned.alpha_)[0])
    return {"seconds": seconds, "best": best, "metrics": np.sqrt(tuned.mse_path_[order]).tolist()}


def single_fit(name: str, values: dict[str, Any]) -> Answer:
    """One fit on the rows outside of fold 0 and its rmse on those inside."""
    estimator, _, _, _, _, (x, y, x_test, y_test) = loaded[name]
    estimator.set_params(**{NAMES[name]: value for name, value in values.items()})
    start = time.perf_counter()
    metric = root_mean_squared_error(y_test, estimator.fit(x, y).predict(x_test))
    return {"seconds": time.perf_counter() - start, "metric": float(metric)}


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
    serve({"load": load, "search": search, "lasso_cv": lasso_cv, "single_fit": single_fit, "gram": gram})
