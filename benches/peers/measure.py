"""Runs sides in alternation, and compares their answers."""

from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import numpy as np

from peer import Answer

Side = Callable[[], Answer]
# What takes longer has no need to warm up.
LONG_SECONDS = 5.0


class Samples:
    """Answers of one side, in the order in which they came."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def of(self, key: str = "seconds") -> list[float]:
        return [answer[key] for answer in self.answers]

    def seconds(self) -> float:
        return median(self.of())

    def without_refit(self) -> float:
        return median(answer["seconds"] - answer["refit_seconds"] for answer in self.answers)

    @property
    def last(self) -> Answer:
        return self.answers[-1]


def contenders(sides: dict[str, tuple[Side, int]]) -> dict[str, tuple[Side, int]]:
    """The sides that a first run cannot rule out as the fastest."""
    seconds = {name: side()["seconds"] for name, (side, _) in sides.items()}
    return {name: side for name, side in sides.items() if seconds[name] <= 2.0 * min(seconds.values())}


def fastest(samples: dict[str, Samples], among: Iterable[str]) -> str:
    return min(among, key=lambda name: samples[name].seconds())


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


def difference(ours: Any, theirs: Any) -> float:
    """The largest relative difference of two tables of metrics."""
    a, b = np.array(ours, dtype=float), np.array(theirs, dtype=float)
    if a.shape != b.shape:
        raise ValueError(f"metrics of shape {a.shape} and {b.shape} cannot be compared")
    worst = np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-300))
    return float(worst) if np.isfinite(worst) else float("inf")
