"""The rows of other rounds than those of one cross-validation: nested, repeated, rolling."""

from typing import Any

import workloads as w
from bench import Bench
from measure import Samples, alternate, compared, difference
from peer import Answer
from report import Row

WORKLOAD = w.ROUNDS
INITIAL = 10_000
# Where a full run of scikit-learn takes minutes, so many rounds stand for all.
MEASURED = 6


def nested(bench: Bench) -> list[Row]:
    """10 outer folds, 9 inner ones each. scikit-learn's loop is measured on one outer fold."""
    bench.load(WORKLOAD, sklearn=True)
    folds = WORKLOAD.folds
    sides = {
        "luthier": (lambda: bench.luthier.search(WORKLOAD, nested=True), 5),
        "luthier, not nested": (lambda: bench.luthier.search(WORKLOAD), 5),
    }
    samples = alternate(sides, bench.rounds)
    ours, plain = samples["luthier"], samples["luthier, not nested"]
    one = fastest_of([bench.sklearn.ask("nested", name=WORKLOAD.name, outer=0, n_jobs=n) for n in (1, 2)])
    theirs = Samples([one]).timed(lambda answer: folds * answer["seconds"])
    title = f"nested {folds} × {folds - 1} folds, {WORKLOAD.title}"
    _, chosen, metric = ours.answers[-1]["procedure"][0]
    against_sklearn = compared(
        title,
        "scikit-learn's nested loop",
        1000,
        ours,
        theirs,
        samples,
        difference=difference([[chosen, metric]], theirs.metrics),
        note=f"scikit-learn: {one['seconds']:.3g} s measured for one of {folds} outer folds, times {folds}; {ours.parts()}",
    )
    against_plain = compared(
        title, "Luthier's own search with 10 folds", 2, ours, plain, samples, at_most=True, note=f"the latter: {plain.parts()}"
    )
    return [against_sklearn, against_plain]


def repeated(bench: Bench) -> list[Row]:
    """200 times 10 folds. The demand of 1.5 s is for a machine that takes 20 ms for one time."""
    bench.load(WORKLOAD, sklearn=True)
    scheme = {"repeated_k_fold": {"folds": 10, "repeats": 200}}
    told = spread(2000)
    sides = {
        "luthier": (lambda: bench.luthier.search(WORKLOAD, scheme=scheme, told=told), 1),
        "luthier, one time": (lambda: bench.luthier.search(WORKLOAD), 5),
    }
    samples = alternate(sides, bench.rounds)
    ours, plain = samples["luthier"], samples["luthier, one time"]
    title = f"200 repeats of 10 folds, {WORKLOAD.title}"
    note = f"demanded are 1.5 s where one time takes 20 ms; {ours.parts()}"
    theirs = measured(bench, scheme, told)
    return [
        compared(title, "Luthier's own search with 10 folds", 75, ours, plain, samples, at_most=True, note=note),
        scaled(title, 1000, ours, theirs, samples, 2000),
    ]


def rolling(bench: Bench) -> list[Row]:
    """Ridge by origin: 90 of them against scikit-learn, 10,000 against 90."""
    bench.load(WORKLOAD, sklearn=True)
    schemes = {count: rolling_origin(count) for count in (90, 10_000)}
    told = {count: spread(count) for count in schemes}

    def search(count: int) -> Answer:
        return bench.luthier.search(WORKLOAD, scheme=schemes[count], told=told[count])

    sides = {"90 origins": (lambda: search(90), 5), "10,000 origins": (lambda: search(10_000), 1)}
    samples = alternate(sides, bench.rounds)
    few, many = samples["90 origins"], samples["10,000 origins"]
    title = f"90 rolling origins, {WORKLOAD.title}"
    many_title = f"10,000 rolling origins, {WORKLOAD.title}"
    growth = compared(
        many_title, "90 rolling origins, times 111", 1.0, many, few.timed(lambda a: a["seconds"] * 10_000 / 90), samples,
        at_most=True, note=many.parts(),
    )  # fmt: skip
    return [
        scaled(title, 1000, few, measured(bench, schemes[90], told[90]), samples, 90),
        growth,
        scaled(many_title, 1000, many, measured(bench, schemes[10_000], told[10_000]), samples, 10_000),
    ]


def rolling_origin(count: int) -> dict[str, Any]:
    return {"rolling_origin": {"initial": INITIAL, "horizon": (WORKLOAD.rows - INITIAL) // count}}


def spread(count: int) -> list[int]:
    """The middle rounds of equal stretches: their mean training rows are those of all."""
    return [round((place + 0.5) * count / MEASURED - 0.5) for place in range(MEASURED)]


def measured(bench: Bench, scheme: dict[str, Any], told: list[int]) -> Answer:
    """scikit-learn on some rounds."""
    rows = [bench.luthier.round(WORKLOAD, scheme, round) for round in told]
    splits = [{name: row[name] for name in ("train", "validate")} for row in rows]
    return fastest_of([bench.sklearn.ask("rounds", name=WORKLOAD.name, splits=splits, n_jobs=n) for n in (1, 2)])


def fastest_of(answers: list[Answer]) -> Answer:
    return min(answers, key=lambda answer: answer["seconds"])


def scaled(title: str, demanded: float, ours: Samples, some: Answer, samples: dict[str, Samples], rounds: int) -> Row:
    """Against scikit-learn, as measured on some of the rounds."""
    return compared(
        title,
        "scikit-learn's `GridSearchCV` over the same rounds",
        demanded,
        ours,
        Samples([some]).timed(lambda answer: answer["seconds"] * rounds / MEASURED),
        samples,
        difference=difference(ours.metrics, some["metrics"]),
        note=f"scikit-learn: {some['seconds']:.3g} s measured for {MEASURED} of {rounds:,} rounds, times {rounds / MEASURED:.4g}"
        f"; {ours.parts()}",
    )
