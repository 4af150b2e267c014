"""A connection in which a script sees one tenant and compares as SQL Server does.

The script's tables are temporary views on that tenant's rows: no name that it can
write reaches another's. Of bronze it sees the living rows, without personal columns.
Text compares without case, and a CTE may call itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.failures import ScriptRefused
from orchestration.names import (
    BRONZE_PREFIX,
    DELETED_AT,
    GOLD,
    PLATFORM_COLUMNS,
    ROW_HASH,
    SILVER,
    TENANT,
    Table,
    literal,
    qualified,
    quote,
)
from orchestration.scripts.tables import scope_view
from orchestration.scripts.translation.variables import variable
from orchestration.scripts.types import Catalog, from_duckdb
from orchestration.warehouse.duckdb import beside

Personal = Mapping[Table, Collection[str]]
"""Bronze tables whose contract can be read, with the columns that nobody after bronze may see."""


@contextmanager
def tenant_scope(
    con: duckdb.DuckDBPyConnection, tenant: str, as_of: date, reads: Iterable[Table], personal: Personal | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection beside ``con`` that holds views of one tenant's rows; its settings and views end with it.

    With ``personal``, the views lack those columns, and a bronze table that it does not name is refused.
    """
    cursor = beside(con)
    try:
        # Without SESSION the setting would hold for every connection of the process; tables do not keep it.
        cursor.execute("SET SESSION default_collation = 'nocase'")
        cursor.execute("SET SESSION TimeZone = 'UTC'")
        cursor.execute(f"SET VARIABLE {variable('as_of')} = CAST({literal(as_of.isoformat())} AS DATE)")
        for table, columns in _stored(cursor, reads).items():
            cursor.execute(_view(table, columns, tenant, personal))
        yield cursor
    finally:
        cursor.close()


def columns_of(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str]:
    """Return a table's columns and their types in order; empty when there is no such table."""
    return _stored(con, [table])[table]


def _stored(con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> dict[Table, dict[str, str]]:
    """Return the columns of each table at once: a question to the catalogue takes as long for one as for many."""
    found: dict[Table, dict[str, str]] = {table: {} for table in tables}
    if not found:
        return found
    rows = con.execute(
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = current_database() AND list_contains(?, schema_name || '.' || table_name) "
        "ORDER BY column_index",
        [[".".join(table) for table in found]],
    )
    for schema, table, name, kind in rows.fetchall():
        found.get((schema, table), {})[name] = kind  # a dot in a name could make it look like another's
    return found


def visible(con: duckdb.DuckDBPyConnection, tables: Iterable[Table], personal: Personal | None = None) -> Catalog:
    """Return the columns that a script sees of stored tables; a table that is not there is left out.

    Raises:
        ScriptRefused: a bronze table has no contract that could be read.
    """
    return seen_of(_stored(con, tables), personal)


def seen_of(stored: Mapping[Table, Mapping[str, str]], personal: Personal | None = None) -> Catalog:
    """Return the columns that a script sees of tables, whose stored columns have DuckDB's types.

    Raises:
        ScriptRefused: a bronze table has no contract that could be read.
    """
    return {
        table: {name: from_duckdb(kind) for name, kind in columns.items() if name not in _unseen(table, personal)}
        for table, columns in stored.items()
        if columns
    }


def listed(con: duckdb.DuckDBPyConnection, besides: Collection[Table]) -> Catalog:
    """Return the other tables of bronze, silver and gold without their columns: names that advice may be about."""
    rows = con.execute(
        "SELECT DISTINCT schema_name, table_name FROM duckdb_columns() WHERE database_name = current_database() "
        "AND (list_contains(?, schema_name) OR starts_with(schema_name, ?))",
        [[SILVER, GOLD], BRONZE_PREFIX],
    )
    return named_of(((str(schema), str(name)) for schema, name in rows.fetchall()), besides)


def named_of(tables: Iterable[Table], besides: Collection[Table]) -> Catalog:
    """Return tables of bronze, silver and gold without their columns."""
    layers = (table for table in tables if table[0] in (SILVER, GOLD) or table[0].startswith(BRONZE_PREFIX))
    return {table: {} for table in layers if table not in besides}


def _unseen(table: Table, personal: Personal | None) -> Collection[str]:
    """Return the columns of a table that a script does not see: the platform's, and of bronze the personal ones."""
    return {*PLATFORM_COLUMNS, ROW_HASH, *_hidden(table, personal)}


def _hidden(table: Table, personal: Personal | None) -> Collection[str]:
    if personal is None or not table[0].startswith(BRONZE_PREFIX):
        return ()
    if table not in personal:
        message = f"{'.'.join(table)} has no contract that could be read, so nobody knows its personal columns."
        raise ScriptRefused(message, "Mend the contract, or read the table through silver.")
    return personal[table]


@dataclass(frozen=True)
class Narrowed:
    """What a script sees of a table: these columns, of one tenant's rows; of bronze ``only_living`` ones."""

    columns: tuple[str, ...]
    only_living: bool


def narrowed(table: Table, columns: Mapping[str, str], personal: Personal | None) -> Narrowed:
    """Say what a script sees of a table with these columns.

    Raises:
        ScriptRefused: there is no such table, its tenants cannot be told apart, or it has no contract.
    """
    if not columns:
        message = f"{'.'.join(table)} is not in the warehouse."
        raise ScriptRefused(message, "Check the name; load the source or build the model that makes it.")
    if TENANT not in columns:
        message = f"{'.'.join(table)} has no {TENANT}, so one tenant's rows cannot be told from another's."
        raise ScriptRefused(message, "Read a table that has it.")
    unseen = _unseen(table, personal)
    living = table[0].startswith(BRONZE_PREFIX) and DELETED_AT in columns
    return Narrowed(tuple(name for name in columns if name not in unseen), living)


def _view(table: Table, columns: Mapping[str, str], tenant: str, personal: Personal | None) -> str:
    seen = narrowed(table, columns, personal)
    shown = ", ".join(map(quote, seen.columns))
    where = f"{TENANT} = {literal(tenant)}" + (f" AND {DELETED_AT} IS NULL" if seen.only_living else "")
    return f"CREATE TEMP VIEW {quote(scope_view(table))} AS SELECT {shown} FROM {qualified(table)} WHERE {where}"
