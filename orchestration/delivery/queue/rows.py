"""How the queue reads and writes many rows of ``delivery`` at once, the same on every kind of database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, false, or_, update

from orchestration.control.delivery_tables import delivery

Key = tuple[str, str]
"""Tenant and delivery, or tenant and registration, or tenant and endpoint."""


def among(table: Table, column: str, keys: Iterable[Key]) -> ColumnElement[bool]:
    """Return the condition that a row is one of those; SQL Server compares no pairs, so it goes tenant by tenant."""
    of_tenant: defaultdict[str, set[str]] = defaultdict(set)
    for tenant, name in keys:
        of_tenant[tenant].add(name)
    mine = [and_(table.c.tenant_id == tenant, table.c[column].in_(names)) for tenant, names in of_tenant.items()]
    return or_(*mine) if mine else false()


def locked(statement: Select[Any], table: Table, *, skip: bool) -> Select[Any]:
    """Hold the rows until the transaction ends; ``skip`` passes over those that others hold instead of waiting.

    SQLite, whose transactions write alone, has nothing to lock.
    """
    hint = "WITH (UPDLOCK, ROWLOCK, READPAST, READCOMMITTEDLOCK)" if skip else "WITH (UPDLOCK, ROWLOCK)"
    return statement.with_for_update(of=table, skip_locked=skip).with_hint(table, hint, "mssql")


def write(connection: Connection, changed: Sequence[tuple[Key, dict[str, Any]]], *, state: str) -> None:
    """Give deliveries that are in ``state`` new values, the same columns for each; the caller holds their rows."""
    if not changed:
        return
    columns = changed[0][1]
    statement = (
        update(delivery)
        .where(
            delivery.c.tenant_id == bindparam("of_tenant"),
            delivery.c.delivery_id == bindparam("of_delivery"),
            delivery.c.state == state,
        )
        .values({name: bindparam(f"new_{name}") for name in columns})
    )
    connection.execute(
        statement,
        [
            {"of_tenant": tenant, "of_delivery": name, **{f"new_{column}": value for column, value in values.items()}}
            for (tenant, name), values in changed
        ],
    )
