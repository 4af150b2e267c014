"""Where a tenant's rows are: in a published version, or, for those who may see clear values, in bronze.

Every relation comes with the one predicate that narrows it to a tenant; nobody gets it
without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.access.refusals import no_table
from orchestration.contracts.model import Contract
from orchestration.names import BRONZE_PREFIX, DELETED_AT, ROW_HASH, TENANT, Table, qualified
from orchestration.parquet_files import parquet_relation
from orchestration.publication.pointer import published_tables, read_pointers
from orchestration.publication.published_reader import current_path
from orchestration.quality.masking import known_contracts
from orchestration.runtime import Runtime
from orchestration.warehouse.duckdb import connection_settings

Moment = Mapping[Table, Path]
"""The files of published tables that were current together."""


@dataclass(frozen=True)
class Relation:
    """One tenant's rows of a table: ``sql`` goes after FROM and takes ``tenant`` as its only parameter."""

    con: duckdb.DuckDBPyConnection
    sql: str
    tenant: str
    columns: Mapping[str, str]


@contextmanager
def opened(
    runtime: Runtime, tenant: str, table: Table, *, clear: bool, moment: Moment | None = None
) -> Iterator[Relation]:
    """Open a table for one tenant; ``clear`` lets bronze be read, where values are as they came.

    Several tables are of one moment when they are opened with the same ``moment``.

    Raises:
        NotFound: there is none of that name, its rows belong to nobody, or it is bronze and ``clear`` is not given.
        Busy: it is bronze, and a writer holds the warehouse.
    """
    if not is_bronze(table):
        with reader(runtime) as con:
            yield published(con, tenant, table, _version(runtime, table, moment))
    elif clear and table in {contract.table for contract in _contracts(runtime)}:
        with runtime.warehouse.session("read bronze for a tenant") as session:
            columns = [name for name in session.columns(table) if name != ROW_HASH]
            if TENANT not in columns:
                raise no_table(table)
            with session.working_copy(table, f"{TENANT} = ?", [tenant], columns=columns):
                yield _narrowed(session.con, qualified(table), tenant, table)
    else:
        raise no_table(table)


@contextmanager
def reader(runtime: Runtime) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection in memory that published versions are read with."""
    with duckdb.connect(":memory:", config=connection_settings(runtime.settings)) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


def published(con: duckdb.DuckDBPyConnection, tenant: str, table: Table, path: Path) -> Relation:
    """Narrow one version of a published table to one tenant."""
    return _narrowed(con, parquet_relation(path), tenant, table)


def is_bronze(table: Table) -> bool:
    """Say whether a table holds values as they came."""
    return table[0].startswith(BRONZE_PREFIX)


def bronze_tables(runtime: Runtime, tenant: str) -> list[Table]:
    """Return the bronze tables of the sources that a tenant is connected to."""
    known = runtime.tenants.get(tenant)
    sources = {connection.source for connection in known.connections} if known else set()
    return sorted(contract.table for contract in _contracts(runtime) if contract.source in sources)


def _contracts(runtime: Runtime) -> list[Contract]:
    return list(known_contracts(runtime.sources.values()))


def moment_of(runtime: Runtime) -> Moment:
    """Return the current version's file of every published table, as of one moment."""
    folder = runtime.settings.published_dir
    return {table: folder / pointer.path for table, pointer in read_pointers(runtime.settings).items()}


def _version(runtime: Runtime, table: Table, moment: Moment | None) -> Path:
    """Return the current version's file; names that are no published table's never become a path."""
    if table not in (published_tables(runtime.settings) if moment is None else moment):
        raise no_table(table)
    return current_path(runtime.settings, table) if moment is None else moment[table]


def _narrowed(con: duckdb.DuckDBPyConnection, relation: str, tenant: str, table: Table) -> Relation:
    described = con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    columns = {str(name): str(kind) for name, kind, *_ in described}
    if TENANT not in columns:
        raise no_table(table)
    living = f" AND {DELETED_AT} IS NULL" if is_bronze(table) and DELETED_AT in columns else ""
    return Relation(con, f"(SELECT * FROM {relation} WHERE {TENANT} = ?{living})", tenant, columns)
