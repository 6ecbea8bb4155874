"""The processes that all rows use, and the machine's floor."""

import os
import sys
from pathlib import Path
from typing import Any

import data
from luthier import TARGET, Luthier, build
from measure import Samples, Side, alternate, compared, contenders, difference, fastest
from peer import Peer
from report import Row
from workloads import Workload

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("LUTHIER_PEERS_DATA", TARGET / "peers" / "data"))
# With this scikit-learn's models have six digits; its own defaults are what is timed.
TIGHT = {"tol": 1e-10, "max_iter": 100_000}


class Bench:
    """Luthier and scikit-learn with data in memory."""

    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.rounds = 1 if quick else 3
        DATA.mkdir(parents=True, exist_ok=True)
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
        """A process whose memory is its own."""
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
        """One side for each `n_jobs`, without those that are far behind."""
        ask = self.sklearn.ask
        return contenders(
            {f"{name}(n_jobs={n})": (lambda n=n: ask(action, name=workload.name, n_jobs=n), 1) for n in (1, 2)}
        )

    def against_sklearn(self, workload: Workload, demanded: float, **single: Any) -> tuple[Row, dict[str, Samples]]:
        """The row against the faster `GridSearchCV`, and all samples; `single` names the single fit."""
        self.load(workload, sklearn=True)
        one = workload.one(**single)
        values = {name: values[0] for name, values in one[0].items()}
        peers = self.sklearn_sides("search", workload, "GridSearchCV")
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
        reference = theirs.metrics
        if workload.shape == "lasso":
            reference = self.sklearn.ask("search", name=workload.name, n_jobs=2, **TIGHT)["metrics"]
        row = compared(
            workload.title,
            f"scikit-learn `{best}`",
            demanded,
            ours,
            theirs,
            samples,
            single_fit_seconds=samples["luthier single fit"].median(),
            sklearn_single_fit_seconds=samples["sklearn single fit"].median(),
            floor_seconds=self.floor_of(workload),
            difference=difference(ours.metrics, reference),
            note=ours.parts(),
        )
        return row, samples

    def against_itself(self, workload: Workload, samples: dict[str, Samples], demanded: float, refit: bool) -> Row:
        """The search in units of its own single fit."""
        fits = [samples["luthier single fit"]]
        if workload.hold_out:
            fits.append(samples["luthier one candidate"].without_refit())
        single = min(fits, key=Samples.median)
        sklearn = samples["sklearn single fit"].median()
        floors, share = single.median() / self.floor_of(workload), single.median() / sklearn
        counts = floors <= 2.0 and share <= 1.0
        return compared(
            workload.title,
            f"its own single fit, {'with' if refit else 'without'} the refit",
            demanded,
            samples["luthier"] if refit else samples["luthier"].without_refit(),
            single,
            {},
            at_most=True,
            counts=counts,
            single_fit_seconds=single.median(),
            sklearn_single_fit_seconds=sklearn,
            floor_seconds=self.floor_of(workload),
            note=f"{'' if counts else 'does not count: '}the single fit takes {floors:.2f} floors"
            f" and {share:.2f} of scikit-learn's",
        )
