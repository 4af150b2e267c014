"""Tells Dagster what became of each table's deliveries, where it differs from what was told before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import dagster as dg

from orchestration.definitions.delivery.tables import CHECK, delivered_key, metadata
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.table_status import TableStatus, table_status
from orchestration.runtime import Runtime

Told = Mapping[str, list[int]]
"""By table what was told last: when a delivery arrived, and how many wait, fail, are dead, registrations in trouble."""
Telling = dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation


def look(runtime: Runtime) -> tuple[int, list[TableStatus]]:
    """Return the queue's time and every table's status."""
    with runtime.control.reading() as connection:
        now = database_now(connection)
        return now, table_status(connection, now)


def told(found: list[TableStatus]) -> dict[str, list[int]]:
    """Return what is told of these, to be compared with later."""
    return {
        ".".join(item.table): [item.delivered_at or 0, item.waiting, item.failing, item.dead, len(item.troubled)]
        for item in found
    }


def tellings(found: list[TableStatus], now: int, before: Told, *, by_run: bool) -> Iterator[Telling]:
    """Yield what is new: an observation and the check's result; of a run that delivered, a materialization."""
    for status in found:
        name = ".".join(status.table)
        last = before.get(name, [0, 0, 0, 0, 0])
        if told([status])[name] == last:
            continue
        key, shown = delivered_key(status.table), metadata(status, now)
        is_progress = by_run and (status.delivered_at or 0) > last[0]
        yield (
            dg.AssetMaterialization(key, metadata=shown) if is_progress else dg.AssetObservation(key, metadata=shown)
        )
        yield dg.AssetCheckEvaluation(
            asset_key=key, check_name=CHECK, passed=not status.dead, metadata={"dead": status.dead}
        )
