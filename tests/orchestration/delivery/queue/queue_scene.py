"""Registrations and deliveries to test a queue with, written as the outbox writes them, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import insert, select

from orchestration.control import Control, changes, tables
from orchestration.control.delivery_tables import attempt, consumer, delivery, endpoint, outbox, progress, registration
from orchestration.delivery import registry
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.queue.claim import claim
from orchestration.delivery.queue.claimed import Claimed, Outcome
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.queue.schedule import rank
from orchestration.delivery.queue.settle import settle
from orchestration.delivery.registration import Place, Registration
from orchestration.delivery.terms import Terms

NOW = 1_800_000_000_000
LEASE = 60_000
ROOM = Room(100, 100, 100)
_numbers = count(1)


def register(
    control: Control, place: Place = ("acme", "r1"), url: str = "https://hooks.example.com/x", **terms: Any
) -> Registration:
    """Register for references to versions of ``gold.usage``, by webhook."""
    tenant, name = place
    wish = Registration(
        tenant=tenant,
        registration_id=name,
        consumer="bi",
        title=name,
        events=("gold.table.updated",),
        tables=(("gold", "usage"),),
        columns=(),
        where=(),
        payload="reference",
        format="json",
        channel="webhook",
        settings={"url": {"value": url}, "signing_key": {"reference": "env:STRATA_TEST_SIGNING_KEY"}},
        endpoint=registry.endpoint_id("webhook", f"{url}{name}"),
        terms=Terms(**terms),
    )
    with control.transaction("test") as connection:
        if not connection.execute(select(tables.tenant).where(tables.tenant.c.tenant_id == tenant)).first():
            changes.insert(connection, tables.tenant, {"tenant_id": tenant, "title": tenant, "state": "active"})
            someone = {"tenant_id": tenant, "consumer_id": "bi", "title": "BI", "contact": "bi@example.com"}
            changes.insert(connection, consumer, someone)
        registry.add(connection, wish)
    return wish


def enqueue(
    control: Control, wish: Registration, number: int = 1, *, at: int = NOW, lane: str = "", version: int | None = None
) -> list[str]:
    """Write deliveries of one event each; with a lane, all but its first are blocked. Returns their ids, in order."""
    ids = [f"msg_{next(_numbers):026}" for _ in range(number)]
    rows, events = [], []
    for step, name in enumerate(ids):
        this_version = version + step if version is not None else None
        key = f"gold.usage@{this_version}" if this_version is not None else name
        rows.append(
            {
                "tenant_id": wish.tenant,
                "delivery_id": name,
                "registration_id": wish.registration_id,
                "endpoint_id": wish.endpoint,
                "subject": "gold.usage",
                "lane": lane,
                "state": "blocked" if lane and step else "ready",
                "rank": rank(at, wish.terms),
                "due_at": at,
                "created_at": at,
                "first_event_at": at,
                "last_event_at": at,
                "events": 1,
                "to_version": this_version,
            }
        )
        events.append(
            {
                "tenant_id": wish.tenant,
                "registration_id": wish.registration_id,
                "event_key": key,
                "delivery_id": name,
                "event_type": "gold.table.updated",
                "subject": "gold.usage",
                "version": this_version,
                "data": {"number": step},
                "occurred_at": at,
            }
        )
    with control.transaction("test") as connection:
        connection.execute(insert(delivery), rows)
        connection.execute(insert(outbox), events)
    return ids


def take(control: Control, now: int = NOW, room: Room = ROOM, lease_ms: int = LEASE) -> list[Claimed]:
    with control.transaction("worker") as connection:
        return claim(connection, now, room, lease_ms=lease_ms).claimed


def end(
    control: Control, now: int, claimed: Sequence[Claimed], failure: DeliveryFailure | None = None, **values: Any
) -> list[Claimed]:
    """Settle attempts that began when they ended; returns those that were dropped."""
    outcomes = [Outcome(item, now, 0, failure, **values) for item in claimed]
    with control.transaction("worker") as connection:
        return settle(connection, now, outcomes, "test")


def ids(claimed: Sequence[Claimed]) -> list[str]:
    return [item.delivery_id for item in claimed]


def row_of(control: Control, delivery_id: str) -> Any:
    with control.reading() as connection:
        return connection.execute(select(delivery).where(delivery.c.delivery_id == delivery_id)).one()


def states(control: Control) -> Counter[str]:
    with control.reading() as connection:
        return Counter(connection.execute(select(delivery.c.state)).scalars())


def failures_of(control: Control, delivery_id: str) -> list[str]:
    """Return what each attempt at a delivery ended with, in order; empty where it went well."""
    mine = select(attempt.c.failure).where(attempt.c.delivery_id == delivery_id).order_by(attempt.c.number)
    with control.reading() as connection:
        return list(connection.execute(mine).scalars())


def endpoint_of(control: Control, wish: Registration) -> Any:
    with control.reading() as connection:
        return connection.execute(select(endpoint).where(endpoint.c.endpoint_id == wish.endpoint)).one()


def version_of(control: Control, wish: Registration) -> int | None:
    """Return the version that a registration received last."""
    mine = select(progress.c.version).where(progress.c.registration_id == wish.registration_id)
    with control.reading() as connection:
        found: int | None = connection.execute(mine).scalar()
    return found


def state_of_registration(control: Control, wish: Registration) -> tuple[str, str]:
    mine = select(registration.c.state, registration.c.reason).where(
        registration.c.registration_id == wish.registration_id
    )
    with control.reading() as connection:
        state, reason = connection.execute(mine).one()
    return state, reason


@dataclass(frozen=True)
class Books:
    """What the control plane says after a test."""

    lost: set[str]
    unfinished: set[str]
    delivered: set[str]
    over_policy: set[str]


def books(control: Control, most_attempts: int) -> Books:
    """Add up the queue: events without a delivery, deliveries that are not final, delivered ones, too many attempts."""
    with control.reading() as connection:
        rows = connection.execute(select(delivery.c.delivery_id, delivery.c.state, delivery.c.attempts)).all()
        carried = set(connection.execute(select(outbox.c.delivery_id)).scalars())
    final = {"delivered", "dead", "cancelled", "skipped"}
    return Books(
        lost=carried - {row.delivery_id for row in rows},
        unfinished={row.delivery_id for row in rows if row.state not in final},
        delivered={row.delivery_id for row in rows if row.state == "delivered"},
        over_policy={row.delivery_id for row in rows if row.attempts > most_attempts},
    )
