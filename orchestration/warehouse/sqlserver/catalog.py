"""What the server's catalog says of schemas, tables and columns, in DuckDB's types."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.names import Table
from orchestration.warehouse.protocol import Row
from orchestration.warehouse.sqlserver.quoting import bracketed, there
from orchestration.warehouse.sqlserver.types import read_as

Run = Callable[..., list[Row]]
__all__ = ["all_columns", "bracketed", "columns", "names_in", "schemas", "there"]

_COLUMNS = """
SELECT s.name, o.name, c.name, t.name, c.max_length, c.precision, c.scale
FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
JOIN sys.types t ON t.user_type_id = c.user_type_id
WHERE o.type IN ('U', 'V')"""


def columns(run: Run, table: Table) -> dict[str, str]:
    """Return a table's or view's columns in their order; empty when there is none."""
    rows = run(f"{_COLUMNS} AND s.name = ? AND o.name = ? ORDER BY c.column_id", *table)
    return {str(row[2]): read_as(str(row[3]), row[4], row[5], row[6]) for row in rows}


def all_columns(run: Run) -> dict[Table, dict[str, str]]:
    """Return the columns of every table and view."""
    found: dict[Table, dict[str, str]] = {}
    for row in run(f"{_COLUMNS} ORDER BY s.name, o.name, c.column_id"):
        found.setdefault((str(row[0]), str(row[1])), {})[str(row[2])] = read_as(str(row[3]), row[4], row[5], row[6])
    return found


def names_in(run: Run, schema: str, kind: str) -> list[str]:
    """Return the tables (``U``) or views (``V``) of a schema."""
    sql = "SELECT o.name FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id"
    return sorted(str(name) for (name,) in run(f"{sql} WHERE s.name = ? AND o.type = ?", schema, kind))


def schemas(run: Run) -> set[str]:
    """Return the schemas there are."""
    return {str(name) for (name,) in run("SELECT name FROM sys.schemas")}
