"""Compiles one script of a close: what it reads of finance, it reads as this close has built it."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from orchestration.failures import ScriptRefused
from orchestration.names import FINANCE, FINANCE_WORK, Table
from orchestration.scripts.execution import Turn
from orchestration.scripts.outline import outline
from orchestration.scripts.program import Program, compile_script
from orchestration.scripts.scope import Personal, columns_of, visible
from orchestration.scripts.source import Script
from orchestration.scripts.types import Columns

__all__ = ["Turn", "compiled", "work", "work_columns"]


def work(table: Table) -> Table:
    """Return where a close builds a table of finance."""
    return FINANCE_WORK, table[1]


def compiled(
    con: duckdb.DuckDBPyConnection, script: Script, personal: Personal | None, built: Mapping[Table, Columns]
) -> Program:
    """Compile a script against what is in the warehouse.

    ``built`` are the tables of finance that this close has built before; ``personal`` are columns of bronze
    that the script does not see.

    Raises:
        ScriptRefused: it reads a table of finance that no script before it builds, or a source without a contract.
    """
    reads = outline(script).reads
    for missing in (table for table in reads if table[0] == FINANCE and table not in built):
        message = f"{script.path}: {'.'.join(missing)}, which it reads, is built by no script before it."
        raise ScriptRefused(message, "Check the name.")
    return compile_script(script, visible(con, [table for table in reads if table not in built], personal), built)


def work_columns(con: duckdb.DuckDBPyConnection, table: Table) -> Mapping[str, str]:
    """Return the columns of a table that this close has built; a sum of integers is no HUGEINT in SQL Server."""
    found = columns_of(con, work(table))
    return {name: "BIGINT" if kind == "HUGEINT" else kind for name, kind in found.items()}
