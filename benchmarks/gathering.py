"""Taking in what was published: one version for a thousand registrations, and a step of a sensor's tick.

The first against writing the same outbox and delivery rows plainly, in one transaction; the second with
a million events pending against ten thousand. A tick takes as many steps as fit into six seconds.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from measurement import Figure, Run, figure, report
from prepared import FOLDER
from sqlalchemy import Table, delete, insert, select

from orchestration.control import changes, tables
from orchestration.control.delivery_tables import delivery, delivery_cursor, outbox
from orchestration.delivery import consumers, registry
from orchestration.delivery.outbox.gather import gather
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.publication.event_log import NewEvent, record_events
from orchestration.publication.exported import export_logs, mend_logs
from orchestration.publication.publish import publish
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse import apply, open_warehouse

BILL = ("gold", "bill")
STEP = 2_000
MOST_TIMES = 1.5


def installation(folder: Path) -> Runtime:
    """Return an empty installation."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(home=folder, _env_file=None)  # type: ignore[call-arg]
    runtime = Runtime(settings, {}, {}, open_warehouse(settings), None)  # type: ignore[arg-type]
    with runtime.warehouse.session("set up") as session:
        apply.apply(session)
    return runtime


def register(runtime: Runtime, tenants: int, event: str, terms: Terms) -> None:
    """Register one consumer of each tenant."""
    with runtime.control.transaction("bench") as connection:
        for number in range(tenants):
            tenant = f"t{number:05d}"
            changes.insert(connection, tables.tenant, {"tenant_id": tenant, "title": tenant, "state": "active"})
            consumers.add(connection, tenant, "bi", "", "bi@example.com")
            registry.add(
                connection,
                Registration(
                    tenant=tenant,
                    registration_id="all",
                    consumer="bi",
                    title="",
                    events=(event,),
                    tables=(BILL,),
                    columns=(),
                    where=(),
                    payload="changes",
                    format="json",
                    channel="feed",
                    settings={},
                    endpoint="e1",
                    terms=terms,
                ),
            )


def publish_all(runtime: Runtime, tenants: int) -> None:
    """Publish a table in which every tenant has changes."""
    with runtime.warehouse.session("publish") as session:
        session.execute("CREATE SCHEMA gold")
        source = f"SELECT format('t{{:05d}}', t) AS _tenant_id, i AS id, i AS amount FROM range({tenants}) a(t)"
        session.execute(f"CREATE TABLE gold.bill AS {source}, range(100) b(i)")
        publish(session, runtime, [BILL], {BILL: ("_tenant_id", "id")}, "bench")


def record(runtime: Runtime, count: int) -> None:
    """Log so many events of one tenant."""
    with runtime.warehouse.session("record") as session:
        for start in range(0, count, 50_000):
            with session.transaction():
                event = NewEvent("load.failed", "t00000", "salesforce/account", {"source": "salesforce"})
                record_events(session, [event] * min(50_000, count - start))
        export_logs(session, runtime.settings)
    mend_logs(runtime)


def timed(work: Callable[[], object]) -> Run:
    """Do it once and measure it."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return Run(time.process_time() - cpu, time.perf_counter() - began, 0.0)


def forget(runtime: Runtime) -> None:
    """Empty the outbox and let the cursor stand before everything."""
    with runtime.control.transaction("bench") as connection:
        for table in (outbox, delivery, delivery_cursor):
            connection.execute(delete(table))


def one_version(runtime: Runtime, tenants: int, rounds: int) -> list[Figure]:
    """Gather one version for every registration, in turn with writing its rows plainly."""
    gathered, plain = [], []
    for _ in range(rounds):
        forget(runtime)
        gathered.append(timed(lambda: gather(runtime)))
        with runtime.control.reading() as connection:
            rows = {
                table: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in (delivery, outbox)
            }
        if len(rows[outbox]) != tenants:
            raise SystemExit(f"{len(rows[outbox])} of {tenants} were gathered")
        forget(runtime)
        plain.append(timed(lambda rows=rows: write(runtime, rows)))
    subject, peer = "Gather one version", "its rows, written plainly"
    ratio = statistics.median(run.cpu for run in gathered) / statistics.median(run.cpu for run in plain)
    return [
        figure(subject, peer, tenants, plain),
        replace(figure(subject, f"{tenants:,} registrations", tenants, gathered, peer=peer), ratio=round(ratio, 1)),
    ]


def write(runtime: Runtime, rows: dict[Table, list[dict[str, Any]]]) -> None:
    """Write rows as they are."""
    with runtime.control.transaction("bench") as connection:
        for table, content in rows.items():
            connection.execute(insert(table), content)


def steps(folder: Path, sizes: tuple[int, int], rounds: int) -> list[Figure]:
    """Take steps with so many events pending."""
    made: dict[int, list[Run]] = {}
    for size in sizes:
        runtime = installation(folder / str(size))
        register(runtime, 1, "load.failed", Terms(quiet_seconds=60, largest_batch=1_000_000))
        record(runtime, size)
        made[size] = [timed(lambda runtime=runtime: gather(runtime, limit=STEP)) for _ in range(rounds)]
    small, large = (figure("Step of 2,000 events", f"{size:,} pending", size, made[size]) for size in sizes)
    ratio = round(statistics.median(run.wall for run in made[sizes[1]]) / small.wall, 2)
    return [small, replace(large, ratio=ratio, peer=small.contestant, limit=MOST_TIMES)]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=1_000)
    parser.add_argument("--pending", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=FOLDER / "gathering")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    runtime = installation(chosen.folder / "many")
    register(runtime, chosen.tenants, "gold.rows.changed", Terms())
    publish_all(runtime, chosen.tenants)
    figures = one_version(runtime, chosen.tenants, chosen.rounds)
    report(figures + steps(chosen.folder, (10_000, chosen.pending), chosen.rounds), chosen.out)


if __name__ == "__main__":
    main()
