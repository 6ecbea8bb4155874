"""Runs every workload beside its peers and writes the table. Start it by `run.sh`."""

import argparse
import json
import os
import time
from datetime import datetime, timezone
from pathlib import Path

import report
from bench import HERE, Bench
from groups import GROUPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round instead of three")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="groups of rows to run")
    parser.add_argument("--out", type=Path, default=HERE, help="where results.md and results.json are written")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
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
