"""What PostgreSQL's catalogue says of a table, in the contract's types."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration import names
from orchestration.contracts.model import Contract
from orchestration.contracts.types import ColumnType
from orchestration.failures import ContractViolated, SchemaDrift
from source_systems.product.session import Session

_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')
_PLAIN = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "oid": "bigint",
    "float4": "double",
    "float8": "double",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "uuid": "uuid",
    "json": "json",
    "jsonb": "json",
}
_COLUMNS = """
WITH RECURSIVE type AS (
  SELECT attnum, attname, atttypid AS id, atttypmod AS modifier FROM pg_attribute
  WHERE attrelid = {relation}::oid AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT attnum, attname, typbasetype, greatest(typtypmod, modifier) FROM type JOIN pg_type t ON t.oid = id
  WHERE typtype = 'd'
)
SELECT attname::text AS name, typname::text AS type, modifier FROM type JOIN pg_type t ON t.oid = id
WHERE typtype <> 'd' ORDER BY attnum
"""
"""Columns with their types; a domain counts as the type that it narrows."""


@dataclass(frozen=True)
class SourceColumn:
    """A column as PostgreSQL has it: its name, its type's name, and the type's modifier (-1 for none)."""

    name: str
    type: str
    modifier: int

    @property
    def decimal(self) -> tuple[int, int] | None:
        """Precision and scale of a numeric; ``None`` when it is unbounded or scaled in ways no contract knows."""
        if self.type != "numeric" or self.modifier < 0:
            return None
        precision, scale = (self.modifier - 4) >> 16 & 0xFFFF, (self.modifier - 4) & 0x7FF
        return (precision, scale) if precision <= 38 and scale <= precision else None

    @property
    def contract_type(self) -> ColumnType:
        """The type that holds every value of this one; text for what the contract has no type for."""
        if self.decimal:
            return ColumnType("decimal", precision=self.decimal[0], scale=self.decimal[1])
        if self.type in ("varchar", "bpchar") and self.modifier > 4:
            return ColumnType("text", length=self.modifier - 4)
        return ColumnType(_PLAIN.get(self.type, "text"))  # type: ignore[arg-type]  # the dictionary's values are kinds


def table_of(contract: Contract, default_schema: str) -> names.Table:
    """Return schema and table: ``invoice``, ``billing.invoice``, or quoted where a name holds a dot.

    Raises:
        ContractViolated: ``physicalName`` is no such name.
    """
    parts = [quoted.replace('""', '"') or plain for quoted, plain in _PART.findall(contract.physical_name)]
    if not 1 <= len(parts) <= 2:
        message = f"{contract.source}/{contract.entity}: physicalName {contract.physical_name!r} is no table's name."
        raise ContractViolated(message, 'Write table, schema.table or "odd.schema"."odd table".')
    return (parts[0], parts[1]) if len(parts) == 2 else (default_schema, parts[0])


def read_columns(session: Session, contract: Contract, table: names.Table) -> dict[str, SourceColumn]:
    """Return a table's or view's columns by name, in its own order.

    Raises:
        SchemaDrift: there is no such table, or the user may not see it.
    """
    regclass = f"to_regclass({names.literal(names.qualified(table))})"
    rows = session.rows(_COLUMNS.format(relation=regclass))
    if not rows:
        message = f"{contract.source}/{contract.entity}: the database has no table {'.'.join(table)}."
        raise SchemaDrift(message, "Correct physicalName in the contract, or grant USAGE on the schema.")
    return {row["name"]: SourceColumn(row["name"], row["type"], row["modifier"]) for row in rows}


def contract_types(contract: Contract, columns: dict[str, SourceColumn]) -> dict[str, ColumnType]:
    """Return the columns' types by name; where PostgreSQL sets a numeric no bounds, the contract's decimal holds."""
    agreed = {column.source_name: column.type for column in contract.columns if column.type.kind == "decimal"}
    return {
        name: agreed[name]
        if name in agreed and column.type == "numeric" and not column.decimal
        else column.contract_type
        for name, column in columns.items()
    }
