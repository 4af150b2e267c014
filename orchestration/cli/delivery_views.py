"""What ``strata deliveries`` and ``strata dead-letters`` share: which ones are meant, and how they are shown."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from orchestration.cli.console import coloured, moment, parse_moment, print_json, print_table, results, say
from orchestration.cli.delivery_place import admitted, place, visible_tenant
from orchestration.delivery.deliveries import Delivery, Selection, Shown, list_deliveries, show
from orchestration.runtime import Runtime

Which = Annotated[
    str | None, typer.Argument(metavar="[TENANT[/DELIVERY]]", help="A tenant, or one delivery such as acme/msg_….")
]
Named = Annotated[str, typer.Argument(metavar="TENANT/DELIVERY", help="Such as acme/msg_…, as lists show it.")]
OfRegistration = Annotated[str | None, typer.Option("--registration", help="Only of this registration.")]
InState = Annotated[list[str] | None, typer.Option("--state", help="Only in this state; may be repeated.")]
Since = Annotated[str | None, typer.Option(help="Only those begun since, such as 2026-11-21T06:00.")]
Until = Annotated[str | None, typer.Option(help="Only those begun before.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_WIDE = 100
"""Columns of a terminal that has room for what a delivery is about, too."""
_STYLES = {"delivered": "green", "dead": "bold red", "leased": "cyan", "ready": "cyan"}


def selected(
    runtime: Runtime,
    which: str | None,
    registration: str | None = None,
    states: list[str] | tuple[str, ...] | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Selection:
    """Return what is meant, if whoever asks may act on it.

    Raises:
        typer.BadParameter: a time is none.
        StrataError: the tenant is somebody else's, or a state is none.
    """
    tenant, delivery_id = place(which) if which and "/" in which else (which, None)
    zone = runtime.settings.timezone
    return Selection(
        tenant=visible_tenant(runtime, tenant),
        registration=registration,
        delivery_id=delivery_id,
        states=tuple(states or ()),
        since=_time("--since", since, zone),
        until=_time("--until", until, zone),
    )


def print_list(runtime: Runtime, selection: Selection, limit: int, *, as_json: bool, nothing: str) -> None:
    """Print deliveries, the newest first."""
    found = list_deliveries(runtime.control, selection, limit)
    if as_json:
        print_json([asdict(item) for item in found])
        return
    if not found:
        say(nothing)
        return
    rows = [_row(item, runtime.settings.timezone) for item in found]
    columns = [name for name in rows[0] if name != "about" or results.width >= _WIDE]
    print_table(columns, [[row[name] for name in columns] for row in rows], whole=("delivery", "state", "when"))
    if len(found) == limit:
        say(f"There may be more than these {limit:,}: --limit shows them.")


def print_one(runtime: Runtime, named: str, *, as_json: bool) -> None:
    """Print a delivery with its attempts and events."""
    tenant, delivery_id = place(named)
    admitted(runtime, tenant)
    shown = show(runtime.control, tenant, delivery_id)
    if as_json:
        print_json(asdict(shown))
    else:
        _print_shown(shown, runtime.settings.timezone)


def number_of(count: int) -> str:
    """Write how many deliveries there are."""
    return "1 delivery" if count == 1 else f"{count:,} deliveries"


def only_dead(selection: Selection) -> Selection:
    """Narrow a selection to dead letters."""
    return replace(selection, states=("dead",))


def _print_shown(shown: Shown, zone: str) -> None:
    item = shown.delivery
    versions = f"{item.from_version or 'nothing'} to {item.to_version}" if item.to_version else ""
    facts = {
        "delivery": f"{item.tenant}/{item.delivery_id}",
        "registration": f"{item.tenant}/{item.registration}",
        "about": item.subject,
        "state": item.state,
        "versions": versions,
        "begun": moment(item.created_at, zone),
        "due": item.held or moment(item.due_at, zone),
        "ended": moment(item.finished_at, zone),
        "what is wrong": item.message or "",
    }
    print_table(("field", "value"), [(name, value) for name, value in facts.items() if value])
    if shown.attempts:
        columns = ("attempt", "at", "ms", "result", "status", "message", "answer")
        rows = [
            (one.number, moment(one.started_at, zone), one.milliseconds, one.failure or "ok", one.status_code,
             one.message, one.answer[:200]) for one in shown.attempts
        ]  # fmt: skip
        print_table(columns, rows, title="Attempts", numbers=("attempt", "ms"), whole=("at", "ms", "result"))
    events = [(event.event_key, event.event_type, moment(event.occurred_at, zone)) for event in shown.events]
    print_table(("event", "type", "happened"), events, title="Events", whole=("happened",))


def _row(item: Delivery, zone: str) -> dict[str, object]:
    """Return what 80 columns have room for; ``when`` is when it ended, or is due."""
    return {
        "delivery": f"{item.tenant}/{item.delivery_id}",
        "for": item.registration,
        "about": item.subject.rpartition(".")[2],
        "state": coloured(item.state, _STYLES.get(item.state, "")),
        "when": _short(item.finished_at or item.due_at, zone),
        "why": item.held or item.failure or "",
    }


def _short(at: datetime | None, zone: str) -> str:
    """Write the time of a moment of today, the day of another."""
    if at is None:
        return ""
    today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    here = at.astimezone(ZoneInfo(zone))
    return f"{here:%H:%M}" if here.date() == today else f"{here:%m-%d}"


def _time(option: str, text: str | None, zone: str) -> datetime | None:
    if not text:
        return None
    try:
        return parse_moment(text, zone)
    except ValueError:
        message = f"{text!r} is no time. Form: 2026-11-21T06:00, with a zone or in {zone}."
        raise typer.BadParameter(message, param_hint=option) from None
