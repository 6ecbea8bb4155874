"""Doubles columns, rows and stages, takes ten times as many candidates, and shows what each step costs."""

import argparse
import os
import random
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

LABEL = '[data]\npath = "d.csv"\nlabel = "y"\n'


def stage(name: str, kind: str, *params: str) -> str:
    return "\n".join([f'[[stage]]\nname = "{name}"\ntype = "{kind}"', *params]) + "\n"


def names(prefix: str, count: int) -> str:
    return "[" + ", ".join(f'"{prefix}{i}"' for i in range(count)) + "]"


def numbers(folder: Path, rows: int, columns: int, text: bool = False, gaps: bool = False) -> None:
    """`d.csv`: columns x0, x1, … and the label y, which is 0 or 1."""
    draw = random.Random(rows * 31 + columns)
    cell = (lambda: f"c{draw.randrange(4)}") if text else (lambda: f"{draw.gauss(0, 1):.3f}")
    with open(folder / "d.csv", "w") as file:
        file.write(",".join(f"x{i}" for i in range(columns)) + ",y\n")
        for _ in range(rows):
            cells = ["" if gaps and draw.random() < 0.05 else cell() for _ in range(columns)]
            file.write(",".join(cells) + f",{draw.randrange(2)}\n")


# The last stages look at one column, so that what is measured is the stage in front of them.
ONE = stage("one", "vector_slicer", 'input_col = "wide"', "indices = [0]", 'output_col = "one"')
REGRESSION = stage("lr", "linear_regression", 'features_col = "one"')


def of_vector(kind: str, *params: str) -> str:
    wide = stage("wide", kind, 'input_col = "features"', 'output_col = "wide"', *params)
    return LABEL + 'features = ["x*"]\n' + wide + ONE + REGRESSION


def of_columns(kind: str, columns: int) -> str:
    first = 'input_cols = ["x*"]', f'output_cols = {names("o", columns)}'
    one = stage("one", "vector_assembler", 'input_cols = ["o0"]', 'output_col = "one"')
    return LABEL + "features = []\n" + stage("wide", kind, *first) + one + REGRESSION


def one_hot(columns: int) -> str:
    index = stage("index", "string_indexer", 'input_cols = ["x*"]', f'output_cols = {names("i", columns)}')
    encode = f'input_cols = {names("i", columns)}', f'output_cols = {names("o", columns)}'
    one = stage("one", "vector_assembler", 'input_cols = ["o0"]', 'output_col = "one"')
    return LABEL + "features = []\n" + index + stage("encode", "one_hot_encoder", *encode) + one + REGRESSION


def column_transformer(_: int) -> str:
    return (
        LABEL + 'features = []\n[[stage]]\nname = "wide"\ntype = "column_transformer"\noutput_col = "wide"\n'
        '[[stage.part]]\nname = "n"\ncolumns = ["x*"]\n[[stage.part.stage]]\nname = "fill"\ntype = "imputer"\n'
        '[[stage.part.stage]]\nname = "scale"\ntype = "standard_scaler"\n' + ONE + REGRESSION
    )


def model(kind: str, *params: str) -> str:
    return LABEL + 'features = ["x*"]\n' + stage("lr", kind, *params)


def filled(columns: int) -> str:
    fill = stage("fill", "imputer", 'input_cols = ["x*"]', f'output_cols = {names("o", columns)}')
    wide = stage("wide", "vector_assembler", 'input_cols = ["o*"]', 'output_col = "wide"')
    return LABEL + "features = []\n" + fill + wide + stage("lr", "linear_regression", 'features_col = "wide"', "reg_param = 0.1")


def chain(kind: str, length: int) -> str:
    text, before = LABEL + 'features = ["x*"]\n', "features"
    for i in range(length):
        text += stage(f"s{i}", kind, f'input_col = "{before}"', f'output_col = "v{i}"')
        before = f"v{i}"
    return text + stage("lr", "linear_regression", f'features_col = "{before}"', "reg_param = 0.1")


def searched(text: str, candidates: int = 2) -> str:
    values = ", ".join(f"{i / 1000}" for i in range(1, candidates + 1))
    return f'{text}[grid]\n"lr.reg_param" = [{values}]\n[search]\nmethod = "cross_validator"\nnum_folds = 3\n'


PCA = stage("pca", "pca", "k = 2", 'output_col = "one"')
Table = tuple[str, list[int], Callable[[Path, int], None], Callable[[int], str], str]


def tables(most: int, most_stages: int) -> list[Table]:
    """Name, sizes, data of a size, configuration of a size, and the command."""
    wide = [most >> shift for shift in (4, 3, 2, 1, 0)]
    data = lambda folder, columns: numbers(folder, 100, columns)
    gaps = lambda folder, columns: numbers(folder, 100, columns, gaps=True)
    texts = lambda folder, columns: numbers(folder, 100, columns, text=True)
    found: list[Table] = [
        ("columns: read", wide, data, lambda p: LABEL + 'features = ["x0"]\n' + stage("lr", "linear_regression"), "fit"),
        ("columns: imputer", wide, gaps, lambda p: of_columns("imputer", p), "fit"),
        ("columns: string_indexer", wide, texts, lambda p: of_columns("string_indexer", p), "fit"),
        ("columns: one_hot_encoder", wide, texts, one_hot, "fit"),
    ]
    scalers = ["standard_scaler", "min_max_scaler", "max_abs_scaler", "robust_scaler", "normalizer"]
    found += [(f"columns: {kind}", wide, data, lambda p, kind=kind: of_vector(kind), "fit") for kind in scalers]
    found += [
        ("columns: column_transformer", wide, gaps, column_transformer, "fit"),
        ("columns: column_transformer, tune", wide, gaps, lambda p: searched(column_transformer(p)), "tune"),
        ("columns: pca", wide, data, lambda p: LABEL + 'features = ["x*"]\n' + PCA + REGRESSION, "fit"),
        ("columns: linear_regression", wide, data, lambda p: model("linear_regression"), "fit"),
        ("columns: ridge", wide, data, lambda p: model("linear_regression", "reg_param = 0.1"), "fit"),
        ("columns: imputer, ridge, tune", wide, gaps, lambda p: searched(filled(p)), "tune"),
        ("columns: logistic_regression", wide, data, lambda p: model("logistic_regression", "reg_param = 0.1"), "fit"),
    ]
    lengths = [most_stages >> shift for shift in (3, 2, 1, 0)]
    few = lambda folder, _: numbers(folder, 400, 10)
    for kind in ("min_max_scaler", "standard_scaler", "normalizer", "robust_scaler"):
        found.append((f"stages: {kind}, tune", lengths, few, lambda n, kind=kind: searched(chain(kind, n)), "tune"))
    broad = lambda folder, _: numbers(folder, 200, 500)
    found.append(
        ("stages: standard_scaler of 500, fit", [n // 4 for n in lengths], broad, lambda n: chain("standard_scaler", n), "fit")
    )
    rows = [25_000, 50_000, 100_000, 200_000]
    tall = lambda folder, n: numbers(folder, n, 10)
    tall_texts = lambda folder, n: numbers(folder, n, 10, text=True)
    found += [
        ("rows: linear_regression, tune", rows, tall, lambda n: searched(model("linear_regression")), "tune"),
        ("rows: logistic_regression", rows, tall, lambda n: model("logistic_regression", "reg_param = 0.1"), "fit"),
        ("rows: one_hot_encoder", rows, tall_texts, lambda n: one_hot(10), "fit"),
    ]
    many = [1_000, 10_000, 100_000]
    found += [
        ("candidates: explain", many, few, lambda n: searched(model("linear_regression"), n), "explain"),
        ("candidates: tune", many, few, lambda n: searched(model("linear_regression"), n), "tune"),
    ]
    return found


def cost(program: Path, folder: Path, command: str) -> tuple[float, float, str]:
    """CPU seconds, the largest resident set in megabytes, and what went wrong."""
    config = folder / "c.toml"
    args = {
        "fit": ["fit", config, "--model", folder / "m.json"],
        "tune": ["tune", config, "--out", folder / "out"],
        "explain": ["tune", config, "--explain"],
    }[command]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([program, *args], stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        failure = "" if process.returncode == 0 else errors.read().strip()[-300:]
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, failure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--only", default="", help="tables whose name contains this")
    parser.add_argument("--columns", type=int, default=20_000, help="the most columns [default: 20000]")
    parser.add_argument("--stages", type=int, default=1_000, help="the most stages [default: 1000]")
    parser.add_argument("--repeats", type=int, default=2, help="runs, the fastest of which counts [default: 2]")
    options = parser.parse_args()
    print("| grows | sizes | CPU seconds | factors | peak MB |\n|---|---|---|---|---|")
    for name, sizes, data, config, command in tables(options.columns, options.stages):
        if options.only not in name:
            continue
        seconds, peaks, failure = [], [], ""
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                data(Path(folder), size)
                (Path(folder) / "c.toml").write_text(config(size))
                runs = [cost(options.program, Path(folder), command) for _ in range(options.repeats)]
            failure = failure or next((text for *_, text in runs if text), "")
            seconds.append(min(time for time, *_ in runs))
            peaks.append(min(peak for _, peak, _ in runs))
        factors = [later / max(before, 1e-3) for before, later in zip(seconds, seconds[1:])]
        shown = lambda values, digits: " / ".join(f"{value:.{digits}f}" for value in values)
        cells = [name, " / ".join(map(str, sizes)), shown(seconds, 2), shown(factors, 1), shown(peaks, 0)]
        print(f"| {' | '.join(cells)} |{failure}", flush=True)


if __name__ == "__main__":
    main()
