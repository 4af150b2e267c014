"""What the control plane keeps of one tenant, as people and exports may see it: without secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select

from orchestration.control import Control, tables
from orchestration.control.metadata import SECRET
from orchestration.failures import SettingsError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """A tenant's rows by table; ``document`` is all of them but the audit trail."""

    tenant: Row
    document: Mapping[str, Sequence[Row]]
    audit: Sequence[Row]

    @property
    def title(self) -> str:
        """The tenant's name for people."""
        return str(self.tenant["title"])


def require_tenant(control: Control, tenant: str) -> Row:
    """Return the tenant's row.

    Raises:
        SettingsError: there is none.
    """
    with control.reading() as connection:
        return require_row(connection, tenant)


def require_row(connection: Connection, tenant: str) -> Row:
    """Return the tenant's row within a transaction; raises as :func:`require_tenant` does."""
    found = find_row(connection, tenant)
    if found is None:
        remedy = "See who there is: strata tenant list. A removed tenant is gone for good."
        raise SettingsError(f"Tenant {tenant!r} is unknown.", remedy)
    return found


def find_row(connection: Connection, tenant: str) -> Row | None:
    """Return the tenant's row, or ``None``."""
    rows = rows_of(connection, tables.tenant, tenant)
    return rows[0] if rows else None


def rows_of(connection: Connection, table: Table, tenant: str) -> list[Row]:
    """Return a tenant's rows of one table, secrets left out, in the order of their keys."""
    shown = [column for column in table.columns if not column.info.get(SECRET)]
    query = select(*shown).where(table.c.tenant_id == tenant).order_by(*table.primary_key.columns)
    return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def read(control: Control, tenant: str) -> Known:
    """Return everything that is known of a tenant.

    Raises:
        SettingsError: the tenant is unknown.
    """
    with control.reading() as connection:
        row = require_row(connection, tenant)
        found = {table.name: rows_of(connection, table, tenant) for table in tables.TENANT_TABLES}
    audit = found.pop(tables.audit.name)
    return Known(row, found, audit)


def count_rows(control: Control, tenant: str) -> dict[str, int]:
    """Count a tenant's rows by table."""
    with control.reading() as connection:
        return {
            table.name: connection.execute(
                select(func.count()).select_from(table).where(table.c.tenant_id == tenant)
            ).scalar_one()
            for table in tables.TENANT_TABLES
        }
