"""``strata load``: one source system into bronze, now."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from orchestration.bronze.ledger import FAILED, HELD, LoadResult
from orchestration.bronze.load import has_work, load_source
from orchestration.cli import progress
from orchestration.cli.alike import told_once
from orchestration.cli.choices import source_named
from orchestration.cli.console import print_json, say
from orchestration.cli.exit_codes import ExitCode, exit_code_of_class, together
from orchestration.cli.held import release_commands
from orchestration.cli.load_table import print_loads
from orchestration.contracts.source import SourceSystem
from orchestration.failures import SettingsError
from orchestration.runtime import Runtime, open_runtime

app = typer.Typer()


class Mode(StrEnum):
    """How to load; ``init`` applies contract changes and then loads daily."""

    INIT = "init"
    DAILY = "daily"
    HOURLY = "hourly"


@app.command()
def load(
    source: Annotated[str, typer.Argument(help="Source system, as `strata sources` lists it.")],
    mode: Annotated[Mode, typer.Option(help="init: apply contracts, then daily; daily: full; hourly: delta.")],
    entity: Annotated[list[str] | None, typer.Option(help="Only this entity; may be given several times.")] = None,
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant; may be given several times.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Apply tombstones that the shrink guard holds.")] = False,
    reason: Annotated[str, typer.Option(help="Why; required with --force and kept in the ledger.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Load a source system's entities for all of its tenants, or for those named."""
    if force != bool(reason.strip()):
        given, missing = ("--force", "--reason") if force else ("--reason", "--force")
        raise typer.BadParameter(f"{given} needs {missing}.", param_hint=missing)
    runtime = open_runtime()
    chosen = source_named(runtime, source, entity)
    _require_connection(runtime, source, tenant)
    left_out = list(_without_work(chosen, mode, entity))
    if not any(True for _ in runtime.registered(source, tenant)):
        left_out.append(f"No tenant has a connection to {source}: strata tenant connect TENANT {source}=environment.")
    with progress.shown(silent=as_json) as on_progress:
        results = load_source(
            runtime,
            chosen,
            mode.value,
            entities=entity,
            tenants=tenant,
            force_reason=reason.strip() or None,
            who=f"cli/{getpass.getuser()}",
            on_progress=on_progress,
            on_left_out=lambda name, why: left_out.append(f"{name} is left out: {why}."),
        )
    if as_json:
        print_json({"loads": [asdict(result) for result in results], "left_out": left_out})
    else:
        if results:
            print_loads(results)
        for line in left_out:
            say(line)
        _tell(results)
    raise typer.Exit(together(map(_outcome, results)))


def _require_connection(runtime: Runtime, source: str, tenants: list[str] | None) -> None:
    """Refuse a load of named tenants none of whom has the source: nothing would be loaded, and nothing said."""
    if not tenants or any(True for _ in runtime.registered(source, tenants)):
        return
    who = f"Tenant {tenants[0]!r} has" if len(tenants) == 1 else f"Tenants {', '.join(tenants)} have"
    remedy = f"strata tenant connect {tenants[0]} {source}=environment, or =simulated."
    raise SettingsError(f"{who} no {source} connection.", remedy)


def _without_work(source: SourceSystem, mode: Mode, entities: list[str] | None) -> Iterator[str]:
    """Say which entities that are named, or whether all of the source, have nothing that this mode could load."""
    idle = [name for name, contract in source.contracts.items() if not has_work(contract, mode.value)]
    why = f"without a cursor in its contract nobody knows what changed. Use: strata load {source.name} --mode daily"
    if entities is None and idle and len(idle) == len(source.contracts):
        yield f"No entity of {source.name} is loaded hourly: {why}"
    for name in entities or ():
        if name in idle:
            yield f"{source.name}/{name} is not loaded hourly: {why} --entity {name}"


def _tell(results: list[LoadResult]) -> None:
    """Say of what did not go through what is wrong and what to do; what fails alike is told once."""
    for result in results:
        if result.status == HELD:
            say(f"{_label(result)}: {result.held:,} deletions are held. {result.message}", style="yellow")
    failed = [(_label(r), (r.failure_class, r.message)) for r in results if r.status == FAILED]
    for labels, (failure_class, message) in told_once(failed):
        say(f"{labels} failed ({failure_class}): {message}", style="bold red")
    for command in release_commands((r.source, r.tenant_id, r.entity) for r in results if r.status == HELD):
        say(f"If the deletions are meant: {command}")


def _label(result: LoadResult) -> str:
    return f"{result.tenant_id}/{result.source}/{result.entity}"


def _outcome(result: LoadResult) -> ExitCode:
    if result.status == FAILED:
        return exit_code_of_class(result.failure_class or "permanent")
    return ExitCode.HELD if result.status == HELD else ExitCode.OK
