"""Takes back deliveries whose worker let the lease run out, and keeps its own leases from running out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from orchestration.control.delivery_tables import FINAL_STATES, delivery
from orchestration.delivery import registry
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.queue import attempts
from orchestration.delivery.queue.claimed import Claimed, Outcome
from orchestration.delivery.queue.release import release, way
from orchestration.delivery.queue.rows import Key, locked, write
from orchestration.delivery.queue.schedule import rank
from orchestration.delivery.queue.settle import held
from orchestration.delivery.registration import Place, Registration

_MESSAGE = "The worker that had it was gone before its lease ran out."


def rescue(connection: Connection, now: int, limit: int = 1000) -> int:
    """Take back what is leased past its time; return how much.

    A settlement that comes at the same moment and one of these exclude each other: both hold the row, and look
    at its state and lease again when they have it.
    """
    overdue = (
        select(delivery)
        .where(delivery.c.state == "leased", delivery.c.lease_until < now)
        .order_by(delivery.c.lease_until)
        .limit(limit)
    )
    rows = connection.execute(locked(overdue, delivery, skip=True)).mappings().all()
    if not rows:
        return 0
    places = {(row["tenant_id"], row["registration_id"]) for row in rows}
    wishes = {item.place: item for item in registry.registrations(connection, places=places)}
    changed = _taken_back(rows, wishes, now)
    write(connection, changed)
    attempts.record(connection, [_crashed(row, now) for row in rows], "")
    states = {key: values["state"] for key, values in changed}
    release(connection, now, [way(row) for row in rows if states[_key(row)] in FINAL_STATES])
    return len(rows)


def renew(connection: Connection, now: int, claimed: Sequence[Claimed], lease_ms: int) -> list[Claimed]:
    """Keep deliveries that take long; return those that are no longer this worker's."""
    mine = held(connection, claimed)
    write(connection, [(key, {"lease_until": now + lease_ms}) for key in mine])
    return [item for item in claimed if item.key not in mine]


def _taken_back(
    rows: Sequence[RowMapping], wishes: Mapping[Place, Registration], now: int
) -> list[tuple[Key, dict[str, Any]]]:
    """Return the new values: at once another attempt, or the end."""
    changed = []
    for row in rows:
        wish = wishes.get((row["tenant_id"], row["registration_id"]))
        values: dict[str, Any] = {"lease_token": None, "lease_until": None, "failure": DeliveryFailure.CRASHED}
        values |= {"message": _MESSAGE, "due_at": now}
        if wish is None or row["attempts"] >= wish.terms.most_attempts:
            state = "cancelled" if wish is None else "dead"
            values |= {"state": state, "rank": row["rank"], "finished_at": now}
        else:
            values |= {"state": "ready", "rank": rank(now, wish.terms), "finished_at": None}
        changed.append((_key(row), values))
    return changed


def _crashed(row: RowMapping, now: int) -> Outcome:
    claimed = Claimed(
        tenant=row["tenant_id"],
        delivery_id=row["delivery_id"],
        registration_id=row["registration_id"],
        endpoint_id=row["endpoint_id"],
        subject=row["subject"],
        lane=row["lane"],
        attempt=row["attempts"],
        events=(),
        event_count=row["events"],
        from_version=row["from_version"],
        to_version=row["to_version"],
    )
    return Outcome(claimed, row["lease_until"], max(0, now - row["lease_until"]), DeliveryFailure.CRASHED, _MESSAGE)


def _key(row: RowMapping) -> Key:
    return row["tenant_id"], row["delivery_id"]
