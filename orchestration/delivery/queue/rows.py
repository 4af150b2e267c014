"""How the queue reads and writes many rows of ``delivery`` at once, the same on every kind of database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, Update, and_, bindparam, false, or_, update

from orchestration.control.delivery_tables import delivery

_AT_ONCE = 1000
"""Rows that one statement names: SQL Server takes 2,100 parameters."""

Key = tuple[str, str]
"""Tenant and delivery, or tenant and registration, or tenant and endpoint."""


def among(table: Table, column: str, keys: Iterable[Key]) -> ColumnElement[bool]:
    """Return the condition that a row is one of those; SQL Server compares no pairs, so it goes tenant by tenant."""
    of_tenant: defaultdict[str, set[str]] = defaultdict(set)
    for tenant, name in keys:
        of_tenant[tenant].add(name)
    return or_(*(_of_tenant(table, column, tenant, list(names)) for tenant, names in of_tenant.items()), false())


def _of_tenant(table: Table, column: str, tenant: str, names: list[str]) -> ColumnElement[bool]:
    # Given as one parameter, hundreds of names are taken as they are: three times as fast as a list of literals.
    given = bindparam(None, names, expanding=True, type_=table.c[column].type, unique=True)
    return and_(table.c.tenant_id == tenant, table.c[column].in_(given))


def locked(statement: Select[Any], table: Table, *, skip: bool) -> Select[Any]:
    """Hold the rows until the transaction ends; ``skip`` passes over those that others hold instead of waiting.

    SQLite, whose transactions write alone, has nothing to lock.
    """
    hint = "WITH (UPDLOCK, ROWLOCK, READPAST, READCOMMITTEDLOCK)" if skip else "WITH (UPDLOCK, ROWLOCK)"
    return statement.with_for_update(of=table, skip_locked=skip).with_hint(table, hint, "mssql")


def write(connection: Connection, changed: Iterable[tuple[Key, Mapping[str, Any]]]) -> None:
    """Give deliveries new values; the caller holds their rows and has seen their state.

    It is no condition here: SQLite would look for so many rows by it, and go through all that are ready.

    Those that take the same values are one statement: most of what is settled at once was delivered.
    """
    alike: defaultdict[tuple[tuple[str, Any], ...], list[Key]] = defaultdict(list)
    for key, values in changed:
        alike[tuple(values.items())].append(key)
    singles: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for items, keys in alike.items():
        values = dict(items)
        if len(keys) > 1:
            for start in range(0, len(keys), _AT_ONCE):
                these = among(delivery, "delivery_id", keys[start : start + _AT_ONCE])
                connection.execute(update(delivery).where(these).values(values))
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
