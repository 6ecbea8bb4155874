"""Luthier's side: builds the release program and starts it."""

import os
import subprocess
from pathlib import Path
from typing import Any

import data
from peer import Answer, Peer
from workloads import Workload

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def build() -> Path:
    subprocess.run(["cargo", "build", "--release", "--locked", "--workspace", "--bin", "luthier-bench"], cwd=ROOT, check=True)
    return TARGET / "release" / "luthier-bench"


class Luthier(Peer):
    """A process of the release program."""

    def __init__(self, program: Path, directory: Path) -> None:
        super().__init__([str(program)])
        self._directory = directory

    def load(self, workload: Workload, scan: bool = False) -> Answer:
        return self.ask(
            "load",
            name=workload.name,
            shape=workload.shape,
            path=str(data.parquet_path(self._directory, workload)),
            grids=workload.grids,
            hold_out=workload.hold_out,
            scan=scan,
        )

    def search(self, workload: Workload, grids: list[dict[str, Any]] | None = None, **options: Any) -> Answer:
        return self.ask("search", name=workload.name, grids=grids, options=options)

    def round(self, workload: Workload, scheme: dict[str, Any], round: int) -> Answer:
        """The training and validation rows of a round."""
        return self.ask("round", name=workload.name, scheme=scheme, round=round)

    def single_fit(self, workload: Workload, grids: list[dict[str, Any]] | None = None) -> Answer:
        return self.ask("single_fit", name=workload.name, grids=grids)
