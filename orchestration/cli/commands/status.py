"""``strata status``: what is loaded and how fresh it is, from the published status file alone.

It never opens the warehouse, so it answers while loads and builds are running.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from orchestration.cli.console import ago, coloured, moment, print_json, print_table, release_command, say
from orchestration.publication.status import EntityStatus, Status, read_status
from orchestration.settings import load_settings

app = typer.Typer()

_COLUMNS = ("entity", "tenant", "fresh", "last load", "ended", "changed until", "rejects", "held")


@app.command()
def status(
    source: Annotated[list[str] | None, typer.Option(help="Only this source system.")] = None,
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show freshness, last load, watermark, rejects and held deletions of each entity and tenant."""
    settings = load_settings()
    known = read_status(settings) or Status(written_at=datetime.now(UTC))
    entities = [item for item in known.entities if _wanted(item, source, tenant)]
    if as_json:
        print_json(_document(known, entities))
        return
    if not entities:
        say("Nothing is loaded yet. Start with `strata run`, or `strata load SOURCE --mode daily`.")
        return
    for name in sorted({item.source for item in entities}):
        rows = [_row(item, settings.timezone) for item in entities if item.source == name]
        print_table(_COLUMNS, rows, title=name, numbers=("rejects", "held"))
        say("")
    _show_builds(known, settings.timezone)
    _show_troubles(known, entities, settings.timezone)


def _wanted(item: EntityStatus, sources: list[str] | None, tenants: list[str] | None) -> bool:
    return (not sources or item.source in sources) and (not tenants or item.tenant in tenants)


def _document(known: Status, entities: list[EntityStatus]) -> dict[str, object]:
    now = datetime.now(UTC)
    document: dict[str, object] = msgspec.to_builtins(known)
    return document | {"entities": [msgspec.to_builtins(item) | {"fresh": item.is_fresh(now)} for item in entities]}


def _row(item: EntityStatus, zone: str) -> tuple[object, ...]:
    place = item.tenant if item.connection == "main" else f"{item.tenant}/{item.connection}"
    last = f"{item.requested} {item.status}"
    style = {"failed": "bold red", "held": "yellow"}.get(item.status, "")
    return (
        item.entity,
        place,
        _freshness(item),
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
        style = "" if build.status in {"built", "published", "succeeded"} else "yellow"
        when = (
            f"at {moment(build.finished_at, zone)}" if build.finished_at else f"since {moment(build.started_at, zone)}"
        )
        reach = f", up to load {build.up_to_seq}" if build.kind == "warehouse" else ""
        say(f"{build.kind} build: {build.status} {when}{reach}", style=style or None)


def _show_troubles(known: Status, entities: list[EntityStatus], zone: str) -> None:
    for item in entities:
        label = f"{item.tenant}/{item.source}/{item.entity}"
        if item.held:
            say(f"{label}: {item.held:,} deletions are held. If they are meant:", style="bold yellow")
            say(f"  {release_command(item.source, item.entity, item.tenant)}")
        if item.message and item.status != "loaded":
            say(f"{label}: {item.message}", style="yellow")
    for alert in known.alerts:
        say(
            f"alert for {alert.owner}: {alert.subject}: {alert.message} "
            f"({alert.count} times since {moment(alert.first_at, zone)})",
            style="bold red",
        )
