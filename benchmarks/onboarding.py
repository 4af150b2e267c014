"""A tenant taken on board by one command, the 10th and the 1,000th: a process each, two simulated sources.

The servers of the simulated sources run already, as real ones would. The 1,000th comes to an
installation whose control plane and ledger hold tenants that were loaded before. The two take
turns, so that a machine that drifts does so for both.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from dataclasses import replace
from pathlib import Path

from measurement import Figure, Run, figure, report, run_process
from prepared import FOLDER

from orchestration import simulators
from orchestration.contracts.extraction import Connection
from orchestration.control import changes, tables
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import load_settings

LIMIT, LIMIT_SECONDS = 1.5, 30
SOURCES = ("product", "salesforce")
STRATA = str(Path(sys.executable).with_name("strata"))


def main() -> None:
    """Measure at both sizes, in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    places = {
        size: _prepare(chosen.folder / f"onboarding{size}", size - chosen.rounds) for size in (10, chosen.tenants)
    }
    runs: dict[int, list[Run]] = {size: [] for size in places}
    for number in range(chosen.rounds):
        for size, runtime in places.items():
            runs[size].append(_add(runtime, f"bench{number}"))
    report(_figures(runs[10], runs[chosen.tenants], chosen.tenants), chosen.out)
    simulators.release()


def _prepare(home: Path, tenants: int) -> Runtime:
    """Make an installation with so many tenants: one that was taken on board, and others like it."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    nobody = home / "nobody.yaml"
    nobody.write_text("tenants: {}\n", encoding="utf-8")
    runtime = open_runtime(load_settings(home=home, tenants_file=nobody))
    for source in SOURCES:
        simulators.resolve(Connection("warm", source, simulated=True), runtime.settings)
    _add(runtime, "model")
    _fill(runtime, tenants - len(open_runtime(runtime.settings).tenants))
    return runtime


def _add(runtime: Runtime, name: str) -> Run:
    connections = [text for source in SOURCES for text in ("--connection", f"{source}=simulated")]
    environment = {
        "STRATA_HOME": str(runtime.settings.home),
        "STRATA_TENANTS_FILE": str(runtime.settings.tenants_file),
    }
    return run_process([STRATA, "tenant", "add", name, *connections], environment)


def _fill(runtime: Runtime, number: int) -> None:
    with runtime.control.transaction("benchmark") as connection:
        for position in range(number):
            key = {"tenant_id": f"filled{position:04}"}
            changes.insert(connection, tables.tenant, {**key, "title": "Filled", "state": "active"})
            for source in SOURCES:
                place = {"source": source, "instance": "main", "simulated": True}
                changes.insert(connection, tables.connection, {**key, **place})
    with runtime.warehouse.session("fill the ledger") as session:
        (last,) = session.execute("SELECT max(seq) FROM strata.load_ledger")[0]
        session.execute(
            "INSERT INTO strata.load_ledger BY NAME SELECT l.* REPLACE (l.load_id || n AS load_id, "
            f"printf('filled%04d', n) AS tenant_id, {last} + row_number() OVER () AS seq) "
            f"FROM strata.load_ledger l, range({number}) r(n) WHERE l.tenant_id = 'model'"
        )


def _figures(early: list[Run], late: list[Run], tenants: int) -> list[Figure]:
    tenth = figure("Onboarding", "10th tenant", 10, early, note=f"asked: {LIMIT_SECONDS} s")
    last = figure("Onboarding", f"{tenants:,}th tenant", tenants, late, peer="the 10th", limit=LIMIT)
    wall = statistics.median(run.wall for run in late) / statistics.median(run.wall for run in early)
    return [tenth, replace(last, ratio=round(last.cpu / tenth.cpu, 2), note=f"wall {wall:.2f} x")]


if __name__ == "__main__":
    main()
