"""What belongs to a tenant in the warehouse, found in the catalog and not in a list that somebody has to keep.

Every table that holds tenants' rows names the tenant in a column: ``_tenant_id`` in data,
``tenant_id`` in the platform's own tables. Views need nothing: they show what their tables hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestration import names
from orchestration.names import Table
from orchestration.warehouse.protocol import Session

_PLATFORM_COLUMN = "tenant_id"


@dataclass(frozen=True)
class Found:
    """Something of a tenant's at one place: how many ``pieces`` of what ``kind`` (rows, files, databases …)."""

    place: str
    name: str
    kind: str
    pieces: int


@dataclass(frozen=True)
class Relation:
    """A table or view with rows of tenants, and the column that says whose they are."""

    table: Table
    column: str
    is_view: bool

    def of(self, tenant: str) -> str:
        """Return the condition for one tenant's rows."""
        return f"{names.quote(self.column)} = {names.literal(tenant)}"

    @property
    def label(self) -> str:
        """The name that people know."""
        return ".".join(self.table)


def relations(session: Session) -> list[Relation]:
    """Return every table and view that tells tenants apart, by name."""
    owned = {table: _owner(table) for table, columns in session.all_columns().items() if _owner(table) in columns}
    views = {(schema, name) for schema in {table[0] for table in owned} for name in session.views(schema)}
    return [Relation(table, column, table in views) for table, column in sorted(owned.items())]


def _owner(table: Table) -> str:
    return _PLATFORM_COLUMN if table[0] == names.PLATFORM else names.TENANT


def tables(session: Session) -> list[Relation]:
    """Return the tables alone: what is deleted from them is gone from the views."""
    return [relation for relation in relations(session) if not relation.is_view]


def find_rows(session: Session, tenant: str) -> Iterator[Found]:
    """Count a tenant's rows in every table that has any."""
    for relation in tables(session):
        where = f"FROM {names.qualified(relation.table)} WHERE {relation.of(tenant)}"
        if count := int(session.execute(f"SELECT count(*) {where}")[0][0]):
            yield Found("warehouse", relation.label, "rows", count)


def delete_rows(session: Session, tenant: str) -> None:
    """Delete a tenant's rows from every table; call it in a transaction."""
    for relation in tables(session):
        session.execute(f"DELETE FROM {names.qualified(relation.table)} WHERE {relation.of(tenant)}")
