"""What becomes of deliveries when their registration is paused, resumed, disabled, moved or removed.

Those of a paused one are put aside when their turn comes, once, and not looked at again until
it is resumed. A suspended tenant's need nothing: nobody claims them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from orchestration.control.delivery_tables import UNFINISHED, WAITING_STATES, delivery, endpoint, registration
from orchestration.delivery.registration import Place

ASIDE = 9_999_999_999_999
"""The ``due_at`` of what waits until its registration is resumed: the year 2286."""

_UNCLAIMED = tuple(state for state in WAITING_STATES if state != "leased")


def resume(connection: Connection, now: int, place: Place) -> int:
    """Let go on what was put aside, and give the endpoint a fresh start; return how many deliveries go on."""
    address = select(registration.c.endpoint_id).where(
        registration.c.tenant_id == place[0], registration.c.registration_id == place[1]
    )
    connection.execute(
        update(endpoint)
        .where(endpoint.c.tenant_id == place[0], endpoint.c.endpoint_id == address.scalar_subquery())
        .values(failures=0, failing_since=None, open_until=None, trips=0)
    )
    aside = update(delivery).where(_of(place), delivery.c.state == "waiting", delivery.c.due_at == ASIDE)
    return connection.execute(aside.values(due_at=now)).rowcount


def cancel_waiting(connection: Connection, now: int, place: Place, message: str) -> int:
    """Cancel whatever of a registration no worker holds; return how many."""
    waiting = update(delivery).where(_of(place), delivery.c.state.in_(_UNCLAIMED))
    values = {"state": "cancelled", "due_at": now, "finished_at": now, "message": message[:500]}
    return connection.execute(waiting.values(values)).rowcount


def follow(connection: Connection, place: Place, endpoint_id: str) -> None:
    """Send to its new address what waits for a registration."""
    waiting = update(delivery).where(
        _of(place), delivery.c.state.in_(WAITING_STATES), delivery.c.endpoint_id != endpoint_id
    )
    connection.execute(waiting.values(endpoint_id=endpoint_id))


def _of(place: Place) -> Any:  # noqa: ANN401 - a condition of SQLAlchemy
    return (delivery.c.tenant_id == place[0]) & (delivery.c.registration_id == place[1]) & UNFINISHED
