"""Tables of a server in parts of a month each, by the column that a contract names (``partitionBy``).

A query that asks for some months reads their parts alone. The parts reach from five years back to a year ahead; what
is older, or has no date, is in the first, and what is newer in the last. ``strata warehouse apply`` splits further
months off the last part before anything is in them.

The key's index is one over all parts: it keeps a key unique whatever its month, and finds a row by one seek. What
reads the clock or the server is at the end; the rest are pure functions that return text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256

from orchestration.names import Table, literal
from orchestration.warehouse.ddl import TableShape
from orchestration.warehouse.sqlserver.catalog import Run, object_ids
from orchestration.warehouse.sqlserver.quoting import bracketed
from orchestration.warehouse.sqlserver.types import stored_as

_MONTHS_BACK, _MONTHS_AHEAD, _MONTHS_LEFT = 60, 12, 6
"""A part costs nothing while it is empty; with less than those left ahead, further ones are made."""
_WHOLE = "[PRIMARY]"
_SCHEME = """
SELECT s.name FROM sys.indexes i JOIN sys.partition_schemes s ON s.data_space_id = i.data_space_id
WHERE i.index_id IN (0, 1) AND i.object_id = {id}"""
_LAST = """
SELECT f.name, MAX(CAST(v.value AS date)) FROM sys.partition_functions f
JOIN sys.partition_range_values v ON v.function_id = f.function_id GROUP BY f.name"""
_PARTED = re.compile(r" ON \[(?:[^\]]|\]\])+\]\((\[(?:[^\]]|\]\])+\])\); CREATE ")


@dataclass(frozen=True)
class Parts:
    """How a table is kept in parts: by a column of a T-SQL type; function and scheme have one name."""

    name: str
    column: str
    kind: str

    @property
    def clause(self) -> str:
        """What stands behind a table's columns."""
        return f" ON {bracketed(self.name)}({bracketed(self.column)})"

    def create(self, months: Sequence[date]) -> list[str]:
        """Return the statements that make function and scheme where they are not there; ``months`` begin the parts."""
        name, listed = bracketed(self.name), ", ".join(f"'{month}'" for month in months)
        function = f"CREATE PARTITION FUNCTION {name} ({self.kind}) AS RANGE RIGHT FOR VALUES ({listed})"
        scheme = f"CREATE PARTITION SCHEME {name} AS PARTITION {name} ALL TO ({_WHOLE})"
        return [
            f"IF NOT EXISTS (SELECT 1 FROM sys.partition_{kind} WHERE name = N{literal(self.name)}) {statement}"
            for kind, statement in (("functions", function), ("schemes", scheme))
        ]

    def split(self, months: Sequence[date]) -> str:
        """Return the statements that let each of some months begin a part of its own."""
        name = bracketed(self.name)
        used, split = f"ALTER PARTITION SCHEME {name} NEXT USED {_WHOLE}", f"ALTER PARTITION FUNCTION {name}()"
        return "; ".join(f"{used}; {split} SPLIT RANGE ('{month}')" for month in months)


def parts_of(table: Table, shape: TableShape) -> Parts | None:
    """Return how a table of a shape is kept in parts; ``None``: it is not."""
    if not shape.partition_by:
        return None
    kind = stored_as(shape.columns[shape.partition_by])
    plain = ".".join([*table, shape.partition_by, kind])
    name = plain if len(plain) <= 128 else f"{plain[:111]}_{sha256(plain.encode()).hexdigest()[:16]}"
    return Parts(name, shape.partition_by, kind)


def drop(name: str) -> str:
    """Return the statements that take a scheme and its function away, once no table lies on it."""
    return f"DROP PARTITION SCHEME {bracketed(name)}; DROP PARTITION FUNCTION {bracketed(name)}"


def months_from(first: date, count: int) -> list[date]:
    """Return the first days of so many months, beginning with that of ``first``."""
    start = first.year * 12 + first.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(start, start + count)]


def months_around(today: date) -> list[date]:
    """Return the months that a new table's parts begin with."""
    start = today.year * 12 + today.month - 1 - _MONTHS_BACK
    return months_from(date(start // 12, start % 12 + 1, 1), _MONTHS_BACK + _MONTHS_AHEAD + 1)


def months_to_come(last: date, today: date) -> list[date]:
    """Return the months after the last part's, as far as a new table's would reach; none while enough are left."""
    until = months_around(today)
    return [month for month in until if month > last] if until[-1 - _MONTHS_AHEAD + _MONTHS_LEFT] >= last else []


def within_parts(statement: str) -> str:
    """Return a table's statements so that its unique indexes lie within its parts, with their column.

    Babelfish has no index over all parts.
    """
    found = _PARTED.search(statement)
    return statement.replace(f") ON {_WHOLE}", f", {found[1]})") if found else statement


def today() -> date:
    """Return the day, in UTC."""
    return datetime.now(UTC).date()


def scheme_of(run: Run, table: Table) -> str:
    """Return the scheme on which a table lies in parts; empty where it does not."""
    (number,) = object_ids(run, [table])
    return "".join(str(name) for (name,) in run(_SCHEME.format(id=number))) if number is not None else ""


def last_months(run: Run) -> dict[str, date]:
    """Return the month with which the last part of each partition function begins."""
    return {str(name): month for name, month in run(_LAST)}
