"""What is compared: data, pipelines and grids, as all sides see them."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

Grid = dict[str, list[Any]]
"""Parameters by Luthier's names and the values to try; the last varies fastest."""


@dataclass(frozen=True)
class Workload:
    """A search over one grid after the other."""

    name: str
    title: str
    shape: str
    rows: int
    features: int
    grids: list[Grid]
    folds: int
    hold_out: bool = False
    """Whether fold 0 alone is scored."""
    numeric_columns: bool = False
    """Whether features are numeric columns `c0`, `c1`, … and not one vector column."""

    @property
    def candidates(self) -> int:
        return sum(prod(len(values) for values in grid.values()) for grid in self.grids)

    @property
    def evaluated(self) -> list[int]:
        return [0] if self.hold_out else list(range(self.folds))

    def one(self, **values: Any) -> list[Grid]:
        """The first candidate, but for these values; `.` in a name is written as `__`."""
        given = {name.replace("__", "."): [value] for name, value in values.items()}
        return [{name: values[:1] for name, values in self.grids[0].items()} | given]


PENALTIES = [0.01, 0.1, 0.3, 1.0]
COMPONENTS = [10, 25, 50, 75]
RIDGE = [float(x) for x in np.logspace(-3, 1, 30)]


def _subsets(count: int, size: int, of: int) -> list[list[str]]:
    rng = np.random.default_rng(11)
    return [[f"c{j}" for j in sorted(rng.choice(of, size, replace=False))] for _ in range(count)]


_SCENE: list[Grid] = [{"pca.k": list(COMPONENTS), "lr.reg_param": list(PENALTIES)}]

SCENE = Workload(
    "scene", "10,000 × 100, PCA × LR 4 × 4, train–validation 0.8", "pca_ridge", 10_000, 100, _SCENE, 5, hold_out=True
)
SCENE_LARGE = Workload(
    "scene_large", "100,000 × 100, PCA × LR 4 × 4, 10 folds", "pca_ridge", 100_000, 100, _SCENE, 10
)
RIDGE_15 = Workload(
    "ridge_15", "scaler + ridge 100,000 × 15, 30 values × 5 folds", "scaled_ridge", 100_000, 15, [{"lr.reg_param": RIDGE}], 5
)
RIDGE_100 = Workload(
    "ridge_100", "ridge 100,000 × 100, 30 values × 5 folds", "ridge", 100_000, 100, [{"lr.reg_param": RIDGE}], 5
)
LASSO = Workload(
    "lasso", "lasso 5,000 × 200, 100 values × 5 folds", "lasso", 5_000, 200,
    [{"lr.reg_param": [float(x) for x in np.logspace(0.5, -2.5, 100)]}], 5,
)
LIMA = Workload(
    "lima", "LIMA's grid: 900 fits on subsets of 15 of 100 columns, 100,000 rows", "assembled", 100_000, 100,
    [
        {
            "assembler.input_cols": _subsets(10, 15, 100),
            "lr.reg_param": [0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0],
            "lr.fit_intercept": [intercept],
            "lr.standardization": [standardization],
            "lr.tol": [1e-12, 1e-10, 1e-8, 1e-6, 1e-4],
        }
        for intercept, standardization in [(False, False), (True, False), (True, True)]
    ],
    5, hold_out=True, numeric_columns=True,
)
LOGISTIC = Workload(
    "logistic", "logistic 100,000 × 100, 20 values × 5 folds", "logistic", 100_000, 100,
    [{"lr.reg_param": [float(x) for x in np.logspace(-4, 0, 20)]}], 5,
)
RIDGE_1000_FOLDS = Workload(
    "ridge_1000_folds", "ridge 100,000 × 100, 10 values, 1,000 folds", "ridge", 100_000, 100,
    [{"lr.reg_param": RIDGE[::3]}], 1000,
)
ROUNDS = Workload(
    "rounds", "scaler + ridge 100,000 × 50, 20 values", "scaled_ridge", 100_000, 50,
    [{"lr.reg_param": [float(x) for x in np.logspace(-4, 1, 20)]}], 10,
)
STREAMED = Workload(
    "streamed", "ridge 2,000,000 × 100 streamed, 30 values × 5 folds", "ridge", 2_000_000, 100, [{"lr.reg_param": RIDGE}], 5
)
SPIN = Workload(
    "spin", "a stage that shares nothing, 8 candidates × 3 folds, 20 ms a fit", "spin", 3_000, 2,
    [{"spin.shift": [float(i) for i in range(8)]}], 3,
)

FIT_MILLIS = 20

# Areas: so many scores.
SCORES = 1_000_000


@dataclass(frozen=True)
class Categories:
    """Columns of strings and a label of two classes, in a CSV file."""

    name: str = "onehot"
    rows: int = 100_000
    columns: int = 8
    levels: int = 1_000
    reg_param: float = 1e-5
    """`C = 1`, scikit-learn's default."""


CATEGORIES = Categories()

ALL = [SCENE, SCENE_LARGE, RIDGE_15, RIDGE_100, LASSO, LIMA, RIDGE_1000_FOLDS, STREAMED, SPIN]
