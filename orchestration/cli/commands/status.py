"""``strata status``: what is loaded and how fresh it is, from the published status file alone.

It never opens the warehouse, so it answers while loads and builds are running. What is wrong with
deliveries comes from the control plane.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from msgspec.structs import replace
from rich.text import Text

from orchestration.access.refusals import no_tenant
from orchestration.access.status import narrowed
from orchestration.cli.alike import told_once
from orchestration.cli.console import ago, coloured, moment, print_json, print_table, say
from orchestration.cli.drift_told import drifted_by_now
from orchestration.cli.held import release_commands
from orchestration.cli.registered import FORGOTTEN, REMEDY, forgotten, label
from orchestration.publication.status import BuildStatus, EntityStatus, Status, read_status
from orchestration.runtime import Runtime, open_runtime

app = typer.Typer()

_COLUMNS = ("entity", "tenant", "fresh", "last load", "ended", "changed until", "rejects", "held")


@app.command()
def status(
    source: Annotated[list[str] | None, typer.Option(help="Only this source system.")] = None,
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show freshness, last load, watermark, rejects and held deletions of each entity and tenant.

    With a key in STRATA_KEY: of the key's tenant.
    """
    runtime = open_runtime()
    zone = runtime.settings.timezone
    known = _known(runtime, tenant or ())
    entities = [item for item in known.entities if not source or item.source in source]
    gone = forgotten(known, runtime.tenants)
    if as_json:
        print_json(_document(known, entities, gone))
        return
    if not entities:
        say("Nothing is loaded yet. Start with `strata run`, or `strata load SOURCE --mode daily`.")
        return
    for name in sorted({item.source for item in entities}):
        rows = [_row(item, zone, gone) for item in entities if item.source == name]
        print_table(_COLUMNS, rows, title=name, numbers=("rejects", "held"))
        say("")
    _show_builds(known, zone)
    _show_loads(entities, gone)
    _show_alerts(known, zone)
    if runtime.settings.key is None:
        _show_deliveries(runtime, tenant or ())


def _known(runtime: Runtime, tenants: Collection[str]) -> Status:
    if runtime.settings.key is not None:
        return _told_to_holder(runtime, tenants)
    known = read_status(runtime.settings) or Status(written_at=datetime.now(UTC))
    return _of_tenants(known, tenants, runtime.tenants) if tenants else known


def _told_to_holder(runtime: Runtime, tenants: Collection[str]) -> Status:
    """Return what the holder of the key may see, through the door that every reader with a key goes through."""
    from orchestration.access import TenantAccess  # noqa: PLC0415 - an operator's status is quick without it
    from orchestration.access.caller import caller, own_tenants  # noqa: PLC0415 - as above

    principal = caller(runtime)
    told = [TenantAccess(runtime, name, principal).status() for name in own_tenants(principal, tenants)]
    return replace(
        told[0],
        entities=tuple(item for known in told for item in known.entities),
        alerts=tuple(alert for known in told for alert in known.alerts),
    )


def _of_tenants(known: Status, tenants: Collection[str], registered: Collection[str]) -> Status:
    """Narrow the status; a tenant that is registered no more is one while the warehouse holds loads of it."""
    for tenant in tenants:
        if tenant not in registered and all(item.tenant != tenant for item in known.entities):
            raise no_tenant(tenant)
    return narrowed(known, tenants)


def _document(known: Status, entities: list[EntityStatus], gone: Collection[str]) -> dict[str, object]:
    now = datetime.now(UTC)
    document: dict[str, object] = msgspec.to_builtins(known)
    items = [
        msgspec.to_builtins(item) | {"fresh": item.is_fresh(now), "configured": label(item) not in gone}
        for item in entities
    ]
    return document | {"entities": items}


def _row(item: EntityStatus, zone: str, gone: Collection[str]) -> tuple[object, ...]:
    place = item.tenant if item.connection == "main" else f"{item.tenant}/{item.connection}"
    last = f"{item.requested} {item.status}"
    style = {"failed": "bold red", "held": "yellow"}.get(item.status, "")
    return (
        item.entity,
        place,
        coloured("not configured", "yellow") if label(item) in gone else _freshness(item),
        coloured(last, style),
        moment(item.last_load_at, zone),
        moment(item.watermark, zone),
        item.rejects_open,
        coloured(f"{item.held:,}", "bold yellow" if item.held else ""),
    )


def _freshness(item: EntityStatus) -> Text:
    """Say how old bronze is, and ``late`` when that is more than the contract promises."""
    if item.loaded_at is None:
        return coloured("never", "bold red")
    now = datetime.now(UTC)
    age = ago((now - item.loaded_at).total_seconds())
    return coloured(f"late, {age}", "bold red") if item.is_fresh(now) is False else coloured(age, "green")


def _show_builds(known: Status, zone: str) -> None:
    for build in known.builds:
        style = None if build.status == "succeeded" else "yellow"
        reach = f", up to load {build.up_to_seq}" if build.up_to_seq else ""
        say(f"{build.kind} build: {_state(build, zone)}{reach}", style=style)


def _state(build: BuildStatus, zone: str) -> str:
    started = moment(build.started_at, zone)
    if build.status == "interrupted":
        return f"interrupted (its process is gone), started at {started}"
    return (
        f"running since {started}" if not build.finished_at else f"{build.status} at {moment(build.finished_at, zone)}"
    )


def _show_loads(entities: list[EntityStatus], gone: Collection[str]) -> None:
    named = [(f"{label(item)}/{item.entity}", item) for item in entities]
    for name, item in named:
        if item.held:
            say(f"{name}: {item.held:,} deletions are held.", style="bold yellow")
    for names, message in told_once((name, item.message) for name, item in named if item.status != "loaded"):
        if message:
            say(f"{names}: {message}", style="yellow")
    for found in drifted_by_now(entities):
        say(str(found), style="yellow")
    for command in release_commands((item.source, item.tenant, item.entity) for item in entities if item.held):
        say(f"If the deletions are meant: {command}")
    for connection in sorted({label(item) for item in entities} & set(gone)):
        say(f"{connection}: {FORGOTTEN}. {REMEDY}", style="yellow")


def _show_alerts(known: Status, zone: str) -> None:
    for alert in known.alerts:
        say(
            f"alert for {alert.owner}: {alert.subject}: {alert.message} "
            f"({alert.count} times since {moment(alert.first_at, zone)})",
            style="bold red",
        )


def _show_deliveries(runtime: Runtime, tenants: Collection[str]) -> None:
    """Say in one line whether deliveries are late, dead or disabled; nothing when they are well."""
    from orchestration.cli.delivery_health import trouble_in_short  # noqa: PLC0415 - who asks for JSON needs it not

    if text := trouble_in_short(runtime, tenants):
        say(f"deliveries: {text}. See: strata doctor, strata deliveries list", style="bold red")
