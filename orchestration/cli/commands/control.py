"""``strata control``: the control plane's schema and its audit trail."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from orchestration.cli.console import moment, parse_moment, print_json, print_table, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.control import Control, open_control, schema
from orchestration.control.isolation import holes
from orchestration.control.registry import ABSENT, tenant_state
from orchestration.control.tables import PLATFORM
from orchestration.control.trail import Entry, read_trail
from orchestration.failures import SettingsError
from orchestration.settings import load_settings

app = typer.Typer(no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def control() -> None:
    """Bring the control plane's schema up or back, check it, and read its audit trail."""


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show where the control plane is, its revision, and holes between tenants; exit code 1 when something is wrong."""
    opened = open_control(load_settings())
    found = schema.current(opened)
    leaks = _holes(opened) if found == schema.HEAD else []
    if as_json:
        print_json({"place": opened.place, "revision": found, "needed": schema.HEAD, "holes": leaks})
    else:
        say(f"{opened.place}: revision {found or 'none'}, this version needs {schema.HEAD}.")
        for leak in leaks:
            say(leak, style="red")
    raise typer.Exit(ExitCode.OK if found == schema.HEAD and not leaks else ExitCode.FAILED)


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the schema to what this version needs, in one transaction. Back up first."""
    opened = open_control(load_settings())
    before, after = schema.current(opened), schema.upgrade(opened)
    _tell(before, after, as_json=as_json)


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="The revision to go back to, such as 0002.")], as_json: AsJson = False
) -> None:
    """Take the schema back, so that an older version can work with it; nothing is lost. Stop everything else first."""
    opened = open_control(load_settings())
    before = schema.current(opened)
    after = schema.downgrade(opened, revision)
    _tell(before, after, as_json=as_json)


@app.command()
def audit(
    tenant: Annotated[str | None, typer.Option(help="Only what concerns this tenant; '*' is the platform.")] = None,
    since: Annotated[str | None, typer.Option(help="Only from this moment on, ISO 8601.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show who changed what, from what to what, and when."""
    settings = load_settings()
    try:
        moment_since = parse_moment(since, settings.timezone) if since else None
    except ValueError:
        raise SettingsError(f"--since {since}: is no timestamp.", "Example: 2026-11-20T08:00.") from None
    opened = open_control(settings)
    entries = read_trail(opened, tenant, since=moment_since, limit=limit)
    if tenant and tenant != PLATFORM and not entries and tenant_state(opened, tenant) == ABSENT:
        raise SettingsError(f"Tenant {tenant!r} is unknown.", "See: strata tenant list.")
    if as_json:
        print_json({"audit": [asdict(entry) for entry in entries]})
    else:
        rows = [(moment(item.at, settings.timezone), item.actor, _deed(item), _change(item)) for item in entries]
        print_table(("when", "who", "what", "change"), rows)


def _holes(opened: Control) -> list[str]:
    with opened.reading() as connection:
        return holes(connection)


def _tell(before: str | None, after: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        say(f"The control plane is at revision {after}; there is nothing to do.")
    else:
        say(f"The control plane went from revision {before or 'none'} to {after}.")


def _deed(entry: Entry) -> str:
    return f"{entry.action} {entry.subject}"


def _change(entry: Entry) -> str:
    """Write ``name: old → new`` for each value."""
    before, after = entry.before or {}, entry.after or {}
    changes = (
        f"{name}: {before[name]} → {after.get(name)}" if name in before else f"{name}: {after[name]}"
        for name in {**before, **after}
    )
    return ", ".join(changes)
