"""Builds one script's table for one tenant: its rows are replaced in one transaction, the others' stay.

The result is computed before the transaction that shows it. When a script has
changed its columns, the table follows in that same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb

from orchestration.failures import ScriptRefused, StrataError
from orchestration.names import TENANT, Table, qualified, quote
from orchestration.scripts.check import Checked
from orchestration.scripts.lineage import read_tables
from orchestration.scripts.scope import Personal, columns_of, tenant_scope
from orchestration.scripts.translate import translate

_RESULT = "strata_result"


def build_table(
    con: duckdb.DuckDBPyConnection, checked: Checked, tenant: str, as_of: date, personal: Personal | None = None
) -> int:
    """Replace one tenant's rows of a script's table; returns how many there are now.

    ``personal`` names the columns of bronze that the script does not see.

    Raises:
        ScriptRefused: the script cannot be translated, or DuckDB cannot run it; names the file.
    """
    query = translate(checked)
    assert checked.target is not None  # noqa: S101 - translate has refused a script without one
    try:
        with tenant_scope(con, tenant, as_of, read_tables(checked.select), personal) as scope:
            scope.execute(f"CREATE TEMP TABLE {_RESULT} AS {query}")
            return _show(scope, checked.target, tenant)
    except StrataError as error:
        raise ScriptRefused(f"{checked.script.path}: {error.message}", error.remedy) from error
    except duckdb.Error as error:
        reason = str(error).split("\n", 1)[0]
        raise ScriptRefused(
            f"{checked.script.path}: {tenant}: {reason}", "Try the SELECT on the tables named."
        ) from error


def _show(scope: duckdb.DuckDBPyConnection, target: Table, tenant: str) -> int:
    """Put the result in place of the tenant's rows, all or nothing."""
    wanted = {TENANT: "VARCHAR"} | _result_columns(scope)
    scope.execute("BEGIN TRANSACTION")
    try:
        scope.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(target[0])}")
        for statement in _shape(target, columns_of(scope, target), wanted):
            scope.execute(statement)
        scope.execute(f"DELETE FROM {qualified(target)} WHERE {TENANT} = ?", [tenant])
        scope.execute(f"INSERT INTO {qualified(target)} BY NAME SELECT ? AS {TENANT}, * FROM {_RESULT}", [tenant])
        rows = scope.execute(f"SELECT count(*) FROM {_RESULT}").fetchall()[0][0]
        scope.execute("COMMIT")
    except duckdb.Error:
        scope.execute("ROLLBACK")
        raise
    return int(rows)


def _result_columns(scope: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the result's columns with types to keep: a SUM of integers is no HUGEINT in SQL Server."""
    described = scope.execute(f"DESCRIBE {_RESULT}").fetchall()
    return {str(name): "BIGINT" if kind == "HUGEINT" else str(kind) for name, kind, *_ in described}


def _shape(target: Table, present: dict[str, str], wanted: dict[str, str]) -> Iterator[str]:
    """Yield what brings the table to the result's columns; nothing when it has them."""
    name = qualified(target)
    if not present:
        yield f"CREATE TABLE {name} ({', '.join(f'{quote(column)} {kind}' for column, kind in wanted.items())})"
        return
    for column, kind in wanted.items():
        if column not in present:
            yield f"ALTER TABLE {name} ADD COLUMN {quote(column)} {kind}"
        elif present[column] != kind:
            yield f"ALTER TABLE {name} ALTER COLUMN {quote(column)} SET DATA TYPE {kind}"
    yield from (f"ALTER TABLE {name} DROP COLUMN {quote(column)}" for column in present if column not in wanted)
