"""What a person would predict in a table, and the two configurations for it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

FOLDS = 3
REG_PARAM = 0.01
FOLD = "luthier_fold"
MOST_CATEGORIES = 50
NULLS = ["", "NA", "N/A", "NaN", "nan", "na", "n/a", "null", "NULL", "<NA>", "#N/A", "?", "-", "."]


@dataclass
class Task:
    """A label, and the columns that the guide's configuration uses."""

    label: str
    is_class: bool
    numbers: list[str]
    texts: list[str]


def choose(frame: pd.DataFrame) -> Task | None:
    """The last column that can be a label: a number with many values, or a column of few classes."""
    usable = [c for c in frame.columns if not str(c).startswith("Unnamed") and frame[c].notna().sum() >= 20]
    for label in reversed(usable):
        values = frame[label].dropna()
        distinct = values.nunique()
        is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        if is_number and np.isfinite(values).all() and distinct > 10:
            return Task(label, False, *features(frame, label))
        if 2 <= distinct <= 10 and values.value_counts().min() >= 2 * FOLDS:
            return Task(label, True, *features(frame, label))
    return None


def features(frame: pd.DataFrame, label: str) -> tuple[list[str], list[str]]:
    numbers, texts = [], []
    for column in frame.columns:
        values = frame[column]
        if column == label or str(column).startswith("Unnamed") or values.notna().sum() < 20:
            continue
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            if np.isfinite(values.dropna()).all() and values.nunique() > 1:
                numbers.append(column)
        elif 2 <= values.nunique() <= MOST_CATEGORIES:
            texts.append(column)
    return numbers, texts


def quoted(text: object) -> str:
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def names(columns: list[str]) -> str:
    return "[" + ", ".join(map(quoted, columns)) + "]"


def model(task: Task, as_text: bool, label_col: str | None = None) -> str:
    """The last stages: a regression, or an indexer for text classes and a classifier."""
    if not task.is_class:
        return '[[stage]]\nname = "lr"\ntype = "linear_regression"\n'
    if as_text:
        return (
            f'[[stage]]\nname = "class"\ntype = "string_indexer"\ninput_cols = [{quoted(task.label)}]\n'
            'output_cols = ["class_index"]\nstring_order_type = "alphabet_asc"\n\n'
            '[[stage]]\nname = "lr"\ntype = "logistic_regression"\nlabel_col = "class_index"\n'
        )
    return '[[stage]]\nname = "lr"\ntype = "logistic_regression"\n'


def newcomer(path: Path, task: Task, as_text: bool) -> str:
    """A file, a label and a model: nothing else."""
    evaluator = ""
    if task.is_class:
        label = 'label_col = "class_index"\n' if as_text else ""
        evaluator = f'\n[evaluator]\ntype = "multiclass_classification"\nmetric = "accuracy"\n{label}'
    grid = '\n[grid]\n"lr.reg_param" = [0.001, 0.1]\n'
    return f"[data]\npath = {quoted(path)}\nlabel = {quoted(task.label)}\n\n{model(task, as_text)}{grid}{evaluator}"


def as_the_guide_says(path: Path, task: Task) -> str:
    """Gaps filled, text encoded, the types said; ridge regression or its classifier on given folds."""
    texts = [*task.texts, *([task.label] if task.is_class else [])]
    numbers = [*task.numbers, *([] if task.is_class else [task.label])]
    types = "".join(f'{quoted(c)} = "{kind}"\n' for kind, of in (("text", texts), ("number", numbers)) for c in of)
    parts = ""
    if task.numbers:
        parts += (
            f'[[stage.part]]\nname = "numbers"\ncolumns = {names(task.numbers)}\n'
            '[[stage.part.stage]]\nname = "impute"\ntype = "imputer"\n\n'
        )
    if task.texts:
        parts += (
            f'[[stage.part]]\nname = "texts"\ncolumns = {names(task.texts)}\n'
            '[[stage.part.stage]]\nname = "index"\ntype = "string_indexer"\nhandle_invalid = "keep"\n'
            '[[stage.part.stage]]\nname = "encode"\ntype = "one_hot_encoder"\n\n'
        )
    last = model(task, True) + "standardization = false\n"
    last += "max_iter = 1000\ntol = 1e-12\n" if task.is_class else ""
    evaluator = (
        '[evaluator]\ntype = "multiclass_classification"\nmetric = "log_loss"\nlabel_col = "class_index"\n'
        if task.is_class
        else '[evaluator]\ntype = "regression"\nmetric = "rmse"\n'
    )
    return (
        f"[data]\npath = {quoted(path)}\nlabel = {quoted(task.label)}\nfold = {quoted(FOLD)}\nfeatures = []\n"
        f'missing_label = "drop"\nnull_values = {names(NULLS)}\n[data.types]\n{types}\n'
        f'[[stage]]\nname = "prepare"\ntype = "column_transformer"\n\n{parts}{last}\n'
        f'[grid]\n"lr.reg_param" = [{REG_PARAM}]\n\n[search]\nmethod = "cross_validator"\nfold_col = {quoted(FOLD)}\n\n{evaluator}'
    )
