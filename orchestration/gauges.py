"""What is true of the installation now, as gauges: how old its data is, what waits, what failed for good.

Read from the status file and the control plane alone, so that a scrape never opens the warehouse.
Labels name sources, tables, channels and states, never tenants: their number would be the label's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from orchestration.control.delivery_tables import WAITING_STATES, delivery, endpoint, registration
from orchestration.delivery.late import oldest_due
from orchestration.delivery.queue.clock import database_now
from orchestration.metering import Reading
from orchestration.publication.pointer import published_tables, read_pointer
from orchestration.publication.status import Status, read_status
from orchestration.runtime import Runtime

NAMES = (
    "strata_entity_age_seconds",
    "strata_entities_late",
    "strata_rejects_open",
    "strata_tombstones_held",
    "strata_alerts_open",
    "strata_build_age_seconds",
    "strata_published_age_seconds",
    "strata_deliveries",
    "strata_delivery_oldest_seconds",
    "strata_endpoints_failing",
    "strata_registrations",
)
"""Every gauge; ages are in seconds, of the place that is worst off."""


def read_gauges(runtime: Runtime) -> Iterator[Reading]:
    """Yield the installation's gauges."""
    now = datetime.now(UTC)
    if status := read_status(runtime.settings):
        yield from _loads(status, now)
        yield from _builds(status, now)
    yield from _published(runtime, now)
    with runtime.control.reading() as connection:
        yield from _deliveries(connection, database_now(connection))


def _loads(status: Status, now: datetime) -> Iterator[Reading]:
    ages: dict[tuple[str, str], float] = {}
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for item in status.entities:
        sums["strata_rejects_open", item.source] += item.rejects_open
        sums["strata_tombstones_held", item.source] += item.held
        sums["strata_entities_late", item.source] += item.is_fresh(now) is False
        if item.loaded_at:
            key = item.source, item.entity
            ages[key] = max(ages.get(key, 0.0), (now - item.loaded_at).total_seconds())
    for (source, entity), age in ages.items():
        yield "strata_entity_age_seconds", {"source": source, "entity": entity}, age
    for (name, source), value in sums.items():
        yield name, {"source": source}, value


def _builds(status: Status, now: datetime) -> Iterator[Reading]:
    for build in status.builds:
        ended = build.finished_at or build.started_at
        labels = {"kind": build.kind, "status": build.status}
        yield "strata_build_age_seconds", labels, (now - ended).total_seconds()
    alerts: dict[str, int] = defaultdict(int)
    for alert in status.alerts:
        alerts[alert.failure_class] += 1
    for name, value in alerts.items():
        yield "strata_alerts_open", {"class": name}, value


def _published(runtime: Runtime, now: datetime) -> Iterator[Reading]:
    for table in published_tables(runtime.settings):
        if pointer := read_pointer(runtime.settings, table):
            age = (now - pointer.published_at).total_seconds()
            yield "strata_published_age_seconds", {"table": ".".join(table)}, age


def _deliveries(connection: Connection, now: int) -> Iterator[Reading]:
    kept = registration.c.deleted_at.is_(None)
    states = select(registration.c.state, func.count()).where(kept).group_by(registration.c.state)
    for row in connection.execute(states):
        yield "strata_registrations", {"state": str(row[0])}, float(row[1])
    counts = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    for row in connection.execute(counts.where(delivery.c.state.in_((*WAITING_STATES, "dead")))):
        yield "strata_deliveries", {"state": str(row[0])}, float(row[1])
    since = oldest_due(connection, now)
    yield "strata_delivery_oldest_seconds", {}, 0.0 if since is None else (now - since) / 1000
    failing = select(func.count()).select_from(endpoint).where(endpoint.c.open_until > now)
    yield "strata_endpoints_failing", {}, float(connection.execute(failing).scalar_one())
