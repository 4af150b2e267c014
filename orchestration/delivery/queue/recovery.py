"""What follows when a breaker closes: what waits for another attempt becomes due, one after another."""

from __future__ import annotations

from sqlalchemy import Connection, select

from orchestration.control.delivery_tables import UNCLAIMED, delivery
from orchestration.delivery import registry
from orchestration.delivery.queue.hours import next_open
from orchestration.delivery.queue.rows import Key, locked, write
from orchestration.delivery.queue.schedule import rank
from orchestration.delivery.queue.standing import ASIDE

SPACING = 10
"""Milliseconds between one and the next, so that an endpoint that has just come back is not run over."""
_AT_ONCE = 10_000


def hasten(connection: Connection, now: int, endpoint: Key) -> int:
    """Make the retries of an endpoint due from now on, in the order in which they were; return how many."""
    tenant, endpoint_id = endpoint
    retries = (
        select(delivery.c.delivery_id, delivery.c.registration_id)
        .where(UNCLAIMED, delivery.c.state == "waiting")
        .where(delivery.c.tenant_id == tenant, delivery.c.endpoint_id == endpoint_id)
        .where(delivery.c.attempts > 0, delivery.c.due_at > now, delivery.c.due_at < ASIDE)
        .order_by(delivery.c.due_at)
        .limit(_AT_ONCE)
    )
    found = connection.execute(locked(retries, delivery, skip=True)).mappings().all()
    places = {(tenant, row["registration_id"]) for row in found}
    wishes = {item.registration_id: item for item in registry.registrations(connection, places=places)}
    changed = []
    for number, row in enumerate(row for row in found if row["registration_id"] in wishes):
        terms = wishes[row["registration_id"]].terms
        due = next_open(terms, now + number * SPACING)
        changed.append(((tenant, row["delivery_id"]), {"due_at": due, "rank": rank(due, terms)}))
    write(connection, changed)
    return len(changed)
