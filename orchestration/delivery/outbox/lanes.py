"""Lanes: of the deliveries of one lane, one at a time is out; the others are blocked until it is final.

Who puts a delivery into a lane does it alone, who releases the next one does it together
with others of its kind: so none is left blocked by one that became final meanwhile.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from orchestration.control.database import alone, together
from orchestration.control.delivery_tables import UNFINISHED, delivery
from orchestration.delivery.registration import Place, Registration

NO_LANE = ""
"""The lane of deliveries that wait for nobody."""
OUT = ("waiting", "ready", "leased")
_LANES = "lanes of deliveries"


def lane_of(registration: Registration, subject: str, *, of_table: bool) -> str:
    """Return the lane of an event about ``subject``: its table's, its subject's, or none."""
    ordering = registration.terms.ordering
    is_ordered = ordering == "subject" or (ordering == "table" and of_table)
    return subject[:300] if is_ordered else NO_LANE


def enter(connection: Connection) -> None:
    """Take the right to put deliveries into lanes, until the transaction ends."""
    alone(connection, _LANES)


def is_taken(connection: Connection, place: Place, lane: str) -> bool:
    """Say whether another delivery of the lane is out, or blocked; call :func:`enter` before."""
    if lane == NO_LANE:
        return False
    ahead = select(delivery.c.delivery_id).where(_in_lane(place, lane), delivery.c.state.in_((*OUT, "blocked")))
    return connection.execute(ahead.limit(1)).first() is not None


def state_in(connection: Connection, place: Place, lane: str) -> str:
    """Return the state of a delivery that goes into the lane now: ``blocked`` or ``ready``."""
    return "blocked" if is_taken(connection, place, lane) else "ready"


def release_next(connection: Connection, now: int, place: Place, lane: str) -> str | None:
    """Let the oldest blocked delivery of a lane be claimed, if none is out; returns its id.

    Call it in the transaction in which a delivery of the lane became final.
    """
    if lane == NO_LANE:
        return None
    together(connection, _LANES)
    out = select(delivery.c.delivery_id).where(_in_lane(place, lane), delivery.c.state.in_(OUT))
    if connection.execute(out.limit(1)).first():
        return None
    oldest = select(func.min(delivery.c.delivery_id)).where(_in_lane(place, lane), delivery.c.state == "blocked")
    found: str | None = connection.execute(oldest).scalar()
    if found is None:
        return None
    released = connection.execute(
        update(delivery)
        .where(delivery.c.tenant_id == place[0], delivery.c.delivery_id == found, delivery.c.state == "blocked")
        .values(state="ready", due_at=now)  # its rank stays: it has waited since then
    )
    return found if released.rowcount else None


def _in_lane(place: Place, lane: str) -> Any:  # noqa: ANN401 - a condition of SQLAlchemy
    tenant, registration = place
    of_registration = and_(delivery.c.tenant_id == tenant, delivery.c.registration_id == registration)
    return of_registration & (delivery.c.lane == lane) & UNFINISHED
