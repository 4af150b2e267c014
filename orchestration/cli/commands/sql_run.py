"""``strata sql run``: try a script on a tenant's data, and see what it builds; finance stays as it is."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.choices import day_named
from orchestration.cli.commands.sql_diff import show_table, table_document
from orchestration.cli.console import print_json, print_table, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.runtime import open_runtime
from orchestration.scripts.review.setting import turn
from orchestration.scripts.review.summary import Summary
from orchestration.scripts.review.table_difference import TableDifference
from orchestration.scripts.review.trial import Tried
from orchestration.scripts.review.trying import Request, Result, try_scripts

_WIDTH = 24


class Target(StrEnum):
    """Where a script is tried."""

    DUCKDB = "duckdb"
    SQLSERVER = "sqlserver"


def run(
    script: Annotated[
        str, typer.Argument(help="A script's name, path or table, or a SELECT; all scripts when left out.")
    ] = "",
    as_of: Annotated[str, typer.Option(help="What @as_of is, such as 2026-11-30; by default the newest day.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Whose rows; not needed where there is one tenant.")] = None,
    target: Annotated[
        Target, typer.Option(help="sqlserver: the text as written, on STRATA_SCRIPTS_SERVER, compared with DuckDB's.")
    ] = Target.DUCKDB,
    limit: Annotated[int, typer.Option(min=0, help="Show so many rows of each table.")] = 3,
    from_close: Annotated[
        bool,
        typer.Option("--from-close", help="Read other scripts' tables from the close of that day, if there is one."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run a script, and those it reads from, into tables that nobody keeps; exit code 1 when something fails."""
    runtime = open_runtime()
    place = turn(runtime, tenant, day_named(as_of) if as_of else None)
    result = try_scripts(runtime, Request(place, script, limit, from_close, target is Target.SQLSERVER))
    if as_json:
        print_json({"tenant": place.tenant, "as_of": place.as_of, **_document(result)})
    else:
        say(f"Tenant {place.tenant}, @as_of {place.as_of}; nothing is kept.")
        _show(result)
    raise typer.Exit(ExitCode.OK if result.is_well else ExitCode.FAILED)


def _show(result: Result) -> None:
    for other in result.others:
        _show_other(other)
    for tried in result.tried:
        _show_script(tried, {table.table: table for table in result.tables})
    for table in result.compared:
        _show_compared(table)


def _show_other(other: Tried) -> None:
    tables = ", ".join(".".join(table) for table in other.script.writes)
    if other.kept:
        say(f"{tables}: from the close of this day.")
    elif not other.faults:
        say(f"{tables}: built first, {other.seconds:.2f} s.")
    for fault in other.faults:
        say(_from_here(fault), style="bold red")


def _show_script(tried: Tried, tables: dict[tuple[str, str], Summary]) -> None:
    for warning in tried.warnings:
        place = f"{warning.file}:{warning.line}:{warning.column}"
        rest = str(warning).removeprefix(f"{place}: ")
        say(_from_here(f"{place}: warning: {rest} [{warning.rule}]"), style="yellow")
    for fault in tried.faults:
        say(_from_here(fault), style="bold red")
    for table in tried.tables:
        _show_table(tables[table], tried.seconds)
    for check in tried.checks:
        if check.passed:
            allowed = f" ({check.rows} of {check.check.tolerance} rows allowed)" if check.rows else ""
            say(f"check holds: {check.check.title}{allowed}", style="green")
        else:
            say(f"check fails: {check.sentence}", style="bold red")


def _from_here(text: str) -> str:
    """Write the paths in a message as seen from here, as ``strata sql check`` does."""
    return text.replace(f"{Path.cwd()}{os.sep}", "")


def _show_compared(table: TableDifference) -> None:
    if not table.is_changed:
        say(f"{'.'.join(table.table)}: the same on both engines.", style="green")
        return
    say("The engines differ; A is DuckDB, B is the server.", style="bold red")
    show_table(table)


def _show_table(table: Summary, seconds: float) -> None:
    """Show columns below each other, each with its type, its total and its first values: tables are wide."""
    say("")
    rows = "1 row" if table.rows == 1 else f"{table.rows:,} rows"
    say(f"{'.'.join(table.table)}: {rows}, {seconds:.2f} s", style="bold")
    heads = [f"row {number}" for number in range(1, len(table.first) + 1)]
    lines = [
        (name, kind.tsql, _number(table.totals.get(name)), *(_short(row[index]) for row in table.first))
        for index, (name, kind) in enumerate(table.columns.items())
    ]
    print_table(("column", "type", "total", *heads), lines, numbers=("total",))


def _number(value: object) -> str:
    return "" if value is None else f"{value:,}"


def _short(value: object) -> str:
    text = "NULL" if value is None else str(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _document(result: Result) -> dict[str, object]:
    return {
        "others": [
            {
                "script": item.script.name,
                "tables": [".".join(table) for table in item.script.writes],
                "from": "close" if item.kept else "script",
                "faults": list(item.faults),
            }
            for item in result.others
        ],
        "scripts": [_script(item) for item in result.tried],
        "tables": [_table(item) for item in result.tables],
        "compared": [table_document(item) for item in result.compared],
    }


def _script(item: Tried) -> dict[str, object]:
    checks = [
        {"title": c.check.title, "passed": c.passed, "rows": c.rows, "tolerance": c.check.tolerance, "fault": c.fault}
        for c in item.checks
    ]
    return {
        "script": item.script.name,
        "seconds": item.seconds,
        "faults": list(item.faults),
        "warnings": [str(warning) for warning in item.warnings],
        "checks": checks,
    }


def _table(table: Summary) -> dict[str, object]:
    return {
        "table": ".".join(table.table),
        "rows": table.rows,
        "columns": {name: kind.tsql for name, kind in table.columns.items()},
        "totals": dict(table.totals),
        "first": [dict(zip(table.columns, row, strict=True)) for row in table.first],
    }
