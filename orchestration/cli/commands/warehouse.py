"""``strata warehouse``: bring schemas, tables and views to what contracts and platform ask for."""

from __future__ import annotations

from typing import Annotated

import duckdb
import typer

from orchestration.cli.console import print_json, print_table, say
from orchestration.contracts.model import Contract
from orchestration.runtime import Runtime, open_runtime
from orchestration.warehouse.apply import Change, apply, plan
from orchestration.warehouse.duckdb import DuckDBSession

app = typer.Typer(no_args_is_help=True)


@app.callback()
def warehouse() -> None:
    """Create and change the warehouse's schemas, tables and views from contracts."""


@app.command("apply")
def apply_contracts(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Create what is missing and change what differs; no data is lost."""
    runtime = open_runtime()
    contracts = [contract for source in runtime.sources.values() for contract in source.contracts.values()]
    changes = _plan(runtime, contracts) if dry_run else _apply(runtime, contracts)
    if as_json:
        print_json(
            {"applied": not dry_run, "changes": [{"what": item.description, "sql": item.sql} for item in changes]}
        )
    elif not changes:
        say("The warehouse is what the contracts ask for; there is nothing to do.")
    else:
        print_table(("would do" if dry_run else "done",), [(change.description,) for change in changes])


def _plan(runtime: Runtime, contracts: list[Contract]) -> list[Change]:
    """Look without leaving anything behind: an absent warehouse is planned against an empty one in memory."""
    if not runtime.settings.warehouse_file.exists():
        with duckdb.connect() as con:
            return plan(DuckDBSession(con), contracts)
    with runtime.warehouse.session("strata warehouse apply --dry-run") as session:
        return plan(session, contracts)


def _apply(runtime: Runtime, contracts: list[Contract]) -> list[Change]:
    with runtime.warehouse.session("strata warehouse apply") as session:
        return apply(session, contracts)
