"""An hourly run in which nothing changed, as a schedule launches it: a process of Dagster's own, from its start on.

The source systems are the simulated ones, at the default size; their servers run already, as
real ones would, and are not counted. The limit is 8 CPU seconds in all for each source.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from measurement import contest, figure, report
from prepared import FOLDER

from orchestration import simulators
from orchestration.bronze.load import load_source
from orchestration.definitions.main_job import prepare_dagster_home
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import load_settings

LIMIT_CPU_SECONDS = 8


def main() -> None:
    """Load everything once, then run each source's hourly job again and again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    home = chosen.folder / "idle"
    shutil.rmtree(home, ignore_errors=True)
    os.environ["STRATA_HOME"] = str(home)
    prepare_dagster_home(load_settings())
    runtime = open_runtime()
    rows = {source: _load(runtime, source) for source in runtime.sources}
    runs = contest({source: _hourly_job(source) for source in rows}, chosen.rounds)
    asked = f"asked: {LIMIT_CPU_SECONDS} CPU s"
    figures = [figure("Idle hourly run", source, rows[source], runs[source]) for source in rows]
    report([replace(item, note=asked) for item in figures], chosen.out)
    simulators.release()


def _load(runtime: Runtime, source: str) -> int:
    """Load a source from its simulator, which this process keeps running."""
    results = load_source(runtime, runtime.sources[source], "daily", who="bench")
    failed = [result.message for result in results if result.status != "loaded"]
    if failed:
        raise SystemExit(f"{source}: {failed[0]}")
    return sum(result.extracted for result in results)


def _hourly_job(source: str) -> list[str]:
    dagster = Path(sys.executable).with_name("dagster")
    return [str(dagster), "job", "execute", "-m", f"source_systems.{source}.definitions", "-j", f"{source}_hourly"]


if __name__ == "__main__":
    main()
