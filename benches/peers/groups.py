"""The rows of the table, in groups: who runs against whom. Those of classifiers are in `classifiers.py`."""

import sys
from collections.abc import Callable
from dataclasses import replace

import classifiers
import data
import rounds
import workloads as w
from bench import DATA, HERE, TIGHT, Bench
from measure import alternate, compared, contenders, difference, fastest
from peer import Peer
from report import Row
from workloads import Workload


def spark(bench: Bench) -> list[Row]:
    """On the rows that Spark's own split holds out."""
    workload = replace(w.SCENE, name="scene_spark")
    path = data.generate(DATA, workload)
    fold_path = DATA / "scene_spark.split.npy"
    with Peer([sys.executable, str(HERE / "spark.py")]) as peer:
        peer.ask("load", name=workload.name, path=str(path), grid=workload.grids[0], fold_path=str(fold_path))
        data.generate(DATA, workload, data.np.load(fold_path))
        bench.luthier.load(workload)

        def search(parallelism: int) -> tuple[Callable[[], dict], int]:
            return lambda: peer.ask("search", name=workload.name, parallelism=parallelism), 1

        peers = contenders({f"parallelism={n}": search(n) for n in (1, 2)})
        samples = alternate({"luthier": (lambda: bench.luthier.search(workload), 7), **peers}, bench.rounds)
    best = fastest(samples, peers)
    ours, theirs = samples["luthier"], samples[best]
    row = compared(
        workload.title,
        f"Spark, warm, {best}",
        1000,
        ours,
        theirs,
        samples,
        floor_seconds=bench.floor_of(workload),
        difference=difference(ours.metrics, theirs.metrics),
        note=ours.parts(),
    )
    return [row]


def scene(bench: Bench) -> list[Row]:
    row, samples = bench.against_sklearn(w.SCENE, 20, pca__k=75)
    return [
        row,
        bench.against_itself(w.SCENE, samples, 1.5, refit=False),
        bench.against_itself(w.SCENE, samples, 2.0, refit=True),
    ]


def scene_large(bench: Bench) -> list[Row]:
    return [bench.against_sklearn(w.SCENE_LARGE, 300, pca__k=75)[0]]


def ridge_15(bench: Bench) -> list[Row]:
    return [bench.against_sklearn(w.RIDGE_15, 500)[0]]


def ridge_100(bench: Bench) -> list[Row]:
    row, samples = bench.against_sklearn(w.RIDGE_100, 250)
    return [row, bench.against_itself(w.RIDGE_100, samples, 1.5, refit=False)]


def lasso(bench: Bench) -> list[Row]:
    note = f"answers are compared with those of tol={TIGHT['tol']:g}; times are those of scikit-learn's default"
    grid_search, _ = bench.against_sklearn(w.LASSO, 100)
    grid_search.note += f"; {note}"
    peers = bench.sklearn_sides("lasso_cv", w.LASSO, "LassoCV")
    samples = alternate({"luthier": (lambda: bench.luthier.search(w.LASSO), 3), **peers}, 3 * bench.rounds)
    best = fastest(samples, peers)
    ours, theirs = samples["luthier"], samples[best]
    reference = bench.sklearn.ask("lasso_cv", name=w.LASSO.name, n_jobs=2, **TIGHT)
    path = compared(
        w.LASSO.title,
        f"scikit-learn `{best}`",
        3,
        ours,
        theirs,
        samples,
        floor_seconds=bench.floor_of(w.LASSO),
        difference=difference(ours.metrics, reference["metrics"]),
        note=note,
    )
    return [grid_search, path]


def lima(bench: Bench) -> list[Row]:
    """Sharing off is measured on one subset of the columns: 90 of the 900 fits."""
    bench.load(w.LIMA)
    part = [grid | {"assembler.input_cols": grid["assembler.input_cols"][:1]} for grid in w.LIMA.grids]
    alone = {"executor": "serial", "parallelism": 1, "threads": 1}
    sides = {
        "luthier": (lambda: bench.luthier.search(w.LIMA), 3),
        "luthier, one thread": (lambda: bench.luthier.search(w.LIMA, **alone), 1),
        "sharing off, 90 fits, one thread": (lambda: bench.luthier.search(w.LIMA, part, sharing_off=True, **alone), 1),
    }
    samples = alternate(sides, bench.rounds)
    ours, off = samples["luthier"], samples["sharing off, 90 fits, one thread"]
    scale = w.LIMA.candidates / 90
    row = compared(
        w.LIMA.title,
        "sharing off, one thread",
        50,
        ours,
        off.without_refit().timed(lambda answer: scale * answer["seconds"]),
        samples,
        floor_seconds=bench.floor_of(w.LIMA),
        difference=difference(bench.luthier.search(w.LIMA, part)["metrics"], off.metrics),
        note=f"sharing off: {off.without_refit().median():.3g} s measured for one subset's 90 fits, times {scale:.0f};"
        f" with sharing on one thread {samples['luthier, one thread'].median():.3g} s; {ours.parts()}",
    )
    return [row]


def thousand_folds(bench: Bench) -> list[Row]:
    workload, few = w.RIDGE_1000_FOLDS, replace(w.RIDGE_100, grids=w.RIDGE_1000_FOLDS.grids)
    bench.load(workload)
    data.generate(DATA, few)

    def parts() -> dict:
        moments = bench.luthier.ask("moments", name=workload.name)["seconds"]
        factorise = bench.luthier.ask("factorise", count=workload.folds, width=workload.features)["seconds"]
        return {"seconds": moments + factorise}

    samples = alternate({"luthier": (lambda: bench.luthier.search(workload), 3), "parts": (parts, 3)}, bench.rounds)
    ours = samples["luthier"]
    time = compared(
        workload.title,
        "one moments pass + 1,000 eigendecompositions on all threads",
        1.5,
        ours,
        samples["parts"],
        samples,
        at_most=True,
        floor_seconds=bench.floor_of(workload),
        note=ours.parts(),
    )
    peaks = {one.name: peak_bytes(bench, one) for one in (workload, few)}
    memory = Row(
        workload.title,
        "peak memory of the same search in 5 folds",
        2.5,
        peaks[workload.name] / peaks[few.name],
        at_most=True,
        note=f"{peaks[workload.name] / 1e6:.0f} MB and {peaks[few.name] / 1e6:.0f} MB, each in a process of its own",
    )
    return [time, memory]


def peak_bytes(bench: Bench, workload: Workload, scan: bool = False) -> int:
    """The largest resident set of a process that loads and searches once."""
    with bench.fresh() as peer:
        peer.load(workload, scan=scan)
        peer.search(workload)
        return peer.ask("memory")["peak_bytes"]


def moments(bench: Bench) -> list[Row]:
    bench.load(w.RIDGE_100)
    sides = {
        "luthier": (lambda: bench.luthier.ask("moments", name=w.RIDGE_100.name), 1),
        "floor": (lambda: bench.luthier.ask("gram", name=w.RIDGE_100.name), 1),
    }
    samples = alternate(sides, 7 if bench.quick else 25)
    floor = "faer's triangular product on row blocks, all threads"
    ours, theirs = samples["luthier"], samples["floor"]
    return [compared("moments of 100,000 × 100", floor, 1.3, ours, theirs, samples, at_most=True)]


def memory(bench: Bench) -> list[Row]:
    workload = w.RIDGE_100
    data.generate(DATA, workload)
    size = workload.rows * (workload.features + 1) * 8
    rows = []
    for scan, how in [(False, "in memory"), (True, "scanned")]:
        peak = peak_bytes(bench, workload, scan)
        rows.append(
            Row(
                f"peak memory of ridge 100,000 × 100, 30 × 5, from Parquet {how}",
                "size of the data",
                1.4,
                peak / size,
                at_most=True,
                note=f"{peak / 1e6:.0f} MB for {size / 1e6:.0f} MB",
            )
        )
    return rows


def streamed(bench: Bench) -> list[Row]:
    workload = w.STREAMED
    path = data.generate(DATA, workload)

    def search() -> dict:
        with bench.fresh() as peer:
            peer.load(workload, scan=True)
            return peer.search(workload) | peer.ask("memory")

    def read() -> dict:
        with bench.fresh() as peer:
            return peer.ask("read", path=str(path))

    # The first run brings the file into the page cache.
    read()
    samples = alternate({"luthier": (search, 1), "read": (read, 1)}, bench.rounds)
    ours = samples["luthier"]
    return [
        Row(workload.title, "peak memory in MB", 400, max(ours.of("peak_bytes")) / 1e6, at_most=True),
        compared(
            workload.title,
            "reading the file with the same reader, row groups in parallel",
            1.5,
            ours,
            samples["read"],
            samples,
            at_most=True,
            floor_seconds=bench.floor_of(workload),
            note=ours.parts(),
        ),
    ]


def spin(bench: Bench) -> list[Row]:
    workload = w.SPIN
    bench.load(workload)
    fits = workload.candidates * workload.folds
    sides = {
        "luthier": (lambda: bench.luthier.search(workload), 1),
        "ideal": (lambda: bench.luthier.ask("ideal", fits=fits, millis=w.FIT_MILLIS), 1),
    }
    samples = alternate(sides, 5 if bench.quick else 15)
    ours = samples["luthier"].without_refit()
    note = "the ideal spins as many fits on all threads in the same run"
    ideal = "the ideal schedule, without the refit"
    return [compared(workload.title, ideal, 0.93, ours, samples["ideal"], samples, note=note)]


def auto(bench: Bench) -> list[Row]:
    """`Parallelism::Auto` against 1 to 4."""
    small = [{"pca.k": [10, 25], "lr.reg_param": w.PENALTIES[:2]}]
    cases: list[tuple[str, Workload, list[w.Grid] | None, bool]] = [
        (workload.title, workload, None, False)
        for workload in (w.SCENE, w.SCENE_LARGE, w.RIDGE_15, w.LASSO, w.LIMA, w.RIDGE_1000_FOLDS, w.SPIN)
    ]
    cases.append(("10,000 × 100, PCA × LR 2 × 2, sharing off", w.SCENE, small, True))
    rows = []

    def search(case: tuple[str, Workload, list[w.Grid] | None, bool], parallelism: int | str) -> dict:
        _, workload, grids, sharing_off = case
        return bench.luthier.search(workload, grids, parallelism=parallelism, sharing_off=sharing_off)

    for case in cases:
        title, workload, *_ = case
        bench.load(workload)
        sides = {str(n): (lambda n=n: search(case, n), 1) for n in (1, 2, 3, 4, "auto")}
        samples = alternate(sides, 5 if bench.quick else 21)
        best = fastest(samples, "1234")
        fixed = samples[best]
        against = f"the best fixed number ({best})"
        demanded = 1.05 if fixed.median() >= 0.2 else 1.15
        title = f"`Parallelism::Auto`: {title}"
        rows.append(compared(title, against, demanded, samples["auto"], fixed, samples, at_most=True))
    return rows


def agreement(bench: Bench) -> list[Row]:
    """Sharing on against off. Off is slow: of large workloads it takes the first candidate or two."""
    rows = []
    for workload, candidates in [
        (w.SCENE, None), (w.SCENE_LARGE, 2), (w.RIDGE_15, 2), (w.RIDGE_100, 2), (w.LASSO, 20),
        (w.LIMA, 6), (w.RIDGE_1000_FOLDS, 1), (w.STREAMED, 1), (w.SPIN, None),
    ]:  # fmt: skip
        grids = None
        if candidates:
            penalties = workload.grids[0]["lr.reg_param"]
            some = penalties[:: len(penalties) // candidates][:candidates]
            grids = [workload.one()[0] | {"lr.reg_param": some}]
        data.generate(DATA, workload)
        bench.luthier.load(workload, scan=workload is w.STREAMED)
        on = bench.luthier.search(workload, grids)
        off = bench.luthier.search(workload, grids, sharing_off=True)
        rows.append(
            Row(
                f"sharing on and off: {workload.title}",
                "largest relative difference of the metrics",
                1e-9,
                difference(on["metrics"], off["metrics"]),
                at_most=True,
                luthier_seconds=on["seconds"],
                peer_seconds=off["seconds"],
                note=f"{len(on['metrics'])} of {workload.candidates} candidates",
            )
        )
    return rows


GROUPS: dict[str, Callable[[Bench], list[Row]]] = {
    f.__name__: f
    for f in (
        spark, scene, scene_large, ridge_15, ridge_100, lasso, lima,
        thousand_folds, moments, memory, streamed, spin, auto, agreement,
        rounds.nested, rounds.repeated, rounds.rolling,
        classifiers.logistic, classifiers.logistic_spark, classifiers.auc, classifiers.onehot,
    )
}  # fmt: skip
