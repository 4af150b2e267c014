"""What is ready, endpoint by endpoint, and how a claim's room is shared among them.

Nothing here reads what waits: of each endpoint the oldest rank alone, from the index, so that a
million rows of one tenant cost a claim no more than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, func, or_, select

from orchestration.control.delivery_tables import UNCLAIMED, delivery, endpoint
from orchestration.control.tables import tenant
from orchestration.delivery.queue.claimed import Due
from orchestration.delivery.queue.rows import Key, locked


@dataclass(frozen=True)
class Line:
    """The deliveries of one endpoint that are ready; ``oldest`` is the first one's rank."""

    tenant: str
    endpoint_id: str
    oldest: int

    @property
    def key(self) -> Key:
        """The endpoint's name."""
        return self.tenant, self.endpoint_id


@dataclass(frozen=True)
class Room:
    """How much a worker can take: in all, and at most under way for one endpoint and for one tenant.

    ``busy`` is what it has under way already, by endpoint.
    """

    deliveries: int
    per_endpoint: int
    per_tenant: int
    busy: Mapping[Key, int] = field(default_factory=dict)

    def of_tenant(self, name: str) -> int:
        """Return how many more of a tenant fit."""
        return self.per_tenant - sum(count for (whose, _), count in self.busy.items() if whose == name)

    def of_endpoint(self, key: Key) -> int:
        """Return how many more of an endpoint fit."""
        return self.per_endpoint - self.busy.get(key, 0)


def lines(connection: Connection, now: int, room: Room) -> list[list[Line]]:
    """Return the endpoints with something ready that are not left alone, by tenant, the longest waiting tenants.

    Tenants that are not active have none.
    """
    oldest = (
        select(func.min(delivery.c.rank))
        .where(
            UNCLAIMED,
            delivery.c.state == "ready",
            delivery.c.tenant_id == endpoint.c.tenant_id,
            delivery.c.endpoint_id == endpoint.c.endpoint_id,
        )
        .scalar_subquery()
    )
    each = (
        select(endpoint.c.tenant_id.label("tenant"), endpoint.c.endpoint_id, oldest.label("oldest"))
        .join(tenant, tenant.c.tenant_id == endpoint.c.tenant_id)
        .where(tenant.c.state == "active", tenant.c.deleted_at.is_(None))
        .where(or_(endpoint.c.open_until.is_(None), endpoint.c.open_until <= now))
        .subquery()
    )
    found = [Line(**row) for row in connection.execute(select(each).where(each.c.oldest.is_not(None))).mappings()]
    fitting = sorted((line for line in found if room.of_endpoint(line.key) > 0), key=attrgetter("tenant", "oldest"))
    by_tenant = [list(group) for _, group in groupby(fitting, key=attrgetter("tenant"))]
    return sorted(by_tenant, key=lambda group: group[0].oldest)[: max(room.deliveries, 0)]


def share(left: int, takers: int, room: int) -> int:
    """Return the even share of what is left for the next of so many takers, limited by its room."""
    return max(0, min(room, -(-left // takers)))


_DUE = [delivery.c["tenant_id" if name == "tenant" else name] for name in Due.__struct_fields__]


def first_of(connection: Connection, line: Line, count: int) -> list[Due]:
    """Return and hold the deliveries of an endpoint that go first."""
    statement = (
        select(*_DUE)
        .where(
            UNCLAIMED,
            delivery.c.state == "ready",
            delivery.c.tenant_id == line.tenant,
            delivery.c.endpoint_id == line.endpoint_id,
        )
        .order_by(delivery.c.rank)
        .limit(count)
    )
    found: list[Any] = list(connection.execute(locked(statement, delivery, skip=True)).all())
    return [Due(*row) for row in found]


def busy(connection: Connection) -> set[Key]:
    """Return the endpoints to which something is under way, whichever worker sends it."""
    leased = select(delivery.c.tenant_id, delivery.c.endpoint_id).where(delivery.c.state == "leased")
    return {(row.tenant_id, row.endpoint_id) for row in connection.execute(leased.distinct())}
