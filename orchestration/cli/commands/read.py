"""``strata read``: one tenant's rows, by comparisons or by SQL, and nobody else's."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from orchestration.access import Question, TenantAccess
from orchestration.access.caller import caller, own_tenant
from orchestration.access.comparison import parse_comparison
from orchestration.cli.choices import day_named
from orchestration.cli.console import print_json, print_rows, print_table, say
from orchestration.failures import SettingsError
from orchestration.names import Table
from orchestration.runtime import open_runtime

app = typer.Typer()


@app.command()
def read(
    table: Annotated[str | None, typer.Argument(help="schema.table; the tables there are when left out.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose rows; by default those of the key's tenant.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="Only this column; may be repeated.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="'amount>=100', 'status in open,paid', 'ended null'.")] = None,
    order: Annotated[
        list[str] | None, typer.Option(help="Order by this column, or several: a,-b; - for descending.")
    ] = None,
    sql: Annotated[str | None, typer.Option(help="One SELECT over the tenant's tables, instead of a table.")] = None,
    as_of: Annotated[str, typer.Option(help="Financial gold as this day was closed, such as 2026-11-30.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many rows; 0 for all.")] = 100,
    reveal: Annotated[bool, typer.Option("--reveal", help="As operator: bronze too, where values are clear.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write a Parquet file instead.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read a tenant's rows: as operator, or as the holder of the key in STRATA_KEY.

    Where the columns have no room beside each other, each row is shown by itself, a line for each column.
    """
    if sql and table:
        raise typer.BadParameter("Give a table or --sql, not both.")
    if as_csv and as_json:
        raise typer.BadParameter("Give --csv or --json, not both.")
    if as_of and not table:
        raise typer.BadParameter("--as-of needs a table of finance.")
    day = day_named(as_of) if as_of else None
    if out:
        _require_folder(out)
    runtime = open_runtime()
    principal = caller(runtime, reveal=reveal)
    access = TenantAccess(runtime, own_tenant(principal, tenant), principal)
    if not sql and not table:
        _show_tables(access, as_json=as_json)
        return
    cut = limit or None
    if sql:
        rows = access.sql(sql, cut)
    else:
        question = Question(column or (), [parse_comparison(text) for text in where or ()], _split(order or ()), cut)
        rows = access.read(_named(table or ""), question, day)
    _write(rows, out, as_csv=as_csv, as_json=as_json)
    if cut and rows.num_rows == cut and not (as_csv or as_json):
        say(f"There may be more than these {cut:,} rows: --limit 0 shows all.")


def _split(texts: Sequence[str]) -> list[str]:
    """Return the names of options that may each hold several, with commas between."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def _require_folder(out: Path) -> None:
    """Refuse a file that cannot be written before any row is read."""
    if out.is_dir():
        raise typer.BadParameter(f"{out} is a folder; name a file in it.", param_hint="--out")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"There is no folder {out.parent}.", param_hint="--out")


def _named(text: str) -> Table:
    schema, _, name = text.partition(".")
    if not schema or not name:
        raise typer.BadParameter(f"{text!r} is not schema.table.")
    return schema, name


def _show_tables(access: TenantAccess, *, as_json: bool) -> None:
    found = access.tables()
    if as_json:
        print_json([{"table": ".".join(item.table), "rows": item.rows, "columns": item.columns} for item in found])
    elif found:
        rows = [(".".join(item.table), item.rows, ", ".join(item.columns)) for item in found]
        print_table(("table", "rows", "columns"), rows, numbers=("rows",))
    else:
        say("Nothing is published yet.")


def _write(rows: pa.Table, out: Path | None, *, as_csv: bool, as_json: bool) -> None:
    if out:
        try:
            pq.write_table(rows, out, compression="zstd")
        except OSError as error:
            message = f"{out} cannot be written: {error.strerror or error}."
            raise SettingsError(message, "Name a file in a folder that you may write to.") from None
        say(f"{rows.num_rows:,} rows in {out}.")
    elif as_json:
        print_json(rows.to_pylist())
    elif as_csv:
        lines = csv.writer(sys.stdout, lineterminator="\n")
        lines.writerow(rows.column_names)
        lines.writerows(tuple(row.values()) for row in rows.to_pylist())
    else:
        print_rows(rows.column_names, [list(row.values()) for row in rows.to_pylist()])
