"""Seeded data, as `.npy` for scikit-learn and as Parquet for Luthier and Spark, with the same folds."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from workloads import SCORES, Categories, Workload

ROW_GROUP_BYTES = 50_000_000
# Above this, no peer reads the data.
IN_MEMORY_ROWS = 250_000

Matrix = npt.NDArray[np.float64]
Folds = npt.NDArray[np.int64]


def parquet_path(directory: Path, workload: Workload) -> Path:
    return directory / f"{workload.name}.parquet"


def generate(directory: Path, workload: Workload, folds: Folds | None = None) -> Path:
    """Writes the files of a workload; given folds replace the generated ones."""
    path = parquet_path(directory, workload)
    if path.exists() and folds is None:
        return path
    rng = np.random.default_rng(2026)
    # Correlated features of unlike spread, so that components differ and regression has something to do.
    d = workload.features
    mixing = np.linalg.qr(rng.standard_normal((d, d)))[0] * np.linspace(3.0, 0.3, d)[:, None]
    weights = np.where(rng.random(d) < 0.5, rng.standard_normal(d), 0.0)
    if folds is None:
        # Of a generator of its own: the rows must not depend on where folds come from.
        folds = np.random.default_rng(7).permutation(np.arange(workload.rows, dtype=np.int64) % workload.folds)
    group_rows = min(-(-workload.rows // 2), ROW_GROUP_BYTES // (8 * (d + 3)))
    writer, features, labels = None, [], []
    for start in range(0, workload.rows, group_rows):
        rows = min(group_rows, workload.rows - start)
        x = rng.standard_normal((rows, d)) @ mixing
        if workload.shape == "logistic":
            # Scores of a deviation of 2: some rows are easy, none are certain.
            y = (x @ (2.0 / np.linalg.norm(mixing @ weights) * weights) + rng.logistic(size=rows) > 0.5).astype(float)
        else:
            y = x @ weights + 2.0 * rng.standard_normal(rows) + 5.0
        table = _table(x, y, folds[start : start + rows], start, workload.numeric_columns)
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema, compression="none", use_dictionary=False)
        writer.write_table(table, row_group_size=group_rows)
        if workload.rows <= IN_MEMORY_ROWS:
            features.append(x)
            labels.append(y)
    assert writer
    writer.close()
    if features:
        np.save(directory / f"{workload.name}.x.npy", np.concatenate(features))
        np.save(directory / f"{workload.name}.y.npy", np.concatenate(labels))
        np.save(directory / f"{workload.name}.fold.npy", folds)
    return path


def read(directory: Path, name: str) -> tuple[Matrix, Matrix, Folds]:
    """Features, label and folds."""
    x, y, fold = (np.load(directory / f"{name}.{part}.npy") for part in ("x", "y", "fold"))
    return x, y, fold


def generate_scores(directory: Path) -> Path:
    """Columns `score`, `label` and `weight`, as Parquet and as `.npy`."""
    path = directory / "scores.parquet"
    if not path.exists():
        rng = np.random.default_rng(2027)
        label = (rng.random(SCORES) < 0.4).astype(float)
        columns = {"score": rng.standard_normal(SCORES) + label, "label": label, "weight": rng.random(SCORES) + 0.5}
        for name, values in columns.items():
            np.save(directory / f"scores.{name}.npy", values)
        pq.write_table(pa.table(columns), path, row_group_size=SCORES // 2, compression="none", use_dictionary=False)
    return path


def generate_categories(directory: Path, categories: Categories) -> Path:
    """A CSV file of columns `c0`, `c1`, … and `label`."""
    path = directory / f"{categories.name}.csv"
    if not path.exists():
        rng = np.random.default_rng(2028)
        shape = (categories.rows, categories.columns)
        level = rng.integers(categories.levels, size=shape)
        effects = 0.7 * rng.standard_normal((categories.columns, categories.levels))
        score = effects[np.arange(categories.columns), level].sum(axis=1)
        label = (score + rng.logistic(size=categories.rows) > 0.0).astype(int)
        names = [f"level_{j:04}" for j in range(categories.levels)]
        lines = [",".join([*(f"c{j}" for j in range(categories.columns)), "label"])]
        lines += [",".join([*(names[j] for j in row), str(y)]) for row, y in zip(level, label)]
        path.write_text("\n".join(lines) + "\n")
    return path


def _table(x: Matrix, y: Matrix, fold: Folds, first_row: int, numeric_columns: bool) -> pa.Table:
    if numeric_columns:
        columns = {f"c{j}": pa.array(np.ascontiguousarray(x[:, j])) for j in range(x.shape[1])}
    else:
        columns = {"features": pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), x.shape[1])}
    row = np.arange(first_row, first_row + len(y))
    return pa.table(columns | {"label": pa.array(y), "fold": pa.array(fold), "row": pa.array(row)})
