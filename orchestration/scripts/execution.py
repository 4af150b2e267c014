"""Runs a compiled script on DuckDB for one tenant, in one transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.failures import ScriptRefused, StrataError
from orchestration.names import FINANCE_WORK, Table, qualified
from orchestration.scripts.date_conversions import no_date
from orchestration.scripts.divisions import division_by_zero
from orchestration.scripts.engine_words import in_words
from orchestration.scripts.program import Program
from orchestration.scripts.scope import Personal, tenant_scope
from orchestration.scripts.source import Script
from orchestration.scripts.translated import Translated, translated
from orchestration.scripts.translation import macros_for
from orchestration.scripts.translation.statements import Step

_WORD = re.compile(r"\w+")
_DIVISION = re.compile("division by zero", re.IGNORECASE)
_DIVISOR = "Write NULLIF(…, 0) around the divisor where there is nothing to divide by, or leave such rows out."
_NO_DATE = re.compile("is no date (of the form|in the style)")
_DATES = "Give CONVERT a style (104 is dd.mm.yyyy), or choose by CASE WHEN x LIKE '[0-9][0-9][0-9][0-9]-%' THEN … END."
_REMEDY = "Correct the statement, or the data that it meets."


@dataclass(frozen=True)
class Turn:
    """Whose rows a script sees, and the day that ``@as_of`` is."""

    tenant: str
    as_of: date


def run_program(
    con: duckdb.DuckDBPyConnection,
    program: Program,
    turn: Turn,
    personal: Personal | None = None,
    work_schema: str = FINANCE_WORK,
) -> dict[Table, int]:
    """Translate a compiled script and run it as :func:`run_translated` does."""
    return run_translated(con, translated(program, work_schema), turn, personal, work_schema)


def run_translated(
    con: duckdb.DuckDBPyConnection,
    item: Translated,
    turn: Turn,
    personal: Personal | None = None,
    work_schema: str = FINANCE_WORK,
) -> dict[Table, int]:
    """Build a script's tables in the schema that it was translated for, which exists; returns the rows of each.

    ``personal`` names the columns of bronze that the script does not see.

    Raises:
        ScriptRefused: a statement failed on the data; names file, line and column.
    """
    try:
        with tenant_scope(con, turn.tenant, turn.as_of, item.reads, personal) as scope:
            return _all_or_nothing(scope, item, work_schema)
    except ScriptRefused:
        raise
    except StrataError as error:
        raise ScriptRefused(f"{item.script.path}: {error.message}", error.remedy) from error


def _all_or_nothing(scope: duckdb.DuckDBPyConnection, item: Translated, schema: str) -> dict[Table, int]:
    scope.execute("BEGIN TRANSACTION")
    try:
        made: set[str] = set()
        for step in item.steps:
            for macro in macros_for(step.sql, made):
                scope.execute(macro)
            _run(scope, item.script, step)
        rows = {table: _count(scope, (schema, table[1])) for table in item.writes}
    except (duckdb.Error, StrataError):
        scope.execute("ROLLBACK")
        raise
    scope.execute("COMMIT")
    return rows


def _run(scope: duckdb.DuckDBPyConnection, script: Script, step: Step) -> None:
    line, column = step.place
    word = _WORD.match(script.text, script.line_start(line) + column - 1)
    where = f"{script.path}:{line}:{column}: {word[0].upper() if word else 'statement'}"
    try:
        found = scope.execute(step.sql)
        row = found.fetchone() if step.broken else None
    except duckdb.Error as error:
        if _DIVISION.search(str(error)):
            (line, column), said = division_by_zero(script, step.place)
            raise ScriptRefused(f"{script.path}:{line}:{column}: {said}.", _DIVISOR) from error
        if _NO_DATE.search(str(error)):
            (line, column), said = no_date(script, step.place, in_words(str(error)).rstrip("."))
            raise ScriptRefused(f"{script.path}:{line}:{column}: {said}.", _DATES) from error
        raise ScriptRefused(f"{where}: {in_words(str(error))}", _REMEDY) from error
    if row is not None:
        values = ", ".join("NULL" if value is None else str(value) for value in row)
        shown = f" ({values})" if any(value is not None for value in row) else ""
        raise ScriptRefused(f"{where}: {step.broken}{shown}.", _REMEDY)


def _count(scope: duckdb.DuckDBPyConnection, table: Table) -> int:
    (rows,) = scope.execute(f"SELECT count(*) FROM {qualified(table)}").fetchall()[0]
    return int(rows)
