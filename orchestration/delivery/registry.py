"""Keeps registrations in the control plane; every change is audited.

Validation by a real delivery is the business of ``trial``; here a registration is read
and written as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, select

from orchestration.control import changes
from orchestration.control.delivery_tables import consumer, endpoint, registration
from orchestration.control.secrets import resolve
from orchestration.delivery.channels.channel import Endpoint
from orchestration.delivery.queue import standing
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.registration import Place, Registration
from orchestration.delivery.sealing import Seal
from orchestration.delivery.terms import Terms
from orchestration.failures import SettingsError


def endpoint_id(channel: str, address: str) -> str:
    """Return the name under which an address's breaker and rate limit are kept."""
    return sha256(f"{channel} {address}".encode()).hexdigest()[:16]


def add(connection: Connection, wish: Registration) -> None:
    """Add a registration and, if it is new, its endpoint. A removed one's name may be taken again.

    Raises:
        SettingsError: the tenant has one of that name, or no such consumer.
    """
    require_consumer(connection, wish.tenant, wish.consumer)
    if _is_removed(connection, wish.place):
        changes.restore(connection, registration, _key(wish.place))
        changes.update(connection, registration, _key(wish.place), _values(wish))
    else:
        changes.insert(connection, registration, {**_key(wish.place), **_values(wish)})
    keep_endpoint(connection, wish)


def require_consumer(connection: Connection, tenant: str, name: str) -> None:
    """Refuse a consumer who is not there.

    Raises:
        SettingsError: names the command that adds one.
    """
    known = select(consumer.c.consumer_id).where(
        consumer.c.tenant_id == tenant, consumer.c.consumer_id == name, consumer.c.deleted_at.is_(None)
    )
    if connection.execute(known).one_or_none() is None:
        message = f"Tenant {tenant!r} has no consumer {name!r}."
        raise SettingsError(message, f"Add it: strata consumer add {tenant}/{name} --contact …")


def change(connection: Connection, wish: Registration) -> bool:
    """Write a registration's new values; say whether anything differed.

    Raises:
        SettingsError: the tenant has no such consumer.
    """
    require_consumer(connection, wish.tenant, wish.consumer)
    differs = changes.update(connection, registration, _key(wish.place), _values(wish))
    keep_endpoint(connection, wish)
    standing.follow(connection, wish.place, wish.endpoint)
    return differs


def set_state(connection: Connection, place: Place, state: str, reason: str = "") -> bool:
    """Activate, pause or disable a registration; say whether anything differed.

    What waits of a paused one goes on when it is active again; of a disabled one it is cancelled.
    """
    differs = changes.update(connection, registration, _key(place), {"state": state, "reason": reason[:500]})
    if state == "active":
        standing.resume(connection, database_now(connection), place)
    elif state == "disabled":
        standing.cancel_waiting(connection, database_now(connection), place, f"Disabled: {reason}")
    return differs


def remove(connection: Connection, place: Place) -> None:
    """Mark a registration as deleted, and cancel what waits; nothing more is written into its outbox."""
    changes.soft_delete(connection, registration, _key(place))
    standing.cancel_waiting(connection, database_now(connection), place, "The registration was removed.")


def keep_endpoint(connection: Connection, wish: Registration) -> None:
    """Make the row of a registration's endpoint when there is none."""
    key = {"tenant_id": wish.tenant, "endpoint_id": wish.endpoint}
    there = select(endpoint.c.endpoint_id).where(*(endpoint.c[name] == value for name, value in key.items()))
    if connection.execute(there).one_or_none() is None:
        connection.execute(endpoint.insert().values(**key))


def find(connection: Connection, place: Place) -> Registration:
    """Return a registration.

    Raises:
        SettingsError: there is none of that name, or it is deleted.
    """
    for found in _read(connection, [registration.c[name] == value for name, value in _key(place).items()]):
        return found
    remedy = f"See: strata registration list {place[0]}"
    raise SettingsError(f"Tenant {place[0]!r} has no registration {place[1]!r}.", remedy)


def registrations(
    connection: Connection, tenant: str | None = None, places: Collection[Place] | None = None
) -> list[Registration]:
    """Return what is registered, of one tenant or of all, sorted; ``places`` narrows it further."""
    narrowed = [registration.c.tenant_id == tenant] if tenant else []
    if places is not None:
        narrowed += [registration.c.tenant_id.in_({name for name, _ in places})]
        narrowed += [registration.c.registration_id.in_({name for _, name in places})]
    found = _read(connection, narrowed)
    return [item for item in found if places is None or item.place in places]


def resolve_endpoint(wish: Registration, seal: Seal) -> Endpoint:
    """Fetch the secrets of a registration's channel.

    Raises:
        SettingsError: a secret is not there, or was sealed under another pepper.
    """
    plain = {name: str(kept["value"]) for name, kept in wish.settings.items() if "value" in kept}
    secrets = {
        name: resolve(kept["reference"]) if "reference" in kept else seal.open(kept["sealed"], wish.place, name)
        for name, kept in wish.settings.items()
        if "value" not in kept
    }
    return Endpoint(
        tenant=wish.tenant,
        registration_id=wish.registration_id,
        endpoint_id=wish.endpoint,
        settings=plain,
        timeout_seconds=wish.terms.timeout_seconds,
        secrets=secrets,
    )


def _is_removed(connection: Connection, place: Place) -> bool:
    gone = select(registration.c.deleted_at).where(
        registration.c.tenant_id == place[0],
        registration.c.registration_id == place[1],
        registration.c.deleted_at.is_not(None),
    )
    return connection.execute(gone).one_or_none() is not None


def _read(connection: Connection, conditions: list[Any]) -> Iterator[Registration]:
    statement = (
        select(registration)
        .where(registration.c.deleted_at.is_(None), *conditions)
        .order_by(registration.c.tenant_id, registration.c.registration_id)
    )
    for row in connection.execute(statement).mappings():
        yield _registration(row)


def _registration(row: RowMapping) -> Registration:
    return Registration(
        tenant=row["tenant_id"],
        registration_id=row["registration_id"],
        consumer=row["consumer_id"],
        title=row["title"],
        events=tuple(row["events"]),
        tables=tuple((schema, table) for schema, table in (name.split(".", 1) for name in row["tables"])),
        columns=tuple(row["columns"]),
        where=tuple(row["conditions"]),
        payload=row["payload"],
        format=row["format"],
        channel=row["channel"],
        settings=row["settings"],
        endpoint=row["endpoint_id"],
        terms=msgspec.convert(row["terms"], Terms),
        state=row["state"],
        reason=row["reason"],
    )


def _values(wish: Registration) -> dict[str, Any]:
    return {
        "consumer_id": wish.consumer,
        "title": wish.title,
        "events": list(wish.events),
        "tables": [".".join(table) for table in wish.tables],
        "columns": list(wish.columns),
        "conditions": list(wish.where),
        "payload": wish.payload,
        "format": wish.format,
        "channel": wish.channel,
        "settings": dict(wish.settings),
        "endpoint_id": wish.endpoint,
        "terms": msgspec.to_builtins(wish.terms),
        "state": wish.state,
        "reason": wish.reason,
    }


def _key(place: Place) -> Mapping[str, str]:
    return {"tenant_id": place[0], "registration_id": place[1]}
