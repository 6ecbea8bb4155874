"""Runs `luthier tune` and `luthier predict` on every table, and compares the scores of folds with scikit-learn's."""

import argparse
import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import referee
import sklearn_side
from tables import collect
from tasks import FOLD, FOLDS, NULLS, as_the_guide_says, choose, newcomer

SECONDS = 2.0  # of CPU, beyond which a table counts as slow if scikit-learn needs less
DIFFERENCE = 1e-6  # of a fold's score, relative where that is above 1
TIMEOUT = 120


class Ran:
    """One run of the program."""

    def __init__(self, program: Path, *args: object) -> None:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            done = subprocess.run(
                [program, *map(str, args)], capture_output=True, text=True, errors="replace", timeout=TIMEOUT
            )
            self.code, self.message = done.returncode, done.stderr.strip()
        except subprocess.TimeoutExpired:
            self.code, self.message = -9, f"not done within {TIMEOUT} s"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    @property
    def outcome(self) -> str:
        if self.code == 0:
            return "ok"
        if self.code not in (1, 2) or "panicked" in self.message or "a bug in that part" in self.message:
            return "panic"
        return "refused"

    @property
    def error(self) -> str:
        lines = [line for line in self.message.splitlines() if not line.startswith("note:")]
        return " ".join(lines)


def as_pandas_reads(path: Path, **options: object) -> pd.DataFrame:
    """The same texts are missing values on both sides: pandas' own list has `None`, which is a class in some tables."""
    given = dict(keep_default_na=False, na_values=NULLS, low_memory=False)
    return pd.read_csv(path, **given, **options)


def read(path: Path) -> pd.DataFrame | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for encoding in ("utf-8", "latin-1"):
            try:
                frame = as_pandas_reads(path, encoding=encoding)
                # Luthier takes the spaces around a name away.
                frame.columns = [str(name).strip() for name in frame.columns]
                return frame if len(frame) >= 30 and frame.columns.is_unique else None
            except (UnicodeDecodeError, UnicodeError):
                continue
            except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError):
                return None
    return None


def try_newcomer(program: Path, path: Path, task, frame: pd.DataFrame, folder: Path) -> dict:
    is_text = task.is_class and not pd.api.types.is_numeric_dtype(frame[task.label])
    (folder / "newcomer.toml").write_text(newcomer(path, task, is_text))
    tuned = Ran(program, "tune", folder / "newcomer.toml", "--out", folder / "newcomer")
    row = {"newcomer": tuned.outcome, "newcomer_cpu": round(tuned.cpu, 3), "newcomer_error": tuned.error}
    if tuned.code == 0:
        predicted = Ran(program, "predict", folder / "newcomer/model.json", path, "--out", folder / "p.csv")
        row |= {"predict": predicted.outcome, "predict_error": predicted.error if predicted.code else ""}
    return row


def try_guide(program: Path, path: Path, task, frame: pd.DataFrame, folder: Path) -> dict:
    if not task.numbers and not task.texts:
        return {"guide": "no feature"}
    as_is = pd.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="replace", low_memory=False)
    as_is = as_is[list(frame.columns)] if list(as_is.columns) == list(frame.columns) else as_is.set_axis(frame.columns, axis=1)
    folds = np.random.default_rng(7).permutation(len(frame)) % FOLDS
    as_is[FOLD] = folds
    data = folder / "guide.csv"
    as_is.to_csv(data, index=False)
    read_back = as_pandas_reads(data)
    (folder / "guide.toml").write_text(as_the_guide_says(data, task))
    tuned = Ran(program, "tune", folder / "guide.toml", "--out", folder / "guide")
    row = {"guide": tuned.outcome, "guide_cpu": round(tuned.cpu, 3), "guide_error": tuned.error}
    for column in task.texts + ([task.label] if task.is_class else []):
        # Categories are compared by their spelling, as the configuration says.
        read_back[column] = as_is[column].where(read_back[column].notna())
    start = time.process_time()
    try:
        expected = sklearn_side.scores(read_back, task)
    except Exception as error:  # the other side's refusal is a result too
        return row | {"sklearn_error": f"{type(error).__name__}: {error}".split("\n")[0]}
    row["sklearn_cpu"] = round(time.process_time() - start, 3)
    if tuned.code == 0:
        result = json.loads((folder / "guide/results.json").read_text())
        ours = [float(fold["metric"]) for fold in result["candidates"][0]["folds"]]
        differences = [
            abs(a - b) / max(1.0, abs(b)) for a, b in zip(ours, expected) if b is not None and not np.isnan(a)
        ]
        row |= {"ours": ours, "theirs": expected, "difference": max(differences, default=None)}
        if row["difference"] is not None and row["difference"] > DIFFERENCE:
            row |= decided(read_back, task, ours, expected)
    return row


def decided(frame: pd.DataFrame, task, ours: list[float], theirs: list[float | None]) -> dict:
    """Who is at the optimum, on the folds on which the two differ."""
    at: list[float | None] = []
    verdicts = set()
    for fold, a, b in zip(sklearn_side.folds(frame, task), ours, theirs):
        is_near = lambda x, y: abs(x - y) <= DIFFERENCE * max(1.0, abs(y))
        if b is None or np.isnan(a) or is_near(a, b):
            at.append(None)
            continue
        exact = referee.score(fold, task.is_class)
        at.append(exact)
        if exact is None:
            verdicts.add("too large to decide")
        else:
            near = [name for name, value in (("luthier", a), ("scikit-learn", b)) if is_near(value, exact)]
            verdicts.add(near[0] if near else "neither")
    return {"optimum": at, "at_optimum": ", ".join(sorted(verdicts))}


def shape(message: str) -> str:
    """A message without the names and numbers of its table."""
    message = re.sub(r"`[^`]*`", "`…`", message)
    message = re.sub(r"/\S+", "FILE", message)
    return re.sub(r"-?\d[\d.e+-]*", "N", message)[:220]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="folder for tables.csv and summary.md [default: WORK/out]")
    parser.add_argument("--only", default="", help="tables whose path contains this")
    parser.add_argument("--every", type=int, default=1, help="one table in so many")
    options = parser.parse_args()
    out = options.out or options.work / "out"
    out.mkdir(parents=True, exist_ok=True)
    paths = [path for path in collect(options.work / "data") if options.only in str(path)][:: options.every]
    rows = []
    for number, path in enumerate(paths, 1):
        row = {"table": str(path.relative_to(options.work / "data"))}
        frame = read(path)
        task = None if frame is None else choose(frame)
        if task is None:
            row["newcomer"] = row["guide"] = "no task"
        else:
            with tempfile.TemporaryDirectory(dir=options.work) as folder:
                row |= {"label": task.label, "rows": len(frame), "columns": frame.shape[1]}
                row |= try_newcomer(options.program, path, task, frame, Path(folder))
                row |= try_guide(options.program, path, task, frame, Path(folder))
        rows.append(row)
        if sys.stderr.isatty() or number % 100 == 0:
            print(f"{number} of {len(paths)}: {row['table']}", file=sys.stderr)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    with open(out / "tables.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, keys)
        writer.writeheader()
        writer.writerows(rows)
    summary = report(rows)
    (out / "summary.md").write_text(summary)
    print(summary)


def report(rows: list[dict]) -> str:
    lines = ["# Luthier on real tables", "", f"{len(rows)} CSV files.", ""]
    for key in ("newcomer", "predict", "guide"):
        counts = Counter(row[key] for row in rows if key in row)
        lines.append(f"- {key}: " + ", ".join(f"{n} {what}" for what, n in counts.most_common()))
    compared = [row for row in rows if row.get("difference") is not None]
    apart = [row for row in compared if row["difference"] > DIFFERENCE]
    lines.append(f"- folds compared with scikit-learn: {len(compared)} tables, {len(apart)} differ by more than {DIFFERENCE}")
    slow = [
        row for row in rows
        if max(row.get("newcomer_cpu", 0), row.get("guide_cpu", 0)) > SECONDS > row.get("sklearn_cpu", SECONDS)
    ]
    ours, theirs = (sum(row.get(key, 0) for row in compared) for key in ("guide_cpu", "sklearn_cpu"))
    verdicts = Counter(row.get("at_optimum", "not decided") for row in apart)
    if verdicts:
        lines.append("- at the optimum where they differ: " + ", ".join(f"{who} {n}" for who, n in verdicts.most_common()))
    lines.append(f"- CPU of the compared searches: {ours:.1f} s, scikit-learn {theirs:.1f} s (without its start)")
    lines.append(f"- above {SECONDS} s CPU where scikit-learn is below: {len(slow)}")
    for title, chosen in (("Differences", apart), ("Slow", slow)):
        if chosen:
            lines += ["", f"## {title}", ""]
            lines += [
                f"- `{row['table']}` ({row['label']}): {row.get('ours')} against {row.get('theirs')}, "
                f"optimum {row.get('optimum')}: {row.get('at_optimum')}, "
                f"CPU {row.get('newcomer_cpu')}, {row.get('guide_cpu')}, scikit-learn {row.get('sklearn_cpu')}"
                for row in chosen
            ]
    for key in ("newcomer_error", "predict_error", "guide_error", "sklearn_error"):
        shapes = Counter(shape(row[key]) for row in rows if row.get(key))
        if shapes:
            lines += ["", f"## {key.replace('_', ' ')}", ""]
            for text, n in shapes.most_common():
                example = next(row["table"] for row in rows if row.get(key) and shape(row[key]) == text)
                lines.append(f"- {n} × {text} — such as `{example}`")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
