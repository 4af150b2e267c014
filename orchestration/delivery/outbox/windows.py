"""Windows: a delivery that gathers events until none came for a while, or it has waited, or grown, enough.

A window is its delivery's row, so it outlives whoever opened it. It is closed by whoever
looks next after it is due. A clock that was set back closes what it finds opened in the future:
too early is a delivery more, too late would be a promise broken.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, or_, select, update

from orchestration.control.delivery_tables import delivery
from orchestration.delivery.outbox import lanes
from orchestration.delivery.terms import SECOND, Terms


def due_at(terms: Terms, first: int, last: int, events: int) -> int:
    """Return when a window closes that took its first and its last event at these times, in milliseconds."""
    if events >= terms.largest_batch:
        return last
    return round(min(last + terms.quiet_seconds * SECOND, first + terms.longest_wait_seconds * SECOND))


def close_due(connection: Connection, now: int, limit: int = 1000) -> int:
    """Close windows that are due, the oldest first, and return how many; call :func:`lanes.enter` before."""
    found = connection.execute(
        select(delivery.c.tenant_id, delivery.c.delivery_id, delivery.c.registration_id, delivery.c.lane)
        .where(_is_due(now))
        .order_by(delivery.c.delivery_id)
        .limit(limit)
    )
    rows = found.mappings().all()
    for row in rows:
        state = lanes.state_in(connection, (row["tenant_id"], row["registration_id"]), row["lane"])
        key = (delivery.c.tenant_id == row["tenant_id"], delivery.c.delivery_id == row["delivery_id"])
        connection.execute(update(delivery).where(*key).values(state=state, due_at=now))
    return len(rows)


def is_any_due(connection: Connection, now: int) -> bool:
    """Say whether there is a window to close."""
    return connection.execute(select(delivery.c.delivery_id).where(_is_due(now)).limit(1)).first() is not None


def _is_due(now: int) -> ColumnElement[bool]:
    return (delivery.c.state == "gathering") & or_(delivery.c.due_at <= now, delivery.c.first_event_at > now)
