"""What a built table holds: its rows' number, the first of them, and totals of its numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from orchestration.names import Table, qualified, quote
from orchestration.scripts.types import Columns, SqlType

_NOT_ADDED_UP = re.compile(
    r"(^|_)(rate|rates|ratio|percent|percentage|pct|share|number|position|rank|month|year|quarter|day|id|key|price)$",
    re.IGNORECASE,
)


def is_added_up(name: str, kind: SqlType) -> bool:
    """Say whether a column's total says anything: not of rates, shares, positions, keys or parts of dates."""
    return kind.is_number and not _NOT_ADDED_UP.search(name)


@dataclass(frozen=True)
class Summary:
    """One table; ``first`` are rows in the order of its columns, ``totals`` are by column that can be added up."""

    table: Table
    columns: Columns
    rows: int
    first: Sequence[Sequence[object]]
    totals: Mapping[str, object]


def summary(con: duckdb.DuckDBPyConnection, schema: str, table: Table, columns: Columns, limit: int) -> Summary:
    """Read a table that was built in a schema."""
    place = qualified((schema, table[1]))
    numbers = [name for name, kind in columns.items() if is_added_up(name, kind)]
    sums = "".join(f", sum({quote(name)})" for name in numbers)
    rows, *totals = con.execute(f"SELECT count(*){sums} FROM {place}").fetchall()[0]
    first = con.execute(f"SELECT * FROM {place} ORDER BY ALL LIMIT {limit}").fetchall()
    return Summary(table, columns, int(rows), first, dict(zip(numbers, totals, strict=True)))
