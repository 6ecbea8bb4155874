"""The table, as Markdown and JSON."""

import json
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from luthier import ROOT


@dataclass
class Row:
    """One demand and what was measured."""

    workload: str
    against: str
    demanded: float
    reached: float
    at_most: bool = False
    fastest: float | None = None
    """The ratio of the fastest runs, where medians are those of a busy machine."""
    counts: bool = True
    """Whether the condition for the ratio to count holds."""
    luthier_seconds: float | None = None
    peer_seconds: float | None = None
    single_fit_seconds: float | None = None
    sklearn_single_fit_seconds: float | None = None
    floor_seconds: float | None = None
    difference: float | None = None
    note: str = ""
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        reached = self.reached <= self.demanded if self.at_most else self.reached >= self.demanded
        return reached and self.counts


def machine() -> dict[str, str]:
    """What it ran on, and versions."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
    versions = {name: _version(name) for name in ("pyspark", "scikit-learn", "numpy", "pyarrow")}
    return {
        "processor": cpu,
        "threads": _output("nproc"),
        "memory": f"{kilobytes / 2**20:.0f} GiB",
        "system": platform.platform(terse=True),
        "rustc": _output("rustc", "--version"),
        "python": platform.python_version(),
        "luthier": _output("git", "describe", "--always", "--dirty"),
        **versions,
    }


def write(directory: Path, results: dict[str, Any]) -> None:
    """`results` holds `machine`, `floor` and, by name of a group, its rows as dictionaries."""
    (directory / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (directory / "results.md").write_text(_markdown(results))


def as_json(rows: list[Row]) -> list[dict[str, Any]]:
    return [asdict(row) | {"met": row.met} for row in rows]


def _markdown(results: dict[str, Any]) -> str:
    floor = results["floor"]
    lines = [
        "# Luthier beside its peers",
        "",
        "Written by `run.sh`; see [README](README.md). Seconds are medians of runs in alternation on data in memory.",
        "",
        " · ".join(f"{name} {value}" for name, value in results["machine"].items()),
        "",
        f"The machine in the same run: {floor['bytes_per_second'] / 1e9:.1f} GB/s read"
        f" ({floor['bytes_per_second_one_thread'] / 1e9:.1f} with one thread);"
        f" the symmetric product of {floor['rows']:,} × {floor['width']} takes {_seconds(floor['gram_seconds'])}"
        f" ({floor['flops'] / floor['gram_seconds'] / 1e9:.0f} GFLOP/s counted as 2nd²;"
        f" one thread {_seconds(floor['gram_seconds_one_thread'])}; numpy {_seconds(floor['numpy_gram_seconds'])}).",
        "",
        "| workload | against | demanded | reached | | by fastest runs | Luthier | peer | single fit: Luthier | scikit-learn | floor | answers differ by |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    notes = []
    for group in results["groups"].values():
        for row in group["rows"]:
            sign = "≤" if row["at_most"] else "≥"
            cells = [
                row["workload"],
                row["against"],
                f"{sign} {_ratio(row['demanded'])}",
                _ratio(row["reached"]),
                "yes" if row["met"] else "**no**",
                "" if row.get("fastest") is None else _ratio(row["fastest"]),
                *(
                    _seconds(row[f"{key}_seconds"])
                    for key in ("luthier", "peer", "single_fit", "sklearn_single_fit", "floor")
                ),
                "" if row["difference"] is None else f"{row['difference']:.0e}",
            ]
            if row["note"]:
                notes.append(f"- {row['workload']}, {row['against']}: {row['note']}")
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *notes]) + "\n"


def _ratio(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def _seconds(x: float | None) -> str:
    if x is None:
        return ""
    return f"{x:.3g} s" if x >= 1 else f"{x * 1e3:.3g} ms"


def _version(name: str) -> str:
    """The version of a package; Spark need not be there for the rows without it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False).stdout.strip()
