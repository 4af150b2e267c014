"""The close of the default world on DuckDB: all scripts and checks for both tenants, under 20 seconds of wall time.

The world is loaded and built by ``strata run`` once; then its last day is closed again and again, each run the
command itself. Beside it the translation alone, of every script for one tenant, that asks for less than 5 ms a
script at run time: of scripts that were never seen, and as each close finds them that is not the first of a text.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
from measurement import Run, figure, report, run_process
from prepared import FOLDER

from orchestration.contracts.source import find_sources
from orchestration.names import Table
from orchestration.quality.masking import known_contracts
from orchestration.quality.personal import personal_columns
from orchestration.scripts.cache import Cache, code_version
from orchestration.scripts.close.executing import Preparing
from orchestration.scripts.close.plan import Plan, read_plan
from orchestration.scripts.source import FOLDER as SCRIPTS
from orchestration.scripts.types import Columns
from orchestration.settings import load_settings

LIMIT_SECONDS = 20
LIMIT_MS = 5


def main() -> None:
    """Close the day, then translate its scripts without and with what is kept of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    home = chosen.folder / "close"
    strata = str(Path(sys.executable).with_name("strata"))
    environment = {"STRATA_HOME": str(home), "COLUMNS": "100"}
    shutil.rmtree(home, ignore_errors=True)
    run_process([strata, "run"], environment)
    closes = [run_process([strata, "close", "--reason", "measured"], environment) for _ in range(chosen.rounds)]
    plan = read_plan(load_settings().scripts_dir / SCRIPTS)
    lines = sum(item.script.text.count("\n") for item in plan.scripts)
    asked = f"{len(plan.scripts)} scripts, {sum(len(item.checks) for item in plan.scripts)} checks, 2 tenants"
    figures = [replace(figure("Close", "whole", lines, closes), note=f"{asked}; asked: {LIMIT_SECONDS} s of wall time")]
    with duckdb.connect(str(home / "warehouse" / "warehouse.duckdb"), read_only=True) as con:
        for name, runs in _translations(con, plan, home, chosen.rounds).items():
            own = figure("Close", name, lines, runs)
            each = own.cpu * 1000 / len(plan.scripts)
            figures.append(replace(own, note=f"{each:.1f} ms of CPU a script; asked: {LIMIT_MS}"))
    report(figures, chosen.out)


def _translations(con: duckdb.DuckDBPyConnection, plan: Plan, home: Path, rounds: int) -> dict[str, list[Run]]:
    code_version()  # read once by a process
    path = home / "measured.sqlite"
    found: dict[str, list[Run]] = {"translation, first": [], "translation, later": []}
    for _ in range(rounds):
        path.unlink(missing_ok=True)
        for runs in found.values():
            runs.append(_measured(con, plan, path))
    return found


def _measured(con: duckdb.DuckDBPyConnection, plan: Plan, path: Path) -> Run:
    contracts = known_contracts(find_sources(load_settings().sources_dir).values())
    preparing = Preparing(personal_columns(contracts), Cache(path))
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in _prepared(con, plan, preparing):
        pass
    return Run(time.process_time() - cpu, time.perf_counter() - wall, _peak_mb())


def _prepared(con: duckdb.DuckDBPyConnection, plan: Plan, preparing: Preparing) -> Iterator[object]:
    built: dict[Table, Columns] = {}
    for item in plan.scripts:
        prepared = preparing.prepared(con, item.script, built)
        built.update(prepared.translated.writes)
        yield prepared


def _peak_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
