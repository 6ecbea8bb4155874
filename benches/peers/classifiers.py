"""The rows of classifiers."""

import sys

import data
import workloads as w
from bench import DATA, HERE, TIGHT, Bench
from measure import OBJECTIVE_TOLERANCE, Samples, alternate, compared, contenders, difference, fastest, no_worse
from peer import Answer, Peer
from report import Row

SOLVERS = ("lbfgs", "newton-cholesky", "newton-cg", "sag", "saga")
# What has the digits that answers are compared to.
EXACT = TIGHT | {"solver": "newton-cholesky"}
# Every so many-th candidate where a few will do.
SOME = 7
MEMORY_MEGABYTES = 2_000


def logistic(bench: Bench) -> list[Row]:
    """One fit with scikit-learn's best solver, then searches with one of its two best."""
    workload = w.LOGISTIC
    bench.load(workload, sklearn=True)
    ask, name, penalties = bench.sklearn.ask, workload.name, workload.grids[0]["lr.reg_param"]
    models = bench.luthier.ask("models", name=name)["models"]
    rows, seconds = [], dict.fromkeys(SOLVERS, 0.0)
    for place in (0, len(penalties) // 2):
        value = penalties[place]
        one = workload.one(lr__reg_param=value)

        def fit(solver: str, threads: int, value: float = value) -> Answer:
            answer = ask("single_fit", name=name, values={"lr.reg_param": value}, solver=solver, threads=threads)
            return answer | {"seconds": answer["fit_seconds"]}

        def our_fit(one: list[w.Grid] = one) -> Answer:
            answer = bench.luthier.single_fit(workload, one)
            return answer | {"seconds": answer["fit_seconds"]}

        for solver in SOLVERS:
            seconds[solver] += min(fit(solver, threads)["seconds"] for threads in (1, 2))
        # On a machine that is not idle the second thread of BLAS may cost more than it brings.
        peers = contenders(
            {
                f"{solver}, BLAS threads={n}": (lambda solver=solver, n=n: fit(solver, n), 2)
                for solver in SOLVERS
                for n in (1, 2)
            }
        )
        samples = alternate({"luthier": (our_fit, 5), **peers}, bench.rounds)
        best = fastest(samples, peers)
        exact = ask("single_fit", name=name, values={"lr.reg_param": value}, **EXACT)
        row = compared(
            f"one logistic fit 80,000 × 100, reg_param {value:.3g}",
            f"scikit-learn `LogisticRegression({best})`",
            1,
            samples["luthier"],
            samples[best],
            samples,
            single_fit_seconds=samples["luthier"].median(),
            sklearn_single_fit_seconds=samples[best].median(),
            floor_seconds=bench.floor_of(workload),
            difference=abs(samples["luthier"].answers[-1]["metric"] / exact["metric"] - 1.0),
        )
        found = ask("objectives", name=name, penalties=[value], models=[models[place]], solver=best.split(",")[0])
        rows.append(no_worse(row, found["ours"], found["theirs"]))

    # All answers are compared with scikit-learn's best digits; in a quick run those of a few candidates.
    every = SOME if bench.quick else 1
    reference = ask("search", name=name, n_jobs=2, every=every, **EXACT)["metrics"]
    two_best = sorted(SOLVERS, key=seconds.__getitem__)[:2]
    for action, title, demanded in [("search", "GridSearchCV", 8), ("logistic_cv", "LogisticRegressionCV", 3)]:

        def search(solver: str, n_jobs: int, every: int = 1, action: str = action) -> Answer:
            return ask(action, name=name, n_jobs=n_jobs, solver=solver, every=every)

        # A few candidates tell which way is the fastest.
        ways = {(solver, n): search(solver, n, SOME)["seconds"] for solver in two_best for n in (1, 2)}
        solver, n_jobs = min(ways, key=ways.__getitem__)
        sides = {
            "luthier": (lambda: bench.luthier.search(workload), 3),
            title: (lambda solver=solver, n_jobs=n_jobs, search=search: search(solver, n_jobs), 1),
        }
        samples = alternate(sides, bench.rounds)
        ours = samples["luthier"]
        row = compared(
            workload.title,
            f"scikit-learn `{title}({solver}, n_jobs={n_jobs})`",
            demanded,
            ours,
            samples[title],
            samples,
            floor_seconds=bench.floor_of(workload),
            difference=difference(ours.metrics[::every], reference),
            note=f"{ours.parts()}; areas are compared with those of tol={TIGHT['tol']:g}",
        )
        found = ask("objectives", name=name, penalties=penalties, models=models, solver=solver)
        rows.append(no_worse(row, found["ours"], found["theirs"]))
    return rows


def logistic_spark(bench: Bench) -> list[Row]:
    workload = w.LOGISTIC
    bench.load(workload)
    penalties = workload.grids[0]["lr.reg_param"]
    with Peer([sys.executable, str(HERE / "spark.py")]) as peer:
        peer.ask("load_logistic", name=workload.name, path=str(data.parquet_path(DATA, workload)))

        def search(values: list[float] = penalties, **settings: float) -> Answer:
            return peer.ask("cross_validate", name=workload.name, penalties=values, parallelism=2, **settings)

        # It warms up on two of the penalties, and these with a tighter tolerance are what areas are compared with.
        ends = [penalties[0], penalties[-1]]
        exact = search(ends, tol=1e-12, max_iter=1000)["metrics"]
        theirs = Samples([search() for _ in range(1 if bench.quick else 2)])
        samples = alternate({"luthier": (lambda: bench.luthier.search(workload), 7)}, bench.rounds)
    ours = samples["luthier"]
    means = [sum(ours.metrics[place]) / workload.folds for place in (0, -1)]
    row = compared(
        workload.title,
        "Spark, warm, parallelism=2",
        20,
        ours,
        theirs,
        samples | {"spark": theirs},
        floor_seconds=bench.floor_of(workload),
        difference=difference(means, exact),
        note=f"{ours.parts()}; mean areas of the smallest and the largest penalty are compared, with Spark's of tol=1e-12",
    )
    return [row]


def auc(bench: Bench) -> list[Row]:
    path = data.generate_scores(DATA)
    bench.luthier.ask("load", name="scores", shape="logistic", path=str(path), grids=[])
    bench.sklearn.ask("load_scores", directory=str(DATA))
    rows = []
    for weighted in (False, True):
        sides = {
            "luthier": (lambda: bench.luthier.ask("area", name="scores", weighted=weighted), 5),
            "roc_auc_score": (lambda: bench.sklearn.ask("area", weighted=weighted), 5),
        }
        samples = alternate(sides, bench.rounds)
        ours, theirs = samples["luthier"], samples["roc_auc_score"]
        rows.append(
            compared(
                f"area under the roc of {w.SCORES:,} scores{', weighted' if weighted else ''}",
                "scikit-learn `roc_auc_score`",
                1,
                ours,
                theirs,
                samples,
                difference=abs(ours.answers[-1]["metric"] / theirs.answers[-1]["metric"] - 1.0),
            )
        )
    return rows


def onehot(bench: Bench) -> list[Row]:
    """Each side reads the file every time."""
    categories = w.CATEGORIES
    path = str(data.generate_categories(DATA, categories))
    title = (
        f"{categories.rows:,} rows, {categories.columns} columns of {categories.levels:,} categories:"
        " CSV, one-hot, logistic regression"
    )

    def ours(peer: Peer) -> Answer:
        return peer.ask("categorical", path=path, reg_param=categories.reg_param)

    def theirs(solver: str, tol: float, engine: str = "c", threads: int = 1) -> Answer:
        settings = {"solver": solver, "tol": tol, "max_iter": 1_000, "engine": engine, "threads": threads}
        return bench.sklearn.ask("categorical", path=path, reg_param=categories.reg_param, **settings)

    # The loosest tolerance that comes to the same objective: the default's is far above.
    least = theirs("newton-cg", TIGHT["tol"])["objective"]
    default = theirs("lbfgs", 1e-4)
    tolerances = {}
    for solver in ("lbfgs", "newton-cg"):
        for exponent in range(4, 11):
            tolerances[solver] = 10.0**-exponent
            if theirs(solver, tolerances[solver])["objective"] <= least * (1.0 + OBJECTIVE_TOLERANCE):
                break
    peers = contenders(
        {
            f"{solver}, tol={tol:g}, {engine}, BLAS threads={n}": (
                lambda way=(solver, tol, engine, n): theirs(*way),
                2,
            )
            for solver, tol in tolerances.items()
            for engine in ("c", "pyarrow")
            for n in (1, 2)
        }
    )
    samples = alternate({"luthier": (lambda: ours(bench.luthier), 2), **peers}, bench.rounds)
    best = fastest(samples, peers)
    model, peer = samples["luthier"].answers[-1], samples[best].answers[-1]
    found = bench.sklearn.ask(
        "categorical_objective",
        coefficients=model["coefficients"],
        intercept=model["intercept"],
        reg_param=categories.reg_param,
    )
    time = compared(
        title,
        f"pandas and scikit-learn's sparse pipeline ({best})",
        1,
        samples["luthier"],
        samples[best],
        samples,
        note=f"reading takes {1e3 * model['read_seconds']:.3g} ms, the peer's {1e3 * peer['read_seconds']:.3g} ms;"
        f" lbfgs of tol=1e-4 takes {1e3 * default['seconds']:.3g} ms to an objective"
        f" {default['objective'] / least - 1.0:.1e} above the least",
    )
    with bench.fresh() as process:
        ours(process)
        peak = process.ask("memory")["peak_bytes"] / 1e6
    memory = Row(title, "peak memory in MB", MEMORY_MEGABYTES, peak, at_most=True)
    return [no_worse(time, [found["objective"]], [peer["objective"]]), memory]
