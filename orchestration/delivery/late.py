"""Which deliveries are late: due, with nothing but a worker or their endpoint to wait for.

One definition for all who tell of it. What was put aside for a paused registration is not late, nor what
waits with a suspended tenant, nor what is not due yet; a blocked one is as late as the one before it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, or_, select

from orchestration.control.delivery_tables import delivery, endpoint, registration
from orchestration.control.tables import tenant

TOO_LATE_MS = 15 * 60_000
"""What people are told of: so late is no delivery whose worker is merely busy."""
_STATES = ("gathering", "waiting", "ready", "leased")


def is_late(now: int) -> ColumnElement[bool]:
    """Return the condition on ``delivery``."""
    theirs = select(tenant.c.tenant_id).where(tenant.c.tenant_id == delivery.c.tenant_id, tenant.c.state == "active")
    wish = select(registration.c.state).where(
        registration.c.tenant_id == delivery.c.tenant_id,
        registration.c.registration_id == delivery.c.registration_id,
        registration.c.state == "active",
    )
    return delivery.c.state.in_(_STATES) & (delivery.c.due_at <= now) & theirs.exists() & wish.exists()


def oldest_due(
    connection: Connection, now: int, *, reachable: bool = False, tenants: Collection[str] = ()
) -> int | None:
    """Return when the delivery that is latest was due, in milliseconds; ``None`` when none is late.

    ``reachable``: leave out what waits for an endpoint that is left alone for a while, or is being sent.
    ``tenants``: only theirs.
    """
    conditions = [is_late(now), _is_to_be_taken(now)] if reachable else [is_late(now)]
    conditions += [delivery.c.tenant_id.in_(tenants)] if tenants else []
    found: list[int] = []
    for state in _STATES:  # one by one, each is the first match in the index of what is due
        oldest = select(delivery.c.due_at).where(delivery.c.state == state, *conditions)
        found += connection.execute(oldest.order_by(delivery.c.due_at).limit(1)).scalars().all()
    return min(found, default=None)


def _is_to_be_taken(now: int) -> ColumnElement[bool]:
    left_alone = select(endpoint.c.endpoint_id).where(
        endpoint.c.tenant_id == delivery.c.tenant_id,
        endpoint.c.endpoint_id == delivery.c.endpoint_id,
        endpoint.c.open_until > now,
    )
    return ~left_alone.exists() & or_(delivery.c.state != "leased", delivery.c.lease_until <= now)
