"""``strata warehouse``: bring schemas, tables and views to what contracts and platform ask for."""

from __future__ import annotations

from typing import Annotated

import duckdb
import typer

from orchestration.cli.commands.warehouse_replay import replay
from orchestration.cli.console import print_json, print_table, say, tell, warn
from orchestration.cli.exit_codes import exit_code_of, together
from orchestration.contracts.model import Contract
from orchestration.failures import StrataError
from orchestration.runtime import Runtime, open_runtime
from orchestration.warehouse.apply import Change, plan, run
from orchestration.warehouse.duckdb import DuckDBSession
from orchestration.warehouse.protocol import Session

app = typer.Typer(no_args_is_help=True)
app.command()(replay)


@app.callback()
def warehouse() -> None:
    """Create and change the warehouse's schemas, tables and views from contracts."""


@app.command("apply")
def apply_contracts(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Create what is missing and change what differs; no data is lost.

    What cannot be read or done is told, the rest goes on; the exit code is then that of the fault.
    """
    runtime = open_runtime()
    contracts = [contract for source in runtime.sources.values() for contract in source.contracts.values()]
    faults = [fault for source in runtime.sources.values() for fault in source.all_faults]
    changes = _plan(runtime, contracts) if dry_run else _apply(runtime, contracts)
    faults += [change.refusal for change in changes if change.refusal]
    changes = [change for change in changes if not change.refusal]
    if as_json:
        print_json(_document(changes, faults, applied=not dry_run))
    else:
        _show(changes, faults, "would do" if dry_run else "done")
        if dry_run:
            _show_statements(changes)
    raise typer.Exit(together(map(exit_code_of, faults)))


def _document(changes: list[Change], faults: list[StrataError], *, applied: bool) -> dict[str, object]:
    return {
        "applied": applied,
        "changes": [{"what": item.description, "sql": item.sql} for item in changes],
        "faults": [{"class": item.failure_class, "message": item.message, "remedy": item.remedy} for item in faults],
    }


def _show(changes: list[Change], faults: list[StrataError], heading: str) -> None:
    if changes:
        print_table((heading,), [(change.description,) for change in changes])
    elif not faults:
        say("The warehouse is what the contracts ask for; there is nothing to do.")
    else:
        say("Apart from what follows, the warehouse is what the contracts ask for.")
    for fault in faults:
        tell(fault)


def _show_statements(changes: list[Change]) -> None:
    """Print what would be run, to be read or to be run by somebody else."""
    for change in changes:
        say(f"{change.sql.rstrip(';')};")


def _plan(runtime: Runtime, contracts: list[Contract]) -> list[Change]:
    """Look without leaving anything behind: an absent warehouse is planned against an empty one in memory."""
    if runtime.warehouse.is_embedded and not runtime.settings.warehouse_file.exists():
        with duckdb.connect() as con:
            return plan(DuckDBSession(con), contracts)
    with runtime.warehouse.session("strata warehouse apply --dry-run") as session:
        _say_unprotected(session)
        return plan(session, contracts)


def _apply(runtime: Runtime, contracts: list[Contract]) -> list[Change]:
    with runtime.warehouse.session("strata warehouse apply") as session:
        changes = plan(session, contracts)
        run(session, changes)
        _say_unprotected(session)
        return changes


def _say_unprotected(session: Session) -> None:
    """Say aloud what this engine cannot keep apart; on standard error, beside any document."""
    if lack := session.ddl.unprotected(session):
        warn(lack)
