"""Keeps what registrations received: the newest version of each table; an older one that is replayed moves nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Insert, bindparam, exists, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from orchestration.control.delivery_tables import progress
from orchestration.delivery.queue.claimed import Claimed
from orchestration.delivery.queue.contents import table_of

_KEY = ("tenant_id", "registration_id", "schema_name", "table_name")


def keep_received(connection: Connection, now: int, delivered: Iterable[Claimed]) -> None:
    """Move progress on to what was delivered, or needed no delivery."""
    newest: dict[tuple[str, str, str], tuple[int, str]] = {}
    for item in delivered:
        if item.to_version is not None and item.events:
            key = (item.tenant, item.registration_id, item.subject)
            newest[key] = max(newest.get(key, (0, "")), (item.to_version, item.events[-1].key))
    if not newest:
        return
    rows = [
        dict(zip(_KEY, (tenant, registration, *table_of(event_key)), strict=True))
        | {"version": version, "delivered_at": now}
        # In one order for all who write them, so that none waits for another in a circle.
        for (tenant, registration, _), (version, event_key) in sorted(newest.items())
    ]
    connection.execute(_missing(connection.dialect.name), rows)
    newer = update(progress).where(
        *(progress.c[name] == bindparam(f"of_{name}") for name in _KEY), progress.c.version < bindparam("to_version")
    )
    statement = newer.values(version=bindparam("to_version"), delivered_at=bindparam("at"))
    connection.execute(statement, [_named(row) for row in rows])


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {f"of_{name}": row[name] for name in _KEY} | {"to_version": row["version"], "at": row["delivered_at"]}


def _missing(dialect: str) -> Insert:
    """Return the statement that adds a row where there is none."""
    if dialect == "sqlite":
        return sqlite.insert(progress).on_conflict_do_nothing()
    if dialect == "postgresql":
        return postgresql.insert(progress).on_conflict_do_nothing()
    there = exists(literal(1)).where(*(progress.c[name] == bindparam(name) for name in _KEY))
    columns = [column.name for column in progress.columns]
    row = select(*(bindparam(name, type_=progress.c[name].type) for name in columns)).where(~there)
    return insert(progress).from_select(columns, row)
