"""Says whether deliveries are due that no worker takes, so that whoever launches workers knows when to."""

from __future__ import annotations

from sqlalchemy import Connection, and_, or_, select

from orchestration.control.delivery_tables import delivery, endpoint
from orchestration.control.tables import tenant

LEFT_LYING_MS = 10_000
"""A worker that runs takes what is due within a second; what lies longer has none."""


def is_any_unattended(connection: Connection, now: int) -> bool:
    """Say whether something a worker could send has been due for a while, or a worker died over it."""
    since = now - LEFT_LYING_MS
    found = (
        select(delivery.c.delivery_id)
        .join(tenant, and_(tenant.c.tenant_id == delivery.c.tenant_id, tenant.c.state == "active"))
        .join(
            endpoint,
            and_(endpoint.c.tenant_id == delivery.c.tenant_id, endpoint.c.endpoint_id == delivery.c.endpoint_id),
        )
        .where(
            or_(
                and_(
                    delivery.c.state.in_(("waiting", "ready")),
                    delivery.c.due_at <= since,
                    or_(endpoint.c.open_until.is_(None), endpoint.c.open_until <= now),
                ),
                and_(delivery.c.state == "leased", delivery.c.lease_until <= since),
            )
        )
    )
    return connection.execute(found.limit(1)).first() is not None
