"""Sends deliveries again under the same id, delivered ones too, and cancels those that wait; both are audited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from orchestration.control import Control, changes
from orchestration.control.delivery_tables import FINAL_STATES, WAITING_STATES, delivery, endpoint, registration
from orchestration.delivery import registry
from orchestration.delivery.deliveries import Selection
from orchestration.delivery.outbox import lanes
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.queue.release import release, way
from orchestration.delivery.queue.rows import Key, among, locked, write
from orchestration.delivery.queue.schedule import rank
from orchestration.failures import SettingsError

AT_ONCE = 10_000
"""Deliveries that one call replays or cancels at most."""
_CANCELLABLE = tuple(state for state in WAITING_STATES if state != "leased")


def replay(control: Control, selection: Selection, actor: str, limit: int = AT_ONCE) -> int:
    """Send final deliveries again, the oldest first, and return how many; without states, dead letters.

    They keep their ids, so a receiver that had one already knows it; their attempts are counted anew. In a lane they
    wait for their turn. An endpoint that was left alone is tried at once.

    Raises:
        SettingsError: the one that is named is under way, or its registration is disabled or removed.
    """
    wanted = selection if selection.states else replace(selection, states=("dead",))
    if selection.delivery_id and not selection.states:
        wanted = replace(selection, states=FINAL_STATES)
    with control.transaction(actor, selection.tenant) as connection:
        lanes.enter(connection)
        rows = _hold(connection, wanted, FINAL_STATES, limit, served=True)
        if not rows:
            _require_none_disabled(connection, wanted)
        if selection.delivery_id and not rows:
            raise _refusal(connection, selection, "is no final delivery of an active registration")
        now = database_now(connection)
        _put_back(connection, rows, now)
        release(connection, now, map(way, rows))
        _try_at_once(connection, {(row["tenant_id"], row["endpoint_id"]) for row in rows}, now)
        _audit(connection, "replay", selection, rows)
    return len(rows)


def cancel(control: Control, selection: Selection, actor: str, limit: int = AT_ONCE) -> int:
    """Cancel deliveries that wait and return how many; one that is being sent is left to end.

    Dead letters are put away when they are named, by their id or by their state.

    Raises:
        SettingsError: the one that is named is neither waiting nor dead.
    """
    with control.transaction(actor, selection.tenant) as connection:
        # A dead letter is put away only by who names it.
        dead = ("dead",) if selection.delivery_id or "dead" in selection.states else ()
        rows = _hold(connection, selection, (*_CANCELLABLE, *dead), limit, served=False)
        if selection.delivery_id and not rows:
            raise _refusal(connection, selection, "is neither waiting nor dead")
        now = database_now(connection)
        values = {"due_at": now, "finished_at": now, "message": f"Cancelled by {actor}."}
        changed = [(_key(row), values | {"state": "cancelled"}) for row in rows]
        write(connection, changed)
        release(connection, now, map(way, rows))
        _audit(connection, "cancel", selection, rows)
    return len(rows)


def _hold(
    connection: Connection, selection: Selection, states: Sequence[str], limit: int, *, served: bool
) -> Sequence[RowMapping]:
    """Return and hold what is meant and in one of the states; ``served``: of registrations that are, too."""
    statement = select(delivery).where(*selection.conditions(), delivery.c.state.in_(states))
    if served:
        of = (registration.c.tenant_id == delivery.c.tenant_id) & (
            registration.c.registration_id == delivery.c.registration_id
        )
        alive = registration.c.deleted_at.is_(None) & (registration.c.state != "disabled")
        statement = statement.where(select(registration.c.state).where(of, alive).exists())
    oldest = statement.order_by(delivery.c.tenant_id, delivery.c.delivery_id).limit(limit)
    return connection.execute(locked(oldest, delivery, skip=False)).mappings().all()


def _require_none_disabled(connection: Connection, wanted: Selection) -> None:
    """Refuse to find nothing where a disabled registration is the reason.

    Raises:
        SettingsError: one is; names it.
    """
    is_meant = select(delivery.c.state).where(
        delivery.c.tenant_id == registration.c.tenant_id,
        delivery.c.registration_id == registration.c.registration_id,
        *wanted.conditions(),
    )
    conditions = [registration.c.state == "disabled", registration.c.deleted_at.is_(None)]
    conditions += [registration.c.tenant_id == wanted.tenant] if wanted.tenant else []
    is_named = wanted.registration and not wanted.delivery_id
    conditions += [registration.c.registration_id == wanted.registration] if is_named else [is_meant.exists()]
    found = connection.execute(select(registration).where(*conditions).limit(1)).mappings().first()
    if found:
        label = f"{found['tenant_id']}/{found['registration_id']}"
        message = f"Nothing can be sent again: registration {label} is disabled. {found['reason']}".strip()
        raise SettingsError(message, f"Once its cause is mended: strata registration resume {label}")


def _put_back(connection: Connection, rows: Sequence[RowMapping], now: int) -> None:
    places = {(row["tenant_id"], row["registration_id"]) for row in rows}
    wishes = {item.place: item for item in registry.registrations(connection, places=places)}
    changed = []
    fresh: dict[str, Any] = {"due_at": now, "attempts": 0, "finished_at": None, "failure": None, "message": None}
    for row in rows:
        place = rank(now, wishes[row["tenant_id"], row["registration_id"]].terms)
        state = "ready" if row["lane"] == lanes.NO_LANE else "blocked"
        changed.append((_key(row), fresh | {"state": state, "rank": place}))
    write(connection, changed)


def _try_at_once(connection: Connection, keys: set[Key], now: int) -> None:
    """Let a probe through to endpoints that are left alone."""
    if keys:
        left_alone = update(endpoint).where(among(endpoint, "endpoint_id", keys), endpoint.c.open_until > now)
        connection.execute(left_alone.values(open_until=now))


def _audit(connection: Connection, deed: str, selection: Selection, rows: Sequence[RowMapping]) -> None:
    for tenant, count in sorted(Counter(row["tenant_id"] for row in rows).items()):
        after = {"deliveries": count, "selection": selection.text}
        changes.record(connection, tenant, deed, f"delivery {selection.delivery_id or selection.text}", after=after)


def _refusal(connection: Connection, selection: Selection, why: str) -> SettingsError:
    named = Selection(selection.tenant, None, selection.delivery_id)
    found = connection.execute(select(delivery.c.state, delivery.c.registration_id).where(*named.conditions())).first()
    if found is None:
        return SettingsError(f"There is no delivery {selection.delivery_id!r}.", "See: strata deliveries list")
    message = f"{selection.delivery_id} {why}: it is {found.state}, of registration {found.registration_id}."
    return SettingsError(message, f"See: strata registration show {selection.tenant or '…'}/{found.registration_id}")


def _key(row: RowMapping) -> Key:
    return row["tenant_id"], row["delivery_id"]
