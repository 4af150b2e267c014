"""Deletes what ended long ago: deliveries with their events and attempts. Dead letters stay until somebody decides."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from orchestration.control.delivery_tables import attempt, delivery, outbox
from orchestration.delivery.queue.rows import among, locked
from orchestration.delivery.terms import SECOND

_DAY = 24 * 3600 * SECOND
_FORGOTTEN = ("delivered", "skipped", "cancelled")


def forget(connection: Connection, now: int, days: int, limit: int = 1000) -> int:
    """Delete what ended more than so many days ago, the oldest first, and return how many deliveries."""
    forgotten = 0
    for state in _FORGOTTEN:
        # A final delivery's due_at is when it ended, so that the index of what is due finds it.
        old = (
            select(delivery.c.tenant_id, delivery.c.delivery_id)
            .where(delivery.c.state == state, delivery.c.due_at < now - days * _DAY)
            .order_by(delivery.c.due_at)
            .limit(limit)
        )
        found = connection.execute(locked(old, delivery, skip=True)).mappings()
        keys = [(row["tenant_id"], row["delivery_id"]) for row in found]
        if keys:
            for table in (outbox, attempt, delivery):
                connection.execute(delete(table).where(among(table, "delivery_id", keys)))
        forgotten += len(keys)
    return forgotten
