"""How the queue reads and writes many rows of ``delivery`` at once, the same on every kind of database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, Update, and_, bindparam, false, or_, update

from orchestration.control.delivery_tables import delivery
from orchestration.delivery.queue.names import one_of

Key = tuple[str, str]
"""Tenant and delivery, or tenant and registration, or tenant and endpoint."""


def among(table: Table, column: str, keys: Iterable[Key]) -> ColumnElement[bool]:
    """Return the condition that a row is one of those; SQL Server compares no pairs, so it goes tenant by tenant."""
    of_tenant: defaultdict[str, set[str]] = defaultdict(set)
    for tenant, name in keys:
        of_tenant[tenant].add(name)
    each = (and_(table.c.tenant_id == tenant, one_of(table.c[column], names)) for tenant, names in of_tenant.items())
    return or_(*each, false())


def locked(statement: Select[Any], table: Table, *, skip: bool) -> Select[Any]:
    """Hold the rows until the transaction ends; ``skip`` passes over those that others hold instead of waiting.

    SQLite, whose transactions write alone, has nothing to lock.
    """
    hint = "WITH (UPDLOCK, ROWLOCK, READPAST, READCOMMITTEDLOCK)" if skip else "WITH (UPDLOCK, ROWLOCK)"
    return statement.with_for_update(of=table, skip_locked=skip).with_hint(table, hint, "mssql")


def write(connection: Connection, changed: Iterable[tuple[Key, Mapping[str, Any]]]) -> None:
    """Give deliveries new values; the caller holds their rows and has seen their state.

    It is no condition here: SQLite would look for so many rows by it, and go through all that are ready.

    Those that take the same values are one statement: most of what is settled at once was delivered. Values that are
    one object are compared once.
    """
    same: dict[int, tuple[Mapping[str, Any], list[Key]]] = {}
    for key, values in changed:
        same.setdefault(id(values), (values, []))[1].append(key)
    alike: defaultdict[tuple[tuple[str, Any], ...], list[Key]] = defaultdict(list)
    for values, keys in same.values():
        alike[tuple(values.items())] += keys
    singles: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for items, keys in alike.items():
        values = dict(items)
        if len(keys) > 1:
            connection.execute(update(delivery).where(among(delivery, "delivery_id", keys)).values(values))
        else:
            named = {"of_tenant": keys[0][0], "of_delivery": keys[0][1]}
            singles[tuple(values)].append(named | {f"new_{name}": value for name, value in items})
    for columns, rows in singles.items():
        connection.execute(_one(columns), rows)


def _one(columns: Iterable[str]) -> Update:
    """Return the statement that changes one delivery, for many in turn."""
    return (
        update(delivery)
        .where(
            delivery.c.tenant_id == bindparam("of_tenant"),
            delivery.c.delivery_id == bindparam("of_delivery"),
        )
        .values({name: bindparam(f"new_{name}") for name in columns})
    )
