"""The same close twice: by strata's translation on DuckDB, and by the analysts' own text on a T-SQL server.

The server gets the rows and columns that a script sees of one tenant, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.names import FINANCE_WORK, Table, qualified, quote
from orchestration.scripts.cache import Cache
from orchestration.scripts.close.executing import Preparing
from orchestration.scripts.close.plan import Plan
from orchestration.scripts.embedded import EmbeddedEngine
from orchestration.scripts.execution import Turn, run_translated
from orchestration.scripts.scope import Personal, tenant_scope, visible
from orchestration.scripts.tables import scope_view
from orchestration.scripts.tsql import Placing, as_written
from orchestration.scripts.types import Columns
from orchestration.warehouse.duckdb import DuckDBSession

if TYPE_CHECKING:
    import pyodbc

ROWS_AT_ONCE = 200
PARAMETERS_AT_ONCE = 2000
"""SQL Server takes 1000 rows and 2100 parameters in one INSERT."""

_UNDECLARED = "decimal(None,None)"

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Built:
    """One table of a close: its columns' names and T-SQL types, and its rows."""

    columns: Mapping[str, str]
    rows: Sequence[Row] = field(repr=False)


Tables = Mapping[Table, Built]


def closed_on_duckdb(con: duckdb.DuckDBPyConnection, plan: Plan, turn: Turn, personal: Personal) -> Tables:
    """Run all scripts for one tenant as a close does; its schema of work is made anew."""
    con.execute(f"DROP SCHEMA IF EXISTS {FINANCE_WORK} CASCADE; CREATE SCHEMA {FINANCE_WORK}")
    written: dict[Table, Columns] = {}
    preparing = Preparing(EmbeddedEngine(DuckDBSession(con), personal, FINANCE_WORK), Cache())
    for item in plan.scripts:
        prepared = preparing.prepared(item.script, written).translated
        run_translated(con, prepared, turn, personal)
        written.update(prepared.writes)
    return {table: _in_duckdb(con, table, columns) for table, columns in written.items()}


def _in_duckdb(con: duckdb.DuckDBPyConnection, table: Table, columns: Columns) -> Built:
    rows = con.execute(f"FROM {qualified((FINANCE_WORK, table[1]))}").fetchall()
    return Built({name: kind.tsql for name, kind in columns.items()}, rows)


def closed_on_server(
    address: str, con: duckdb.DuckDBPyConnection, plan: Plan, turn: Turn, personal: Personal
) -> Tables:
    """Copy what the scripts read of one tenant to an empty database, and run them there as they are written.

    Each script has a connection of its own, with which its temporary tables end.
    """
    with _connected(address) as server:
        for table in sorted({table for item in plan.scripts for table in item.reads} - set(plan.tables)):
            _copy(server, con, table, turn, personal)
        server.execute(f"CREATE SCHEMA {FINANCE_WORK}")
    for item in plan.scripts:
        with _connected(address) as server:
            for batch in as_written(item.script, Placing(plan.tables), turn.as_of):
                _run(server, f"{item.script.path.name}, batch of line {batch.first_line}", batch.text)
    with _connected(address) as server:
        return {table: _on_server(server, table[1]) for table in plan.tables}


@contextmanager
def _connected(address: str) -> Iterator[pyodbc.Connection]:
    import pyodbc  # needs a system library that only a server's users have

    with closing(pyodbc.connect(address, autocommit=True)) as server:
        yield server


def _copy(
    server: pyodbc.Connection, con: duckdb.DuckDBPyConnection, table: Table, turn: Turn, personal: Personal
) -> None:
    with tenant_scope(con, turn.tenant, turn.as_of, [table], personal) as scope:
        rows = scope.execute(f"FROM {quote(scope_view(table))}").fetchall()
    columns = visible(con, [table], personal)[table]
    if server.execute("SELECT SCHEMA_ID(?)", table[0]).fetchval() is None:
        server.execute(f"CREATE SCHEMA {table[0]}")
    declared = ", ".join(f"[{name}] {kind.tsql}" for name, kind in columns.items())
    server.execute(f"CREATE TABLE {table[0]}.[{table[1]}] ({declared})")
    step = min(ROWS_AT_ONCE, PARAMETERS_AT_ONCE // len(columns))
    for some in (rows[start : start + step] for start in range(0, len(rows), step)):
        # A NULL is written out: asked which type its parameter has, Babelfish may lose the transaction.
        values = ", ".join(f"({', '.join('NULL' if value is None else '?' for value in row)})" for row in some)
        known = [value for row in some for value in row if value is not None]
        server.execute(f"INSERT INTO {table[0]}.[{table[1]}] VALUES {values}", known)


def _run(server: pyodbc.Connection, where: str, text: str) -> None:
    """Run one batch to the end of its last statement, for a later one's error is told by its own result alone."""
    try:
        cursor = server.execute(text)
        while cursor.nextset():
            pass
    except Exception as error:
        error.add_note(where)
        raise


def _on_server(server: pyodbc.Connection, table: str) -> Built:
    found = server.execute(
        "SELECT COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, "
        "DATETIME_PRECISION FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? "
        "ORDER BY ORDINAL_POSITION",
        FINANCE_WORK,
        table,
    ).fetchall()
    rows = server.execute(f"SELECT * FROM {FINANCE_WORK}.[{table}]").fetchall()
    return Built({name: _type(*facts) for name, *facts in found}, [tuple(row) for row in rows])


def _type(kind: str, length: int | None, precision: int | None, scale: int | None, fraction: int | None) -> str:
    if kind in ("decimal", "numeric"):
        return f"decimal({precision},{scale})"
    if length is not None:
        return f"{kind}({'max' if length == -1 else length})"
    return f"{kind}({fraction})" if kind in ("datetime2", "datetimeoffset", "time") else kind


def differences(ours: Tables, theirs: Tables) -> list[str]:
    """Return in words how two closes' rows differ, at most one line a column; of types see :func:`retyped`."""
    return [line for table in ours for line in _differ(table[1], ours[table], theirs[table])]


def _differ(table: str, ours: Built, theirs: Built) -> Iterable[str]:
    names = list(ours.columns)
    if names != list(theirs.columns):
        yield f"{table}: columns {names} on DuckDB, {list(theirs.columns)} on the server"
        return
    if len(ours.rows) != len(theirs.rows):
        yield f"{table}: {len(ours.rows)} rows on DuckDB, {len(theirs.rows)} on the server"
    keys = _key(ours.rows, len(names))
    told: set[int] = set()
    for one, other in zip_longest(_sorted(ours.rows, keys), _sorted(theirs.rows, keys)):
        if one is None or other is None or any(_plain(one[at]) != _plain(other[at]) for at in keys):
            yield f"{table}: the first row that only one has: {one} on DuckDB, {other} on the server"
            return
        for at, name in enumerate(names):
            if at not in told and _plain(one[at]) != _plain(other[at]):
                told.add(at)
                key = {names[place]: str(one[place]) for place in keys}
                yield f"{table}.{name}: {one[at]!r} on DuckDB, {other[at]!r} on the server, of {key}"


def _key(rows: Sequence[Row], width: int) -> list[int]:
    """Return the fewest columns, from the left, by which rows can be told apart."""
    for count in range(1, width):
        if len({tuple(map(_plain, row[:count])) for row in rows}) == len(rows):
            return list(range(count))
    return list(range(width))


def _sorted(rows: Sequence[Row], keys: Sequence[int]) -> list[Row]:
    return sorted(rows, key=lambda row: [(row[at] is not None, str(_plain(row[at]))) for at in keys])


def _plain(value: object) -> object:
    """Return a value whose type is one on both engines: a bit is a number there, and 1.50 is 1.5."""
    return int(value) if isinstance(value, bool) else value


def retyped(ours: Tables, theirs: Tables) -> list[str]:
    """Return in words which columns have other types on the server than the translation says they have there.

    Of a COALESCE of decimals Babelfish declares no precision, where SQL Server has the wider one: it is passed over.
    """
    return [
        f"{table[1]}.{name}: {kind} by translation, {theirs[table].columns.get(name)} on the server"
        for table, built in ours.items()
        for name, kind in built.columns.items()
        if theirs[table].columns.get(name) not in (kind, _UNDECLARED)
    ]
