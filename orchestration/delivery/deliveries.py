"""Looks at deliveries, and sends them again or cancels them: one, or all that a selection names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, select

from orchestration.control import Control
from orchestration.control.delivery_tables import FINAL_STATES, STATES, attempt, delivery, outbox, registration
from orchestration.control.tables import tenant as tenant_table
from orchestration.failures import SettingsError

MOST_EVENTS = 100
"""Of a delivery that gathered thousands, so many are shown."""


@dataclass(frozen=True)
class Selection:
    """Which deliveries are meant: all conditions that are given have to hold.

    ``since`` and ``until`` (excluded) are about when a delivery was begun.
    """

    tenant: str | None = None
    registration: str | None = None
    delivery_id: str | None = None
    states: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse words that are no states.

        Raises:
            SettingsError: names those there are.
        """
        for state in self.states:
            if state not in STATES:
                raise SettingsError(f"{state!r} is no state of a delivery.", f"There are: {', '.join(STATES)}.")

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return it as conditions on ``delivery``."""
        wanted = {"tenant_id": self.tenant, "registration_id": self.registration, "delivery_id": self.delivery_id}
        found: list[ColumnElement[bool]] = [delivery.c[name] == value for name, value in wanted.items() if value]
        found += [delivery.c.state.in_(self.states)] if self.states else []
        found += [delivery.c.created_at >= _milliseconds(self.since)] if self.since else []
        found += [delivery.c.created_at < _milliseconds(self.until)] if self.until else []
        return found

    @property
    def text(self) -> str:
        """What people see in the audit trail."""
        named = (self.tenant, self.registration, self.delivery_id, *self.states)
        times = [f"{word} {at.isoformat()}" for word, at in (("since", self.since), ("until", self.until)) if at]
        return ", ".join([*(name for name in named if name), *times]) or "all"


@dataclass(frozen=True)
class Delivery:
    """A delivery as people see it; ``failure`` and ``message`` are those of the last attempt.

    ``held``: why it goes on only when somebody says so, else empty; such a one is due at no time.
    """

    tenant: str
    delivery_id: str
    registration: str
    subject: str
    state: str
    events: int
    from_version: int | None
    to_version: int | None
    attempts: int
    created_at: datetime
    due_at: datetime | None
    finished_at: datetime | None
    failure: str | None
    message: str | None
    held: str


@dataclass(frozen=True)
class Attempt:
    """One attempt: ``answer`` is the beginning of what came back, ``worker`` who made it."""

    number: int
    started_at: datetime
    milliseconds: int
    failure: str
    status_code: int | None
    message: str
    answer: str
    worker: str


@dataclass(frozen=True)
class Carried:
    """An event that a delivery carries."""

    event_key: str
    event_type: str
    subject: str
    version: int | None
    data: dict[str, Any]
    occurred_at: datetime


@dataclass(frozen=True)
class Shown:
    """A delivery with everything that is known of it; of its events the newest, :data:`MOST_EVENTS` at most."""

    delivery: Delivery
    attempts: list[Attempt]
    events: list[Carried]


def list_deliveries(control: Control, selection: Selection, limit: int = 100) -> list[Delivery]:
    """Return deliveries, the newest first."""
    with control.reading(selection.tenant) as connection:
        statement = _with_standing().where(*selection.conditions())
        newest = statement.order_by(delivery.c.created_at.desc(), delivery.c.delivery_id.desc()).limit(limit)
        return [_delivery(row) for row in connection.execute(newest).mappings()]


def show(control: Control, tenant: str, delivery_id: str) -> Shown:
    """Return a delivery with its attempts and events.

    Raises:
        SettingsError: the tenant has none of that name.
    """
    with control.reading(tenant) as connection:
        found = connection.execute(_with_standing().where(*Selection(tenant, None, delivery_id).conditions()))
        row = found.mappings().one_or_none()
        if row is None:
            message = f"Tenant {tenant!r} has no delivery {delivery_id!r}."
            raise SettingsError(message, f"See: strata deliveries list {tenant}")
        return Shown(_delivery(row), _attempts(connection, row), _events(connection, row))


def _with_standing() -> Select[tuple[Any, ...]]:
    """Select deliveries with the states of their registrations and tenants, on which it depends whether they go on."""
    same = and_(
        registration.c.tenant_id == delivery.c.tenant_id, registration.c.registration_id == delivery.c.registration_id
    )
    states = (registration.c.state.label("of_registration"), tenant_table.c.state.label("of_tenant"))
    joined = delivery.join(registration, same).join(tenant_table, tenant_table.c.tenant_id == delivery.c.tenant_id)
    return select(delivery, *states).select_from(joined)


def _held(row: RowMapping) -> str:
    if row["state"] in (*FINAL_STATES, "leased"):
        return ""
    if row["of_tenant"] != "active":
        return f"the tenant is {row['of_tenant']}"
    return "the registration is paused" if row["of_registration"] == "paused" else ""


def _attempts(connection: Connection, of: RowMapping) -> list[Attempt]:
    mine = (attempt.c.tenant_id == of["tenant_id"], attempt.c.delivery_id == of["delivery_id"])
    rows = connection.execute(select(attempt).where(*mine).order_by(attempt.c.number)).mappings()
    names = ("number", "milliseconds", "failure", "status_code", "message", "answer", "worker")
    return [Attempt(started_at=_required(row["started_at"]), **{name: row[name] for name in names}) for row in rows]


def _events(connection: Connection, of: RowMapping) -> list[Carried]:
    mine = (outbox.c.tenant_id == of["tenant_id"], outbox.c.delivery_id == of["delivery_id"])
    newest = select(outbox).where(*mine).order_by(outbox.c.occurred_at.desc(), outbox.c.event_key.desc())
    rows = connection.execute(newest.limit(MOST_EVENTS)).mappings()
    names = ("event_key", "event_type", "subject", "version", "data")
    return [Carried(occurred_at=_required(row["occurred_at"]), **{name: row[name] for name in names}) for row in rows]


def _delivery(row: RowMapping) -> Delivery:
    names = ("delivery_id", "subject", "state", "events", "to_version", "attempts", "failure", "message")
    held = _held(row)
    return Delivery(
        held=held,
        tenant=row["tenant_id"],
        registration=row["registration_id"],
        from_version=row["from_version"] or None,
        created_at=_required(row["created_at"]),
        due_at=None if held or row["state"] in FINAL_STATES else moment(row["due_at"]),
        finished_at=moment(row["finished_at"]),
        **{name: row[name] for name in names},
    )


def moment(milliseconds: int | None) -> datetime | None:
    """Return a time of the queue for people."""
    return None if milliseconds is None else _required(milliseconds)


def _required(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
