"""``strata quarantine``: rejected rows, the reasons, and the gate again once row or contract is mended."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from orchestration.access import Permission, TenantAccess, operator
from orchestration.access.admission import admit
from orchestration.access.caller import caller, own_tenants
from orchestration.access.personal import masked
from orchestration.access.principal import EVERY_TENANT
from orchestration.bronze import quarantine as entries
from orchestration.bronze.quarantine import Reject
from orchestration.bronze.rejects import OPEN
from orchestration.cli.choices import source_named
from orchestration.cli.console import moment, print_json, print_table, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.cli.load_table import print_loads
from orchestration.runtime import Runtime, open_runtime

app = typer.Typer(no_args_is_help=True)

Source = Annotated[str | None, typer.Argument(help="Source system; all when left out.")]
Entity = Annotated[list[str] | None, typer.Option(help="Only this entity; may be given several times.")]
Tenant = Annotated[list[str] | None, typer.Option(help="Only this tenant; may be given several times.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show personal data, which is masked otherwise.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_LIMIT = 1_000_000


@app.callback()
def quarantine() -> None:
    """List, show and replay rejected rows."""


@app.command("list")
def list_entries(
    source: Source = None,
    entity: Entity = None,
    tenant: Tenant = None,
    every: Annotated[bool, typer.Option("--all", help="Closed and replayed entries too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 50,
    reveal: Reveal = False,
    as_json: Json = False,
) -> None:
    """List rejected rows, newest first."""
    runtime = open_runtime()
    rooms = _rooms(runtime, tenant, reveal=reveal)
    found = _find(runtime, source, entity, rooms, status=None if every else OPEN)
    shown = [item if reveal else masked(item, runtime) for item in found[:limit]]
    if as_json:
        print_json({"entries": [_document(item) for item in shown], "total": len(found)})
        return
    for item in shown:
        _show_line(item, runtime.settings.timezone)
    more = f"; {len(found) - limit} more with --limit {len(found)}" if len(found) > limit else ""
    say(f"{len(found)} {'entries' if every else 'open entries'}{more}." if found else "Quarantine is empty.")


@app.command()
def show(
    quarantine_id: Annotated[str, typer.Argument(help="An entry's id, as `strata quarantine list` shows it.")],
    reveal: Reveal = False,
    as_json: Json = False,
) -> None:
    """Show one rejected row whole."""
    runtime = open_runtime()
    entry = _entry(runtime, quarantine_id, reveal=reveal)
    item = entry if reveal else masked(entry, runtime)
    name = entries.sent_as(runtime, entry)
    if as_json:
        print_json(_document(item) | {"sent_as": name})
        return
    _show_line(item, runtime.settings.timezone)
    if item.status != OPEN:
        say(f"  {item.status} {moment(item.closed_at, runtime.settings.timezone)} by {item.closed_by}: {item.note}")
    say(f"  {name and f'{name}, landed as '}{item.file}, row {item.row_number}, load {item.load_id}")
    print_table(("column", "value as it came"), sorted(json.loads(item.raw_row).items()))


@app.command()
def replay(
    source: Source = None,
    entity: Entity = None,
    tenant: Tenant = None,
    entry: Annotated[list[str] | None, typer.Option("--id", help="Only this entry; may be repeated.")] = None,
    mend: Annotated[list[str] | None, typer.Option("--set", help="column=value to mend, with one --id.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    as_json: Json = False,
) -> None:
    """Send rejected rows through the gate again; exit code 7 when some are rejected still."""
    if not source and not entry:
        raise typer.BadParameter("Name a source system, or entries with --id.")
    mended = _mended(mend, entry)
    runtime = open_runtime()
    chosen = entry or [item.quarantine_id for item in _find(runtime, source, entity, _operated(runtime, tenant))]
    who = f"cli/{getpass.getuser()}"
    results = entries.replay(runtime, chosen, mended=mended, who=who, reason=reason or None)
    if as_json:
        print_json({"loads": [asdict(result) for result in results]})
    elif results:
        print_loads(results)
    else:
        say("There is no open entry to replay.")
    raise typer.Exit(ExitCode.DATA if any(result.rejected for result in results) else ExitCode.OK)


def _operated(runtime: Runtime, tenants: list[str] | None) -> list[TenantAccess]:
    who = operator(getpass.getuser(), clear=True)
    return [TenantAccess(runtime, tenant, who) for tenant in dict.fromkeys(tenants or ())]


def _rooms(runtime: Runtime, tenants: list[str] | None, *, reveal: bool) -> list[TenantAccess]:
    """Open the tenants' rooms to whoever asks; none for an operator who names no tenant, and so means all."""
    if runtime.settings.key is None:
        return _operated(runtime, tenants)
    principal = caller(runtime)
    rooms = [TenantAccess(runtime, tenant, principal) for tenant in own_tenants(principal, tenants or ())]
    for room in rooms if reveal else ():
        admit(runtime, room.tenant, principal, Permission.PII)
    return rooms


def _entry(runtime: Runtime, quarantine_id: str, *, reveal: bool) -> Reject:
    """Find one entry: anybody's for an operator, the key's tenant's for its holder."""
    if runtime.settings.key is None:
        return entries.show_reject(runtime, quarantine_id)
    principal = caller(runtime)
    everybody = principal.tenant == EVERY_TENANT
    tenant = entries.show_reject(runtime, quarantine_id).tenant_id if everybody else principal.tenant
    (room,) = _rooms(runtime, [tenant], reveal=reveal)
    return room.reject(quarantine_id)


def _find(
    runtime: Runtime,
    source: str | None,
    entity: list[str] | None,
    rooms: list[TenantAccess],
    *,
    status: str | None = OPEN,
) -> list[Reject]:
    """Find entries, newest first: of the tenants whose rooms these are, or else of all there are."""
    if source:
        source_named(runtime, source, entity)
    if rooms:
        found = [item for access in rooms for item in access.quarantine(source, status=status, limit=_LIMIT)]
        found.sort(key=lambda item: item.quarantined_at, reverse=True)
    else:
        found = entries.list_rejects(runtime, source=source, status=status, limit=_LIMIT)
    return [item for item in found if not entity or item.entity in entity]


def _mended(mend: list[str] | None, entry: list[str] | None) -> dict[str, dict[str, str | None]]:
    """Read ``column=value`` pairs; a value left empty is NULL."""
    if not mend:
        return {}
    if not entry or len(entry) != 1:
        raise typer.BadParameter("--set mends one row: give exactly one --id.", param_hint="--set")
    pairs = [pair.partition("=") for pair in mend]
    if wrong := [column for column, equals, _ in pairs if not equals or not column]:
        raise typer.BadParameter(f"{wrong[0]!r} is not column=value.", param_hint="--set")
    return {entry[0]: {column: value or None for column, _, value in pairs}}


def _document(item: Reject) -> dict[str, Any]:
    return asdict(item) | {"raw_row": json.loads(item.raw_row)}


def _show_line(item: Reject, zone: str) -> None:
    label = "/".join(
        (item.tenant_id, item.source, *([] if item.connection == "main" else [item.connection]), item.entity)
    )
    value = "" if item.raw_value is None else f": {item.raw_value!r}"
    where = f"{item.column_name} " if item.column_name else ""
    say(f"{item.quarantine_id}", style="bold")
    say(f"  {moment(item.quarantined_at, zone)}  {label}  key {item.key or 'unreadable'}  {where}{item.reason}{value}")
