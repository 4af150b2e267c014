"""Releases the lanes of deliveries that became final."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, RowMapping

from orchestration.delivery.outbox.lanes import NO_LANE, release_next

Way = tuple[str, str, str]
"""Tenant, registration and lane."""


def way(row: RowMapping) -> Way:
    """Return the lane of a delivery."""
    return row["tenant_id"], row["registration_id"], row["lane"]


def release(connection: Connection, now: int, ways: Iterable[Way]) -> None:
    """Let the next delivery of each lane go on, lanes in one order for all who do."""
    for tenant, registration, lane in sorted({found for found in ways if found[2] != NO_LANE}):
        release_next(connection, now, (tenant, registration), lane)
