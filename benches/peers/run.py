"""Runs every workload beside its peers and writes the table. Start it by `run.sh`."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

import data
import report
import workloads as w
from luthier import TARGET, Luthier, build
from measure import Side, alternate, contenders, difference, fastest
from peer import Peer
from report import Row
from workloads import Workload

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("LUTHIER_PEERS_DATA", TARGET / "peers" / "data"))
TOLERANCE = 1e-6
# Fits of scikit-learn's lasso that its answers are checked with; its own default is timed.
TIGHT = 1e-10


class Bench:
    """What all groups use: Luthier and scikit-learn with data in memory, and the machine's floor."""

    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.rounds = 1 if quick else 3
        self.program = build()
        self.luthier = Luthier(self.program, DATA)
        self.sklearn = Peer([sys.executable, str(HERE / "sklearn_side.py")])
        self.floor = self._measure_floor()

    def _measure_floor(self) -> dict[str, float]:
        rows, width = 100_000, 100
        numpy = self.sklearn.ask("gram", rows=rows, width=width)["seconds"]
        floor = self.luthier.ask("floor", rows=rows, width=width)
        return {**floor, "rows": rows, "width": width, "numpy_gram_seconds": numpy}

    def floor_of(self, workload: Workload) -> float:
        """Seconds to read the data once and multiply them with themselves."""
        n, d, floor = workload.rows, workload.features, self.floor
        product = 2.0 * n * d * d / floor["flops"] * floor["gram_seconds"]
        return n * (d + 1) * 8 / floor["bytes_per_second"] + product

    def fresh(self) -> Luthier:
        return Luthier(self.program, DATA)

    def load(self, workload: Workload, sklearn: bool = False) -> None:
        data.generate(DATA, workload)
        self.luthier.load(workload)
        if sklearn:
            self.sklearn.ask(
                "load",
                name=workload.name,
                shape=workload.shape,
                directory=str(DATA),
                grid=workload.grids[0],
                hold_out=workload.hold_out,
            )

    def sklearn_sides(self, action: str, workload: Workload, name: str) -> dict[str, tuple[Side, int]]:
        ask = self.sklearn.ask
        return {f"{name}(n_jobs={n})": (lambda n=n: ask(action, name=workload.name, n_jobs=n), 1) for n in (1, 2)}

    def against_sklearn(self, workload: Workload, demanded: float, **single: Any) -> tuple[Row, dict[str, Any]]:
        """The row against the faster `GridSearchCV`, and all samples."""
        self.load(workload, sklearn=True)
        one = workload.one(**single)
        values = {name: values[0] for name, values in one[0].items()}
        peers = contenders(self.sklearn_sides("search", workload, "GridSearchCV"))
        sides = {
            "luthier": (lambda: self.luthier.search(workload), 7),
            "luthier one candidate": (lambda: self.luthier.search(workload, one), 5),
            "luthier single fit": (lambda: self.luthier.single_fit(workload, one), 5),
            "sklearn single fit": (lambda: self.sklearn.ask("single_fit", name=workload.name, values=values), 5),
            **peers,
        }
        samples = alternate(sides, self.rounds)
        best = fastest(samples, peers)
        ours, theirs = samples["luthier"], samples[best]
        if workload.shape == "lasso":
            reference = self.sklearn.ask("search", name=workload.name, n_jobs=2, tol=TIGHT)
        else:
            reference = theirs.last
        row = Row(
            workload.title,
            f"scikit-learn `{best}`",
            demanded,
            theirs.seconds() / ours.seconds(),
            luthier_seconds=ours.seconds(),
            peer_seconds=theirs.seconds(),
            single_fit_seconds=samples["luthier single fit"].seconds(),
            sklearn_single_fit_seconds=samples["sklearn single fit"].seconds(),
            floor_seconds=self.floor_of(workload),
            difference=difference(ours.last["metrics"], reference["metrics"]),
            samples={name: side.of() for name, side in samples.items()},
        )
        return checked(row), samples

    def against_itself(self, workload: Workload, samples: dict[str, Any], demands: dict[str, float]) -> list[Row]:
        """The search in units of its own single fit, `without the refit` and `with the refit`."""
        single = samples["luthier single fit"].seconds()
        if workload.hold_out:
            single = min(single, samples["luthier one candidate"].without_refit())
        floor, sklearn = self.floor_of(workload), samples["sklearn single fit"].seconds()
        counts = single <= min(sklearn, 2.0 * floor)
        seconds = {"without the refit": samples["luthier"].without_refit(), "with the refit": samples["luthier"].seconds()}
        parts = ", ".join(
            f"{part} {1e3 * median(samples['luthier'].of(f'{part}_seconds')):.3g} ms" for part in ("summarise", "unit", "refit")
        )
        return [
            Row(
                workload.title,
                f"its own single fit, {which}",
                demanded,
                seconds[which] / single,
                at_most=True,
                luthier_seconds=seconds[which],
                peer_seconds=single,
                single_fit_seconds=single,
                sklearn_single_fit_seconds=sklearn,
                floor_seconds=floor,
                note=("" if counts else "does not count: ")
                + f"the single fit is {single / floor:.2f} floors and {single / sklearn:.2f} of scikit-learn's;"
                f" in the search {parts} (units added up)",
            )
            for which, demanded in demands.items()
        ]


def checked(row: Row) -> Row:
    """A row whose answers differ has reached nothing."""
    if row.difference is not None and row.difference > TOLERANCE:
        row.note = f"answers differ, so the ratio of {row.reached:.3g} does not count. {row.note}"
        row.reached = 0.0
    return row


def scene(bench: Bench) -> list[Row]:
    row, samples = bench.against_sklearn(w.SCENE, 20, pca__k=75)
    return [row, *bench.against_itself(w.SCENE, samples, {"without the refit": 1.5, "with the refit": 2.0})]


def spark(bench: Bench) -> list[Row]:
    """On the rows that Spark's own split holds out."""
    workload = replace(w.SCENE, name="scene_spark")
    path = data.generate(DATA, workload)
    fold_path = DATA / "scene_spark.split.npy"
    with Peer([sys.executable, str(HERE / "spark.py")]) as peer:
        peer.ask("load", name=workload.name, path=str(path), grid=workload.grids[0], fold_path=str(fold_path))
        data.generate(DATA, workload, data.np.load(fold_path))
        bench.luthier.load(workload)
        peers = contenders(
            {
                f"parallelism={n}": (lambda n=n: peer.ask("search", name=workload.name, parallelism=n), 1)
                for n in (1, 2)
            }
        )
        samples = alternate({"luthier": (lambda: bench.luthier.search(workload), 7), **peers}, bench.rounds)
    best = fastest(samples, peers)
    ours, theirs = samples["luthier"], samples[best]
    row = Row(
        workload.title,
        f"Spark, warm, {best}",
        1000,
        theirs.seconds() / ours.seconds(),
        luthier_seconds=ours.seconds(),
        peer_seconds=theirs.seconds(),
        floor_seconds=bench.floor_of(workload),
        difference=difference(ours.last["metrics"], theirs.last["metrics"]),
        samples={name: side.of() for name, side in samples.items()},
    )
    return [checked(row)]


def scene_large(bench: Bench) -> list[Row]:
    return [bench.against_sklearn(w.SCENE_LARGE, 300, pca__k=75)[0]]


def ridge_15(bench: Bench) -> list[Row]:
    return [bench.against_sklearn(w.RIDGE_15, 500)[0]]


def ridge_100(bench: Bench) -> list[Row]:
    row, samples = bench.against_sklearn(w.RIDGE_100, 250)
    return [row, *bench.against_itself(w.RIDGE_100, samples, {"without the refit": 1.5})]


def lasso(bench: Bench) -> list[Row]:
    grid_search, _ = bench.against_sklearn(w.LASSO, 100)
    note = f"answers are compared with those of tol={TIGHT:g}; times are those of scikit-learn's default"
    grid_search.note = f"{grid_search.note}{note}"
    peers = contenders(bench.sklearn_sides("lasso_cv", w.LASSO, "LassoCV"))
    samples = alternate({"luthier": (lambda: bench.luthier.search(w.LASSO), 3), **peers}, 3 * bench.rounds)
    best = fastest(samples, peers)
    ours, theirs = samples["luthier"], samples[best]
    reference = bench.sklearn.ask("lasso_cv", name=w.LASSO.name, n_jobs=2, tol=TIGHT)
    path = Row(
        w.LASSO.title,
        f"scikit-learn `{best}`",
        3,
        theirs.seconds() / ours.seconds(),
        luthier_seconds=ours.seconds(),
        peer_seconds=theirs.seconds(),
        floor_seconds=bench.floor_of(w.LASSO),
        difference=difference(ours.last["metrics"], reference["metrics"]),
        note=note,
        samples={name: side.of() for name, side in samples.items()},
    )
    return [grid_search, checked(path)]


def lima(bench: Bench) -> list[Row]:
    """Sharing off is measured on one subset of the columns: 90 of the 900 fits."""
    bench.load(w.LIMA)
    part = [grid | {"assembler.input_cols": grid["assembler.input_cols"][:1]} for grid in w.LIMA.grids]
    alone = {"executor": "serial", "parallelism": 1, "threads": 1, "sharing_off": True}
    sides = {
        "luthier": (lambda: bench.luthier.search(w.LIMA), 3),
        "luthier, one thread": (lambda: bench.luthier.search(w.LIMA, executor="serial", parallelism=1, threads=1), 1),
        "sharing off, 90 fits, one thread": (lambda: bench.luthier.search(w.LIMA, part, **alone), 1),
    }
    samples = alternate(sides, bench.rounds)
    ours, off = samples["luthier"], samples["sharing off, 90 fits, one thread"]
    scale = w.LIMA.candidates / 90
    together = bench.luthier.search(w.LIMA, part)
    row = Row(
        w.LIMA.title,
        "sharing off, one thread",
        50,
        scale * off.without_refit() / ours.seconds(),
        luthier_seconds=ours.seconds(),
        peer_seconds=scale * off.without_refit(),
        floor_seconds=bench.floor_of(w.LIMA),
        difference=difference(together["metrics"], off.last["metrics"]),
        note=f"sharing off: {off.without_refit():.3g} s measured for one subset's 90 fits, times {scale:.0f};"
        f" with sharing on one thread {samples['luthier, one thread'].seconds():.3g} s",
        samples={name: side.of() for name, side in samples.items()},
    )
    return [checked(row)]


def thousand_folds(bench: Bench) -> list[Row]:
    workload, few = w.RIDGE_1000_FOLDS, replace(w.RIDGE_100, grids=w.RIDGE_1000_FOLDS.grids)
    bench.load(workload)
    data.generate(DATA, few)
    sides = {
        "luthier": (lambda: bench.luthier.search(workload), 3),
        "moments": (lambda: bench.luthier.ask("moments", name=workload.name), 5),
        "factorisations": (lambda: bench.luthier.ask("factorise", count=workload.folds, width=workload.features), 3),
    }
    samples = alternate(sides, bench.rounds)
    ours = samples["luthier"].seconds()
    parts = samples["moments"].seconds() + samples["factorisations"].seconds()
    peaks = {}
    for one in (workload, few):
        with bench.fresh() as peer:
            peer.load(one)
            peer.search(one)
            peaks[one.name] = peer.ask("memory")["peak_bytes"]
    return [
        Row(
            workload.title,
            "one moments pass + 1,000 eigendecompositions on all threads",
            1.5,
            ours / parts,
            at_most=True,
            luthier_seconds=ours,
            peer_seconds=parts,
            floor_seconds=bench.floor_of(workload),
            note=f"moments {samples['moments'].seconds():.3g} s,"
            f" factorisations {samples['factorisations'].seconds():.3g} s",
            samples={name: side.of() for name, side in samples.items()},
        ),
        Row(
            workload.title,
            "peak memory of the same search in 5 folds",
            2.5,
            peaks[workload.name] / peaks[few.name],
            at_most=True,
            note=f"{peaks[workload.name] / 1e6:.0f} MB and {peaks[few.name] / 1e6:.0f} MB, each in a process of its own",
        ),
    ]


def moments(bench: Bench) -> list[Row]:
    workload = w.RIDGE_100
    bench.load(workload)
    sides = {
        "luthier": (lambda: bench.luthier.ask("moments", name=workload.name), 1),
        "floor": (lambda: bench.luthier.ask("gram", name=workload.name), 1),
    }
    samples = alternate(sides, 7 if bench.quick else 25)
    ours, floor = samples["luthier"].seconds(), samples["floor"].seconds()
    return [
        Row(
            "moments of 100,000 × 100",
            "faer's triangular product on row blocks, all threads",
            1.3,
            ours / floor,
            at_most=True,
            luthier_seconds=ours,
            peer_seconds=floor,
            floor_seconds=floor,
            samples={name: side.of() for name, side in samples.items()},
        )
    ]


def memory(bench: Bench) -> list[Row]:
    workload, rows = w.RIDGE_100, []
    data.generate(DATA, workload)
    size = workload.rows * (workload.features + 1) * 8
    for scan in (False, True):
        with bench.fresh() as peer:
            peer.load(workload, scan=scan)
            peer.search(workload)
            peak = peer.ask("memory")["peak_bytes"]
        rows.append(
            Row(
                "peak memory of ridge 100,000 × 100, 30 × 5, from Parquet " + ("scanned" if scan else "in memory"),
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
    peaks, search_seconds, read_seconds = [], [], []
    for _ in range(bench.rounds + 1):
        with bench.fresh() as peer:
            peer.load(workload, scan=True)
            search_seconds.append(peer.search(workload)["seconds"])
            peaks.append(peer.ask("memory")["peak_bytes"])
        with bench.fresh() as peer:
            read_seconds.append(peer.ask("read", path=str(path))["seconds"])
    # The first brings the file into the page cache.
    ours, read = median(search_seconds[1:]), median(read_seconds[1:])
    return [
        Row(workload.title, "peak memory in MB", 400, max(peaks) / 1e6, at_most=True),
        Row(
            workload.title,
            "reading the file with the same reader, row groups in parallel",
            1.5,
            ours / read,
            at_most=True,
            luthier_seconds=ours,
            peer_seconds=read,
            floor_seconds=bench.floor_of(workload),
            samples={"luthier": search_seconds, "read": read_seconds},
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
    ours, ideal = samples["luthier"].without_refit(), samples["ideal"].seconds()
    return [
        Row(
            workload.title,
            "the ideal schedule, without the refit",
            0.93,
            ideal / ours,
            luthier_seconds=ours,
            peer_seconds=ideal,
            note="the ideal spins as many fits on all threads in the same run",
            samples={"ideal": samples["ideal"].of(), "luthier with refit": samples["luthier"].of()},
        )
    ]


def auto(bench: Bench) -> list[Row]:
    """`Parallelism::Auto` against 1 to 4."""
    small = [{"pca.k": [10, 25], "lr.reg_param": w.PENALTIES[:2]}]
    cases: list[tuple[str, Workload, list[w.Grid] | None, bool]] = [
        (workload.title, workload, None, False)
        for workload in (w.SCENE, w.SCENE_LARGE, w.RIDGE_15, w.LASSO, w.LIMA, w.RIDGE_1000_FOLDS, w.SPIN)
    ]
    cases.append(("10,000 × 100, PCA × LR 2 × 2, sharing off", w.SCENE, small, True))
    rows = []
    for title, workload, grids, sharing_off in cases:
        bench.load(workload)
        sides = {
            str(n): (
                lambda n=n: bench.luthier.search(workload, grids, parallelism=n, sharing_off=sharing_off),
                1,
            )
            for n in (1, 2, 3, 4, "auto")
        }
        samples = alternate(sides, 5 if bench.quick else 21)
        best = min("1234", key=lambda n: samples[n].seconds())
        ours, fixed = samples["auto"].seconds(), samples[best].seconds()
        rows.append(
            Row(
                f"`Parallelism::Auto`: {title}",
                f"the best fixed number ({best})",
                1.05 if fixed >= 0.2 else 1.15,
                ours / fixed,
                at_most=True,
                luthier_seconds=ours,
                peer_seconds=fixed,
                samples={name: side.of() for name, side in samples.items()},
            )
        )
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
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round instead of three")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="groups of rows to run")
    parser.add_argument("--out", type=Path, default=HERE, help="where results.md and results.json are written")
    options = parser.parse_args()
    DATA.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.quick)
    path = options.out / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {"groups": {}}
    results |= {"machine": report.machine(), "floor": bench.floor}
    for name in GROUPS:
        if name not in options.only:
            continue
        start, load = time.perf_counter(), os.getloadavg()[0]
        rows = GROUPS[name](bench)
        results["groups"][name] = {
            "rows": report.as_json(rows),
            "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "took_seconds": time.perf_counter() - start,
            "load_before": load,
            "luthier": results["machine"]["luthier"],
            "quick": options.quick,
        }
        results["groups"] = {key: results["groups"][key] for key in GROUPS if key in results["groups"]}
        report.write(options.out, results)
        for row in rows:
            print(f"{row.workload} | {row.against} | demanded {row.demanded:g} | reached {row.reached:.4g} | {row.note}", flush=True)


if __name__ == "__main__":
    main()
