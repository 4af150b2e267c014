"""Puts together what a claimed delivery carries: its events, and from which version of a table to which it goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from orchestration.control.delivery_tables import delivery, outbox, progress
from orchestration.delivery.queue.claimed import Claimed, Due, Event
from orchestration.delivery.queue.rows import Key, among
from orchestration.delivery.registration import Place
from orchestration.names import Table

Received = tuple[str, str, Table]
"""Tenant, registration and table."""


def table_of(event_key: str) -> Table:
    """Return the table that an event's key names: ``gold.license_usage@12``."""
    schema, _, table = event_key.rpartition("@")[0].partition(".")
    return schema, table


def contents(connection: Connection, rows: Sequence[Due], token: str) -> list[Claimed]:
    """Return deliveries that are about to be leased, in the order of ``rows``."""
    if not rows:
        return []
    events = _events(connection, [row.key for row in rows])
    # 0 is written where a registration had nothing yet: what it receives later changes no repetition.
    fresh = {row.place for row in rows if row.to_version is not None and row.from_version is None}
    versions = received(connection, fresh)
    return [_claimed(row, events[row.key], versions, token) for row in rows]


def received(connection: Connection, places: Collection[Place]) -> dict[Received, int]:
    """Return the versions that registrations received last."""
    if not places:
        return {}
    statement = select(progress).where(among(progress, "registration_id", places))
    return {
        (row.tenant_id, row.registration_id, (row.schema_name, row.table_name)): row.version
        for row in connection.execute(statement)
    }


def _claimed(row: Due, events: list[Event], versions: dict[Received, int], token: str) -> Claimed:
    from_version = row.from_version
    if versions and from_version is None and row.to_version is not None and events:
        from_version = versions.get((*row.place, table_of(events[-1].key)))
    return Claimed(
        tenant=row.tenant,
        delivery_id=row.delivery_id,
        registration_id=row.registration_id,
        endpoint_id=row.endpoint_id,
        subject=row.subject,
        lane=row.lane,
        attempt=row.attempts + 1,
        events=tuple(events),
        event_count=row.events,
        from_version=from_version or None,
        to_version=row.to_version,
        traceparent=row.traceparent,
        token=token,
    )


_EVENT = [
    outbox.c[name]
    for name in ("tenant_id", "delivery_id", "event_key", "event_type", "subject", "version", "data", "occurred_at",
                 "traceparent")
]  # fmt: skip
"""Whose it is, and the fields of an :class:`Event` in their order."""


def _events(connection: Connection, keys: Sequence[Key]) -> defaultdict[Key, list[Event]]:
    """Read the events of deliveries; of a table's the newest alone, for it stands for all before."""
    carries = and_(delivery.c.tenant_id == outbox.c.tenant_id, delivery.c.delivery_id == outbox.c.delivery_id)
    statement = (
        select(*_EVENT)
        .join(delivery, carries)
        .where(among(outbox, "delivery_id", keys))
        .where(or_(outbox.c.version.is_(None), outbox.c.version == delivery.c.to_version))
    )
    found: defaultdict[Key, list[Event]] = defaultdict(list)
    rows: list[Any] = list(connection.execute(statement).all())
    for tenant, delivery_id, *event in rows:
        found[tenant, delivery_id].append(Event(*event))
    for several in found.values():
        if len(several) > 1:  # few have, and a database would sort everything
            several.sort(key=attrgetter("occurred_at", "key"))
    return found
