"""Answers a statement of a tenant's own in a database in memory that holds that tenant's rows and nothing else.

The rows of the tables that the statement names are copied in; then the database is
sealed: no file, no network, no extension, no variable of this process, and no setting
can be changed any more. A statement that finds a way around the names of its tables
finds an empty house.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from orchestration.access.refusals import Unanswerable
from orchestration.access.relation import Relation
from orchestration.names import Table, qualified, quote
from orchestration.settings import Settings

STATEMENT_SECONDS = 60.0
"""A statement that takes longer is interrupted, so that nobody's reading keeps the others from theirs."""
_OPEN: Mapping[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    # Otherwise a name that is no table is looked up among the variables of the calling Python frames.
    "python_enable_replacements": False,
    "enable_external_file_cache": False,
    # What does not fit into memory fails: a spill would be a file beside other tenants'.
    "temp_directory": "",
    "secret_directory": "nowhere",
}
_CATALOGUE = ("information_schema", "pg_catalog")
_SEAL = ("SET TimeZone = 'UTC'", "SET enable_external_access = false", "SET lock_configuration = true")
_OUTSIDE = (duckdb.PermissionException, duckdb.IOException, duckdb.HTTPException)


def tables_named(statement: str) -> list[Table]:
    """Return the tables that one SELECT reads, in lower case, sorted.

    Raises:
        Unanswerable: it cannot be read, or is no single SELECT.
    """
    try:
        parsed = sqlglot.parse(statement, dialect="duckdb")
    except (SqlglotError, RecursionError):
        raise Unanswerable("The statement cannot be read.", "Write one SELECT in DuckDB's SQL.") from None
    query = parsed[0] if len(parsed) == 1 else None
    if not isinstance(query, exp.Query):
        raise Unanswerable("Only a single SELECT is answered.", "Write one SELECT in DuckDB's SQL.")
    named = (table for table in query.find_all(exp.Table) if isinstance(table.this, exp.Identifier) and table.db)
    found = {(table.db.lower(), table.name.lower()) for table in named}
    return sorted(table for table in found if table[0] not in _CATALOGUE)


@contextmanager
def sealed(
    settings: Settings, copies: Iterable[Callable[[duckdb.DuckDBPyConnection], None]]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory, let ``copies`` bring the rows in, and seal it."""
    limits: Mapping[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{settings.memory_limit_mb}MB",
        "threads": settings.threads,
    }
    with duckdb.connect(":memory:", config={**_OPEN, **limits}) as con:
        for copy in copies:
            copy(con)
        for statement in _SEAL:
            con.execute(statement)
        yield con


def copy_in(con: duckdb.DuckDBPyConnection, table: Table, relation: Relation) -> None:
    """Copy one tenant's rows of a table, batch by batch, under the table's own name."""
    reader = relation.con.sql(f"SELECT * FROM {relation.sql}", params=[relation.tenant]).to_arrow_reader()
    con.register("incoming", reader)
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(table[0])}")
    con.execute(f"CREATE TABLE {qualified(table)} AS SELECT * FROM incoming")
    con.unregister("incoming")


def answer(
    con: duckdb.DuckDBPyConnection, statement: str, limit: int | None = None, seconds: float = STATEMENT_SECONDS
) -> pa.Table:
    """Run a statement in a sealed database.

    Raises:
        Unanswerable: it fails, takes too long or reaches outside. What it says is of the tenant's own rows.
    """
    watch = threading.Timer(seconds, con.interrupt)
    watch.start()
    try:
        relation = con.sql(statement)
        if relation is None:
            raise Unanswerable("Only a single SELECT is answered.", "Write one SELECT in DuckDB's SQL.")
        return (relation if limit is None else relation.limit(limit)).to_arrow_table()
    except _OUTSIDE:
        message = "The statement reaches for something outside the tenant's tables."
        raise Unanswerable(message, "Read the tenant's own tables alone.") from None
    except duckdb.InterruptException:
        message = f"The statement took longer than {seconds:g} s."
        raise Unanswerable(message, "Ask for less, or in smaller parts.") from None
    except duckdb.Error as error:
        reason = str(error).split("\n", 1)[0]
        raise Unanswerable(f"The statement failed: {reason}", "Try it on the columns and tables it names.") from None
    finally:
        watch.cancel()
