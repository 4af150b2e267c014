"""What the server's catalog says of schemas, tables and columns, in DuckDB's types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestration.names import Table, literal
from orchestration.warehouse.protocol import Row
from orchestration.warehouse.sqlserver.quoting import bracketed, there
from orchestration.warehouse.sqlserver.types import read_as, read_as_arrow

Run = Callable[..., list[Row]]
"""Runs a statement in the server's own words, with the values of its parameters, and returns its rows."""

_AT_ONCE = 20
"""Tables that are described in one statement, which may have 4,096 columns."""
_COLUMNS = """
SELECT s.name, o.name, c.name, t.name, c.max_length, c.precision, c.scale
FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
JOIN sys.types t ON t.user_type_id = c.user_type_id
WHERE o.type IN ('U', 'V')"""


def object_ids(run: Run, tables: Sequence[Table]) -> list[int | None]:
    """Return the numbers of tables and views in the catalog, in their order; ``None`` for one that is not there.

    Queries of the catalog ask by number: by a table's name each would take Babelfish up to a second.
    """
    (found,) = run("SELECT " + ", ".join(f"OBJECT_ID(N{literal(there(table))})" for table in tables))
    return list(found)


def columns(run: Run, table: Table) -> dict[str, str]:
    """Return a table's or view's columns in their order; empty when there is none.

    Measured on Babelfish: 16 ms, and 80 with the joins of :data:`_COLUMNS`.
    """
    rows = run(
        "SELECT c.name, TYPE_NAME(c.user_type_id), c.max_length, c.precision, c.scale FROM sys.columns c "
        "WHERE c.object_id = OBJECT_ID(?) ORDER BY c.column_id",
        there(table),
    )
    return {str(name): read_as(str(kind), *sizes) for name, kind, *sizes in rows}


def all_columns(run: Run) -> dict[Table, dict[str, str]]:
    """Return the columns of every table and view."""
    found: dict[Table, dict[str, str]] = {}
    for row in run(f"{_COLUMNS} ORDER BY s.name, o.name, c.column_id"):
        found.setdefault((str(row[0]), str(row[1])), {})[str(row[2])] = read_as(str(row[3]), row[4], row[5], row[6])
    return found


def described(
    run: Run,
    cursor: Any,  # noqa: ANN401 - the driver has no types
    tables: Sequence[Table],
) -> dict[Table, Mapping[str, str]] | None:
    """Describe tables by what a query of them would give; ``None`` when one of them is not there.

    Measured for 13 tables: 9 ms, and 0.2 s as the first statement of a connection; the catalog takes 90 ms and 1 s.
    """
    if None in object_ids(run, tables):
        return None
    found: dict[Table, Mapping[str, str]] = {}
    for first in range(0, len(tables), _AT_ONCE):
        found |= _side_by_side(cursor, tables[first : first + _AT_ONCE])
    return found


def _side_by_side(cursor: Any, tables: Sequence[Table]) -> dict[Table, Mapping[str, str]]:  # noqa: ANN401 - as above
    """Each table stands behind a heading that no column of ours could be called."""
    headings = {f" {number}": table for number, table in enumerate(tables)}
    listed = ", ".join(f"0 AS {bracketed(heading)}, {bracketed(heading)}.*" for heading in headings)
    places = " CROSS JOIN ".join(f"{there(table)} AS {bracketed(heading)}" for heading, table in headings.items())
    cursor.execute(f"SELECT TOP 0 {listed} FROM {places}")
    found: dict[Table, dict[str, str]] = {table: {} for table in tables}
    lengths = [column[3] for column in cursor.description]
    for item, length in zip(cursor.arrow_reader().schema, lengths, strict=True):
        if item.name in headings:
            columns = found[headings[item.name]]
        else:
            kind = read_as_arrow(str(item.type))
            columns[item.name] = f"VARCHAR({length})" if kind == "VARCHAR" and length else kind
    return dict(found)


def names_in(run: Run, schema: str, kind: str) -> list[str]:
    """Return the tables (``U``) or views (``V``) of a schema."""
    view = "sys.tables" if kind == "U" else "sys.views"
    return sorted(str(name) for (name,) in run(f"SELECT name FROM {view} WHERE schema_id = SCHEMA_ID(?)", schema))


def schemas(run: Run) -> set[str]:
    """Return the schemas there are."""
    return {str(name) for (name,) in run("SELECT name FROM sys.schemas")}
