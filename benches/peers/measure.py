"""Runs sides in alternation, and compares their times and answers."""

from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import numpy as np

from peer import Answer
from report import Row

Side = Callable[[], Answer]
# What takes longer has no need to warm up.
LONG_SECONDS = 5.0
# Relative difference up to which metrics are the same.
TOLERANCE = 1e-6
# Relative difference up to which objectives are the same.
OBJECTIVE_TOLERANCE = 1e-8


class Samples:
    """Answers of one side, in the order in which they came."""

    def __init__(self, answers: list[Answer] | None = None) -> None:
        self.answers = answers or []

    def of(self, key: str = "seconds") -> list[float]:
        return [answer[key] for answer in self.answers]

    def median(self) -> float:
        return median(self.of())

    def fastest(self) -> float:
        return min(self.of())

    def timed(self, seconds: Callable[[Answer], float]) -> "Samples":
        """The same answers with other seconds."""
        return Samples([answer | {"seconds": seconds(answer)} for answer in self.answers])

    def without_refit(self) -> "Samples":
        return self.timed(lambda answer: answer["seconds"] - answer["refit_seconds"])

    def parts(self) -> str:
        """Where the time of Luthier's searches goes."""
        names = {"outside": "checks and plans", "summarise": "summaries", "unit": "units, added up", "refit": "refit"}
        return ", ".join(f"{name} {1e3 * median(self.of(f'{key}_seconds')):.3g} ms" for key, name in names.items())

    @property
    def metrics(self) -> Any:
        return self.answers[-1]["metrics"]


def contenders(sides: dict[str, tuple[Side, int]]) -> dict[str, tuple[Side, int]]:
    """The sides that a first run cannot rule out as the fastest."""
    seconds = {name: side()["seconds"] for name, (side, _) in sides.items()}
    return {name: side for name, side in sides.items() if seconds[name] <= 2.0 * min(seconds.values())}


def fastest(samples: dict[str, Samples], among: Iterable[str]) -> str:
    return min(among, key=lambda name: samples[name].median())


def alternate(sides: dict[str, tuple[Side, int]], rounds: int) -> dict[str, Samples]:
    """Each round runs every side as often as it says. First runs warm up; those of long ones count."""
    samples = {name: Samples() for name in sides}
    for name, (side, _) in sides.items():
        first = side()
        if first["seconds"] >= LONG_SECONDS:
            samples[name].answers.append(first)
    order = list(sides.items())
    for round in range(rounds):
        # Nobody always runs behind the same neighbour.
        start = round % len(order)
        for name, (side, times) in order[start:] + order[:start]:
            missing = rounds * times - len(samples[name].answers)
            samples[name].answers.extend(side() for _ in range(min(times, missing)))
    return samples


def compared(
    workload: str,
    against: str,
    demanded: float,
    ours: Samples,
    theirs: Samples,
    samples: dict[str, Samples],
    at_most: bool = False,
    **fields: Any,
) -> Row:
    """The row of a ratio: theirs over ours, or ours over theirs where it must not exceed a number."""

    def ratio(ours: float, theirs: float) -> float:
        return ours / theirs if at_most else theirs / ours

    row = Row(
        workload,
        against,
        demanded,
        ratio(ours.median(), theirs.median()),
        at_most,
        fastest=ratio(ours.fastest(), theirs.fastest()),
        luthier_seconds=ours.median(),
        peer_seconds=theirs.median(),
        samples={name: side.of() for name, side in samples.items()},
        **fields,
    )
    if row.difference is not None and row.difference > TOLERANCE:
        row.note = f"answers differ, so the ratio of {row.reached:.3g} does not count; {row.note}"
        row.reached = 0.0
    return row


def no_worse(row: Row, ours: Iterable[float], theirs: Iterable[float]) -> Row:
    """The row, which does not count if an objective of ours lies above theirs."""
    above = max((a - b) / abs(b) for a, b in zip(ours, theirs, strict=True))
    row.note = f"{row.note}; objectives lie at most {above:.1e} (relative) above the peer's".removeprefix("; ")
    if not above <= OBJECTIVE_TOLERANCE:
        row.note = f"an objective is worse, so the ratio of {row.reached:.3g} does not count; {row.note}"
        row.reached = 0.0
    return row


def difference(ours: Any, theirs: Any) -> float:
    """The largest relative difference of two tables of metrics."""
    a, b = np.array(ours, dtype=float), np.array(theirs, dtype=float)
    if a.shape != b.shape:
        raise ValueError(f"metrics of shape {a.shape} and {b.shape} cannot be compared")
    worst = np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-300))
    return float(worst) if np.isfinite(worst) else float("inf")
