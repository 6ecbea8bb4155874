"""Writes the data sets of the experiment on strategies as CSV, from those that scikit-learn ships."""

import sys
from pathlib import Path

import numpy as np
from sklearn import datasets

LOADERS = {"breast_cancer": datasets.load_breast_cancer, "diabetes": datasets.load_diabetes, "wine": datasets.load_wine}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, load in LOADERS.items():
        x, label = load(return_X_y=True)
        header = ",".join([f"x{j}" for j in range(x.shape[1])] + ["label"])
        np.savetxt(folder / f"{name}.csv", np.column_stack([x, label]), delimiter=",", header=header, comments="", fmt="%.17g")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
