"""A tenant taken on board by one command, the 10th and the 1,000th: a process each, two simulated sources.

The servers of the simulated sources run already, as real ones would. For the 1,000th the
control plane and the ledger are filled with tenants that were loaded before.
"""

from __future__ import annotations

import argparse
import os
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
from orchestration.tenancy.onboarding import onboard
from orchestration.tenancy.wish import Wish

LIMIT, LIMIT_SECONDS = 1.5, 30
SOURCES = ("product", "salesforce")


def main() -> None:
    """Measure at both sizes, in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    home = chosen.folder / "onboarding"
    shutil.rmtree(home, ignore_errors=True)
    os.environ |= {"STRATA_HOME": str(home), "STRATA_TENANTS_FILE": str(home / "none.yaml")}
    runtime = open_runtime()
    for source in SOURCES:
        simulators.resolve(Connection("warm", source, simulated=True), runtime.settings)
    early = _measure(9 - chosen.rounds, chosen.rounds + 1)
    _fill(runtime, chosen.tenants - chosen.rounds - len(open_runtime().tenants))
    late = _measure(chosen.tenants - chosen.rounds, chosen.rounds)
    report(_figures(early[1:], late, chosen.tenants), chosen.out)
    simulators.release()


def _measure(first: int, rounds: int) -> list[Run]:
    connections = [text for source in SOURCES for text in ("--connection", f"{source}=simulated")]
    strata = str(Path(sys.executable).with_name("strata"))
    return [
        run_process([strata, "tenant", "add", f"bench{number:04}", *connections])
        for number in range(first, first + rounds)
    ]


def _fill(runtime: Runtime, number: int) -> None:
    """Register tenants as if each had been taken on board: the first for real, the others like it."""
    onboard(runtime.settings, Wish("model", "Model", None, (), first_load=False))
    with runtime.control.transaction("benchmark") as connection:
        for position in range(number - 1):
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
            f"FROM strata.load_ledger l, range({number - 1}) r(n) "
            "WHERE l.tenant_id = (SELECT min(tenant_id) FROM strata.load_ledger)"
        )


def _figures(early: list[Run], late: list[Run], tenants: int) -> list[Figure]:
    tenth = figure("Onboarding", "10th tenant", 10, early, note=f"asked: {LIMIT_SECONDS} s")
    last = figure("Onboarding", f"{tenants:,}th tenant", tenants, late, peer="the 10th", limit=LIMIT)
    wall = statistics.median(run.wall for run in late) / statistics.median(run.wall for run in early)
    return [tenth, replace(last, ratio=round(last.cpu / tenth.cpu, 2), note=f"wall {wall:.2f} x")]


if __name__ == "__main__":
    main()
