"""How each column is selected, so that nothing is rounded, wrapped or lost on the way into Arrow.

The driver hands NUMERIC over as text, infinite dates as wrapped numbers, and one
NaN in a cast fails the whole COPY. So a NUMERIC of up to 18 digits is selected as a
scaled ``int8``, whose buffer becomes a decimal without a copy, and each type says
which values it cannot hold: such a *misfit* is NULL in the typed column, and its
row is handed over as text instead, for the gate to judge.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from orchestration import names
from orchestration.contracts.model import Column, Contract
from orchestration.contracts.types import ColumnType
from orchestration.failures import SchemaDrift
from source_systems.product.catalog import SourceColumn

INT64_DIGITS = 18
_INTEGERS = {"smallint": ("int2", 16), "integer": ("int4", 32), "bigint": ("int8", 64)}
_INTEGER_BITS = {"int2": 16, "int4": 32, "int8": 64}
_EXACT = {
    "double": ("float8", "float4", "int4", "int2"),
    "boolean": ("bool",),
    "date": ("date",),
    "timestamp": ("timestamp", "timestamptz"),
}
_TEXTS = ("text", "varchar", "name")


@dataclass(frozen=True)
class Selected:
    """A contract column's SQL: its typed value, when it is a misfit (``None``: never), and the text form for those."""

    column: Column
    value: str
    misfit: str | None
    text: str

    @property
    def sql(self) -> str:
        """The select item."""
        value = f"CASE WHEN {self.misfit} THEN NULL ELSE {self.value} END" if self.misfit else self.value
        return f"{value} AS {names.quote(self.column.name)}"

    def finish(self, array: pa.Array) -> pa.Array:
        """Turn what the driver gave into the contract's type, without a copy but for decimals beyond 18 digits."""
        kind = self.column.type
        if kind.kind == "decimal":
            return _scaled(array, kind) if kind.precision <= INT64_DIGITS else array.cast(kind.arrow)
        return array if array.type == kind.arrow else array.cast(kind.arrow)


def select_columns(contract: Contract, columns: tuple[Column, ...], source: dict[str, SourceColumn]) -> list[Selected]:
    """Return how to select columns of the contract.

    Raises:
        SchemaDrift: a column is gone, or its type never fits; names all of them.
    """
    gone = [column.source_name for column in columns if column.source_name not in source]
    if gone:
        message = f"{contract.source}/{contract.entity}: the source no longer has {', '.join(map(repr, gone))}."
        raise SchemaDrift(message, "Take the columns out of the contract, or have them brought back.")
    return [_select(contract, column, source[column.source_name]) for column in columns]


def _select(contract: Contract, column: Column, source: SourceColumn) -> Selected:
    x = names.quote(column.source_name)
    found = _typed(column.type, source, x)
    if found is None:
        message = f"{contract.source}/{contract.entity}: {column.source_name!r} is {source.type} in the source now, "
        raise SchemaDrift(f"{message}the contract says {column.type}.", "Correct the contract's physicalType.")
    return Selected(column, *found, text=_text(source, x))


def _typed(wanted: ColumnType, source: SourceColumn, x: str) -> tuple[str, str | None] | None:
    """Return a typed value's SQL and its misfits; ``None`` when the types have nothing to do with each other."""
    if wanted.kind in ("text", "uuid", "json"):
        return _text(source, x), None
    if wanted.kind == "decimal" and (source.type == "numeric" or source.type in _INTEGER_BITS):
        return _decimal(wanted, source, x)
    if wanted.kind in _INTEGERS and source.type in ("numeric", "oid", *_INTEGER_BITS):
        return _integer(wanted, source, x)
    if source.type not in _EXACT.get(wanted.kind, ()):
        return None
    if wanted.kind in ("date", "timestamp"):  # the driver would wrap infinity; four-digit years are what others hold
        return x, f"({x} < '0001-01-01' OR {x} >= '10000-01-01')"
    return (f"{x}::float8" if wanted.kind == "double" else x), None


def _decimal(wanted: ColumnType, source: SourceColumn, x: str) -> tuple[str, str | None]:
    value = f"({x} * {10**wanted.scale})::int8" if wanted.precision <= INT64_DIGITS else f"{x}::text"
    fits = source.decimal and wanted.holds(source.contract_type)
    if fits:
        return value, f"{x} = 'NaN'"
    limit = f"{10 ** (wanted.precision - wanted.scale)}::numeric"
    misfit = f"{x} <= -{limit} OR {x} >= {limit}"
    return value, misfit if source.type != "numeric" else f"({misfit} OR {x} <> round({x}, {wanted.scale}))"


def _integer(wanted: ColumnType, source: SourceColumn, x: str) -> tuple[str, str | None]:
    type_name, bits = _INTEGERS[wanted.kind]
    value = x if source.type == type_name else f"{x}::{type_name}"
    if _INTEGER_BITS.get(source.type, 128) <= bits or (source.type == "oid" and bits == 64):
        return value, None
    exact = "" if source.type != "numeric" else f" OR {x} <> trunc({x})"
    compared = f"{x}::int8" if source.type == "oid" else x
    return value, f"({compared} NOT BETWEEN {-(2 ** (bits - 1))} AND {2 ** (bits - 1) - 1}{exact})"


def _text(source: SourceColumn, x: str) -> str:
    """Write a value as text that means the same everywhere: instants in UTC without a zone, bytes in hexadecimal."""
    if source.type in _TEXTS:
        return x
    if source.type == "timestamptz":
        return f"({x} AT TIME ZONE 'UTC')::text"
    return f"encode({x}, 'hex')" if source.type == "bytea" else f"{x}::text"


def _scaled(array: pa.Array, kind: ColumnType) -> pa.Array:
    """Read integers as decimals over the same memory."""
    decimal = pa.decimal64(kind.precision, kind.scale)
    return pa.Array.from_buffers(decimal, len(array), array.buffers(), array.null_count, array.offset)
