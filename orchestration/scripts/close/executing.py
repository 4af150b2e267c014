"""Runs one script of a close for one tenant: what it reads of finance, it reads as this close has built it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.failures import ScriptRefused, StrataError
from orchestration.names import FINANCE, FINANCE_WORK, Table, qualified, quote
from orchestration.scripts.check import check_script
from orchestration.scripts.lineage import read_tables
from orchestration.scripts.scope import Personal, columns_of, tenant_scope
from orchestration.scripts.source import Script
from orchestration.scripts.translate import scope_view, translate


@dataclass(frozen=True)
class Turn:
    """Whose rows a script sees, and the day that ``@as_of`` is."""

    tenant: str
    as_of: date


def work(table: Table) -> Table:
    """Return where a close builds a table of finance."""
    return FINANCE_WORK, table[1]


def run_script(
    con: duckdb.DuckDBPyConnection, script: Script, turn: Turn, personal: Personal | None, built: Collection[Table]
) -> dict[Table, int]:
    """Write a script's tables to ``finance_work``; returns the rows of each.

    ``built`` are the tables of finance that this close has built before; ``personal`` are columns of bronze
    that the script does not see.

    Raises:
        ScriptRefused: it cannot be run; names the file, and the place where that is known.
    """
    checked = check_script(script)
    query = translate(checked)
    assert checked.target is not None  # noqa: S101 - translate has refused a script without one
    reads = read_tables(checked.select)
    own = [table for table in reads if table[0] == FINANCE]
    for missing in (table for table in own if table not in built):
        message = f"{script.path}: {'.'.join(missing)}, which it reads, is built by no script before it."
        raise ScriptRefused(message, "Check the name.")
    try:
        with tenant_scope(con, turn.tenant, turn.as_of, set(reads) - set(own), personal) as scope:
            for table in own:
                scope.execute(f"CREATE TEMP VIEW {quote(scope_view(table))} AS SELECT * FROM {qualified(work(table))}")
            target = qualified(work(checked.target))
            scope.execute(f"CREATE TABLE {target} AS {query}")
            (rows,) = scope.execute(f"SELECT count(*) FROM {target}").fetchall()[0]
    except StrataError as error:
        raise ScriptRefused(f"{script.path}: {error.message}", error.remedy) from error
    except duckdb.Error as error:
        reason = str(error).split("\n", 1)[0]
        raise ScriptRefused(f"{script.path}: {reason}", "Try the SELECT on the tables named.") from error
    return {checked.target: int(rows)}


def work_columns(con: duckdb.DuckDBPyConnection, table: Table) -> Mapping[str, str]:
    """Return the columns of a table that this close has built; a sum of integers is no HUGEINT in SQL Server."""
    found = columns_of(con, work(table))
    return {name: "BIGINT" if kind == "HUGEINT" else kind for name, kind in found.items()}
