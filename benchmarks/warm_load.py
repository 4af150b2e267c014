"""A load of ten rows: through the engine in a process that runs already, and by ``strata load`` from cold.

The limits are 0.3 s of wall time warm and 2 s cold, Python's start and all imports included.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import delta
import sales
from measurement import Run, contest, figure, report
from prepared import FOLDER, only

from orchestration.bronze.load import load_source

ROWS = 10
WARM_LIMIT, COLD_LIMIT = 0.3, 2.0


def warm(folder: Path, rounds: int) -> list[Run]:
    """Load ten rows again and again in this process; the first load is the warm-up."""
    source = sales.sales(sales.contract(), path=folder / "rows.parquet")
    runtime = sales.runtime(folder / "home", source)
    runs = []
    for number in range(rounds + 1):
        before, start = _cpu(), time.perf_counter()
        only(load_source(runtime, source, "daily" if number % 2 else "hourly", who="bench"))
        cpu, wall = _cpu() - before, time.perf_counter() - start
        runs.append(Run(cpu, wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
    return runs[1:]


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--cold", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    folder = chosen.folder / "warm"
    if chosen.cold:
        source = sales.sales(sales.contract(), path=folder / "rows.parquet")
        only(load_source(sales.runtime(folder / "home", source), source, "hourly", who="bench"))
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ.pop("STRATA_HOME", None)
    delta.make_files(folder, 400_000)
    _take_ten(folder)
    warm_runs = warm(folder, chosen.rounds)
    cold_runs = contest({"cold": [sys.executable, __file__, "--folder", str(chosen.folder), "--cold"]}, chosen.rounds)
    figures = [
        replace(figure("Load of 10 rows", "warm", ROWS, warm_runs), note=f"asked: {WARM_LIMIT} s of wall time"),
        replace(figure("Load of 10 rows", "cold", ROWS, cold_runs["cold"]), note=f"asked: {COLD_LIMIT} s of wall time"),
    ]
    report(figures, chosen.out)


def _take_ten(folder: Path) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    pq.write_table(pq.read_table(folder / "rows.parquet").slice(0, ROWS), folder / "rows.parquet")


if __name__ == "__main__":
    main()
