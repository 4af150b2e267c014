"""What a built table holds: its rows' number, the first of them, and totals of its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from orchestration.names import Table, qualified, quote
from orchestration.scripts.types import Columns


@dataclass(frozen=True)
class Summary:
    """One table; ``first`` are rows in the order of its columns, ``totals`` are by numeric column."""

    table: Table
    columns: Columns
    rows: int
    first: Sequence[Sequence[object]]
    totals: Mapping[str, object]


def summary(con: duckdb.DuckDBPyConnection, schema: str, table: Table, columns: Columns, limit: int) -> Summary:
    """Read a table that was built in a schema."""
    place = qualified((schema, table[1]))
    numbers = [name for name, kind in columns.items() if kind.is_number]
    sums = "".join(f", sum({quote(name)})" for name in numbers)
    rows, *totals = con.execute(f"SELECT count(*){sums} FROM {place}").fetchall()[0]
    first = con.execute(f"SELECT * FROM {place} ORDER BY ALL LIMIT {limit}").fetchall()
    return Summary(table, columns, int(rows), first, dict(zip(numbers, totals, strict=True)))
