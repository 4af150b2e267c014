"""The small set of column types that every engine of this project knows.

A contract's ``physicalType`` is written in this grammar. ``timestamp`` is an
instant and is kept in UTC without a zone (DuckDB ``TIMESTAMP``, SQL Server
``datetime2(6)``); ``text`` is unbounded Unicode; money is ``decimal``, never
``double``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

import pyarrow as pa

Kind = Literal[
    "smallint", "integer", "bigint", "decimal", "double", "boolean", "date", "timestamp", "text", "uuid", "json"
]
_PARAMETRIC = re.compile(r"^(decimal|text)\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$")

_ARROW: dict[Kind, pa.DataType] = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "text": pa.string(),
    "uuid": pa.string(),
    "json": pa.string(),
}
_DUCKDB: dict[Kind, str] = {
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "text": "VARCHAR",
    "uuid": "VARCHAR",
    "json": "VARCHAR",
}
_INTEGER_RANK = {"smallint": 1, "integer": 2, "bigint": 3}


@dataclass(frozen=True)
class ColumnType:
    """One type; ``precision`` and ``scale`` for decimals, ``length`` for bounded text (characters)."""

    kind: Kind
    precision: int = 0
    scale: int = 0
    length: int = 0

    def __str__(self) -> str:
        """Write the type in the contract's grammar."""
        if self.kind == "decimal":
            return f"decimal({self.precision},{self.scale})"
        return f"text({self.length})" if self.length else self.kind

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type that holds it exactly."""
        return pa.decimal128(self.precision, self.scale) if self.kind == "decimal" else _ARROW[self.kind]

    @property
    def duckdb(self) -> str:
        """The DuckDB type that holds it exactly."""
        return f"DECIMAL({self.precision},{self.scale})" if self.kind == "decimal" else _DUCKDB[self.kind]

    def holds(self, other: ColumnType) -> bool:
        """Say whether every value of ``other`` fits this type unchanged."""
        if self.kind in _INTEGER_RANK and other.kind in _INTEGER_RANK:
            return _INTEGER_RANK[self.kind] >= _INTEGER_RANK[other.kind]
        if self.kind == other.kind == "decimal":
            return self.scale >= other.scale and self.precision - self.scale >= other.precision - other.scale
        if self.kind == "text":
            return other.kind in ("text", "uuid", "json")
        return self.kind == other.kind


def parse_type(text: str) -> ColumnType:
    """Read a type such as ``decimal(18,2)``, ``text(40)`` or ``timestamp``.

    Raises:
        ValueError: the text is no type of the grammar; says which ones are.
    """
    plain = text.strip().lower()
    if match := _PARAMETRIC.match(plain):
        return _parametric(match)
    if plain in get_args(Kind) and plain != "decimal":
        return ColumnType(plain)  # type: ignore[arg-type]
    known = ", ".join(kind for kind in get_args(Kind) if kind != "decimal")
    msg = f"type {text!r} is unknown; write one of {known}, text(n) or decimal(p,s)"
    raise ValueError(msg)


def _parametric(match: re.Match[str]) -> ColumnType:
    kind, first, second = match[1], int(match[2]), int(match[3] or 0)
    if kind == "text":
        return ColumnType("text", length=first)
    if not 1 <= first <= 38 or second > first:
        msg = f"{match[0]}: precision must be 1 to 38 and scale at most the precision"
        raise ValueError(msg)
    return ColumnType("decimal", precision=first, scale=second)
