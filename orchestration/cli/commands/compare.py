"""``strata compare duckdb sqlserver``: do both engines hold the same rows?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from orchestration.cli.console import print_json, print_table, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.contracts.source import find_sources
from orchestration.failures import Busy, SettingsError
from orchestration.names import (
    CLOSE_ID,
    FINANCE,
    FINANCE_HISTORY,
    GOLD,
    PLATFORM_KEY,
    ROW_HASH,
    SILVER,
    Table,
    literal,
    qualified,
)
from orchestration.parquet_files import parquet_relation
from orchestration.publication.pointer import read_pointers
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.protocol import Session
from orchestration.warehouse.sqlserver.comparing import Compared, Side, compare

app = typer.Typer(no_args_is_help=True)
_SCHEMAS = (SILVER, GOLD, FINANCE, FINANCE_HISTORY)
_OWN = (ROW_HASH, CLOSE_ID)
"""What each warehouse makes for itself: hashes that an engine keeps beside rows, and the names of closes."""
_OTHER = "strata_other"


@app.callback()
def main() -> None:
    """Compare what two warehouses hold, row for row."""


@app.command("duckdb")
def compare_duckdb(
    with_engine: Annotated[str, typer.Argument(metavar="sqlserver", help="The other engine: sqlserver.")],
    home: Annotated[
        Path | None, typer.Option(help="State folder of the DuckDB side; this one's when left out.")
    ] = None,
    table: Annotated[list[str] | None, typer.Option(help="Only this table; may be repeated.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Leave a column out, such as _loaded_at.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Rows shown of each table.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare bronze, silver, gold, finance and its history in DuckDB with those on SQL Server, row by row by key.

    Without its file, the DuckDB side is what it has published. The exit code is 1 when anything differs.
    """
    if with_engine != "sqlserver":
        raise typer.BadParameter(f"{with_engine!r}: only sqlserver can be compared with duckdb.")
    server = load_settings().model_copy(update={"warehouse": "sqlserver"})
    embedded = server.model_copy(update={"home": home or server.home, "warehouse": "duckdb"})
    bronze = _bronze_keys(server)
    keys = {**bronze, **_keys(server)}
    with open_warehouse(server).reading("comparison") as session, _attached(session.con, embedded, bronze) as sides:
        there = {(schema, name) for schema in _SCHEMAS for name in (*session.tables(schema), *session.views(schema))}
        there |= {name for name in bronze if session.columns(name)}
        if not embedded.warehouse_file.exists():
            there &= {*sides}
        wanted = sorted(name for name in {*sides} | there if not table or ".".join(name) in table)
        if not wanted:
            raise SettingsError("Neither side has a table to compare.", "Build both warehouses first: strata run")
        found = [_compare(session, name, sides.get(name), keys.get(name, ()), (ignore or [], most)) for name in wanted]
    if as_json:
        print_json({"same": all(one.is_same for one in found), "tables": [asdict(one) for one in found]})
    else:
        _show(found)
    raise typer.Exit(ExitCode.OK if all(one.is_same for one in found) else ExitCode.FAILED)


def _keys(settings: Settings) -> Mapping[Table, tuple[str, ...]]:
    from orchestration.definitions.transform.lineage import table_keys  # noqa: PLC0415 - brings Dagster along
    from orchestration.definitions.transform.project import read_project  # noqa: PLC0415 - as above

    return table_keys(read_project(settings))


def _bronze_keys(settings: Settings) -> Mapping[Table, tuple[str, ...]]:
    sources = find_sources(settings.sources_dir).values()
    return {item.table: (*PLATFORM_KEY, *item.key) for source in sources for item in source.contracts.values()}


@contextmanager
def _attached(
    con: duckdb.DuckDBPyConnection, settings: Settings, bronze: Collection[Table]
) -> Iterator[dict[Table, Side]]:
    """Yield the DuckDB side's tables: of its file, opened to be read alone, or else its published versions."""
    if not settings.warehouse_file.exists():
        paths = {table: settings.published_dir / found.path for table, found in read_pointers(settings).items()}
        yield {table: _side(con, parquet_relation(path)) for table, path in paths.items()}
        return
    try:
        con.execute(f"ATTACH {literal(str(settings.warehouse_file))} AS {_OTHER} (READ_ONLY)")
    except duckdb.IOException as error:
        raise Busy(f"{settings.warehouse_file} is open elsewhere.", "Try again when nothing writes to it.") from error
    try:
        rows = con.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ? "
            "AND (list_contains(?, table_schema) OR list_contains(?, table_schema || '.' || table_name))",
            [_OTHER, list(_SCHEMAS), [".".join(table) for table in bronze]],
        ).fetchall()
        yield {(schema, name): _side(con, f"{_OTHER}.{qualified((schema, name))}") for schema, name in rows}
    finally:
        con.execute(f"DETACH {_OTHER}")


def _side(con: duckdb.DuckDBPyConnection, relation: str) -> Side:
    return Side(relation, {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()})


def _compare(
    session: Session, table: Table, left: Side | None, key: tuple[str, ...], how: tuple[list[str], int]
) -> Compared:
    columns = session.columns(table)
    if left is None or not columns:
        return Compared(table, 0, 0, fault=f"only {'SQL Server' if left is None else 'DuckDB'} has the table")
    ignored, most = [*how[0], *_OWN], how[1]
    with session.working_copy(table):
        right = Side(qualified(table), session.columns(table))
        return compare(session.con, table, (left, right), key, ignored=ignored, most=most)


def _show(found: list[Compared]) -> None:
    rows = [
        (".".join(one.table), str(one.left_rows), str(one.right_rows), one.fault or str(one.rows_that_differ))
        for one in found
    ]
    print_table(("table", "duckdb", "sqlserver", "differ"), rows, numbers=("duckdb", "sqlserver"))
    differences = [(one.table, item) for one in found for item in one.differences]
    if differences:
        say("")
        listed = [
            (".".join(table), item.key, item.column or "(the row)", item.left or "-", item.right or "-")
            for table, item in differences
        ]
        print_table(("table", "key", "column", "duckdb", "sqlserver"), listed)
    same = sum(one.is_same for one in found)
    say(f"{same} of {len(found)} tables hold the same rows.", style="bold")
