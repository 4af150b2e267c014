"""Releases the lanes of deliveries that became final."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, RowMapping

from orchestration.delivery.outbox.lanes import NO_LANE, release_next


def release(connection: Connection, now: int, rows: Iterable[RowMapping]) -> None:
    """Let the next delivery of each one's lane go on, lanes in one order for all who do."""
    lanes = {(row["tenant_id"], row["registration_id"], row["lane"]) for row in rows if row["lane"] != NO_LANE}
    for tenant, registration, lane in sorted(lanes):
        release_next(connection, now, (tenant, registration), lane)
