"""Makes ready what has waited long enough: for a retry, for its turn in a lane, for its hours."""

from __future__ import annotations

from sqlalchemy import Connection, select

from orchestration.control.delivery_tables import delivery
from orchestration.delivery.queue.rows import locked, write


def promote(connection: Connection, now: int, limit: int) -> int:
    """Make deliveries ready that are due, the longest due first; return how many."""
    due = (
        select(delivery.c.tenant_id, delivery.c.delivery_id)
        .where(delivery.c.state == "waiting", delivery.c.due_at <= now)
        .order_by(delivery.c.due_at)
        .limit(limit)
    )
    found = connection.execute(locked(due, delivery, skip=True)).mappings().all()
    write(connection, [((row["tenant_id"], row["delivery_id"]), {"state": "ready"}) for row in found])
    return len(found)
