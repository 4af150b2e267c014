"""Registrations that do not get a table's versions as they should, by table: what operators are shown of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from orchestration.control.delivery_tables import WAITING_STATES, delivery, registration

MOST_SHOWN = 20


@dataclass(frozen=True)
class Troubled:
    """How many of a table's deliveries wait or are dead for a registration that is not active, or where some failed."""

    label: str
    state: str
    waiting: int
    dead: int


def troubled(connection: Connection) -> Mapping[str, list[Troubled]]:
    """Return them by subject, those of the newest deliveries first, :data:`MOST_SHOWN` at most of each."""
    columns = delivery.c
    same = and_(
        registration.c.tenant_id == columns.tenant_id, registration.c.registration_id == columns.registration_id
    )
    dead = func.sum(case((columns.state == "dead", 1), else_=0))
    failed = func.sum(case((or_(columns.state == "dead", columns.attempts > 0), 1), else_=0))
    place: tuple[ColumnElement[str], ...] = (
        columns.subject,
        columns.tenant_id,
        columns.registration_id,
        registration.c.state,
    )
    statement = (
        select(*place, func.count().label("all"), dead.label("dead"))
        .join(registration, same)
        .where(columns.state.in_((*WAITING_STATES, "dead")), columns.to_version.is_not(None))
        .group_by(*place)
        .having(or_(registration.c.state != "active", failed > 0))
        .order_by(func.max(columns.delivery_id).desc())
    )
    found: defaultdict[str, list[Troubled]] = defaultdict(list)
    for row in connection.execute(statement).mappings():
        of_table = found[row["subject"]]
        if len(of_table) < MOST_SHOWN:
            label = f"{row['tenant_id']}/{row['registration_id']}"
            of_table.append(Troubled(label, row["state"], row["all"] - row["dead"], row["dead"]))
    return found
