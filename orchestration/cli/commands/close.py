"""``strata close``: close a day of financial gold now, and see what was closed."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from orchestration.business_day import business_day, own_days, require_no_future
from orchestration.cli.choices import day_named
from orchestration.cli.console import moment, print_json, print_table, say
from orchestration.cli.exit_codes import ExitCode, exit_code_of_class, together
from orchestration.failures import SettingsError
from orchestration.publication.log import PublishedVersion
from orchestration.runtime import open_runtime
from orchestration.scripts.close.ledger import CLOSED, LoggedClose, closes_shown, left_behind, list_closes
from orchestration.scripts.close.outcome import Closed, CloseRequest, Closing
from orchestration.scripts.close.publishing import close_and_publish
from orchestration.scripts.close.telling import in_history_alone, never_closed, orphaned
from orchestration.warehouse import apply

app = typer.Typer()


@app.callback(invoke_without_command=True)
def close(
    context: typer.Context,
    as_of: Annotated[str, typer.Option(help="Business day, such as 2026-11-30; by default the newest.")] = "",
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant; may be given several times.")] = None,
    reason: Annotated[str, typer.Option(help="Why a day is closed again; kept in the ledger.")] = "",
    show_older: Annotated[
        bool, typer.Option("--show-older", help="Let readers see a day before the one that they see; needs --reason.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the financial scripts for every tenant, keep their tables and publish them."""
    if context.invoked_subcommand:
        return
    if show_older and not reason.strip():
        raise typer.BadParameter("--show-older needs --reason.", param_hint="--reason")
    runtime = open_runtime()
    day = day_named(as_of) if as_of else business_day(runtime)
    if as_of and not reason.strip():
        require_no_future(runtime, day, tenant)
    own = {} if as_of else own_days(runtime)
    request = CloseRequest(day, tenant, reason.strip(), show_older, who=f"cli/{getpass.getuser()}", own_days=own)
    closing, versions = close_and_publish(runtime, request)
    _require_something(closing, versions)
    if as_json:
        print_json(_document(closing, versions))
    else:
        _show(closing, versions)
    faults = [ExitCode.PARTIAL] if closing.left_out or closing.plan.orphans else []
    failed = [exit_code_of_class(item.failure_class) for item in closing.tenants if item.status == "failed"]
    raise typer.Exit(together([*faults, *failed]))


@app.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the closes that were tried, newest first, and which one readers see."""
    runtime = open_runtime()
    with runtime.warehouse.session("list closes") as session:
        apply.ensure(session)
        found, shown, behind = list_closes(session, tenant, limit), closes_shown(session), left_behind(session)
    if as_json:
        print_json([{**asdict(item), "current": item.close_id in shown} for item in found])
        return
    if not found:
        say("Nothing was closed yet.")
        return
    zone = runtime.settings.timezone
    rows = [_line(item, zone, is_current=item.close_id in shown) for item in found]
    print_table(("tenant", "as of", "status", "readers", "started", "who", "reason"), rows)
    for item in (item for item in found if item.message):
        say(f"{item.tenant}, {item.as_of}: {item.message}")
    _tell_left_behind(item for item in behind if tenant in (None, item[0]))


def _require_something(closing: Closing, versions: list[PublishedVersion]) -> None:
    """Refuse what did nothing, for whoever asked expects something.

    Raises:
        SettingsError: every tenant's day is closed already, or there is nothing to close.
    """
    if not closing.plan.scripts:
        raise SettingsError("There is no script of financial gold.", "Write one into sql_scripts/financial/.")
    if not closing.tenants:
        raise SettingsError("No tenant's plan has financial gold.", "See: strata plan show.")
    if all(item.status == "already closed" for item in closing.tenants) and not versions:
        day = closing.tenants[0].as_of
        raise SettingsError(f"{day} is closed already.", 'To close it again, say why: --reason "…".')


def _line(item: LoggedClose, zone: str, *, is_current: bool) -> tuple[object, ...]:
    readers = "see it" if is_current else "saw it" if item.shown and item.status == CLOSED else "never"
    day = item.as_of.isoformat() if item.as_of else "unknown"
    started = moment(item.started_at, zone)
    return item.tenant, day, item.status, readers, started, item.who, item.reason


def _document(closing: Closing, versions: list[PublishedVersion]) -> dict[str, object]:
    return {
        "closes": [
            {
                "tenant": item.tenant,
                "as_of": item.as_of,
                "close_id": item.close_id,
                "status": item.status,
                "shown": item.shown,
                "seconds": item.seconds,
                "tables": {".".join(table): done.rows[table] for table, done in item.tables.items()},
                "faults": item.faults,
            }
            for item in closing.tenants
        ],
        "left_behind": [{"tenant": tenant, "as_of": day} for tenant, day in closing.left_behind],
        "left_out": {name: item.message for name, item in closing.left_out.items()},
        "orphans": [str(path) for path in closing.plan.orphans],
        "published": [{"table": ".".join(version.table), "version": version.version} for version in versions],
    }


def _show(closing: Closing, versions: list[PublishedVersion]) -> None:
    rows = [
        (
            item.tenant, item.as_of, item.status, len(item.tables),
            sum(done.rows[table] for table, done in item.tables.items()), f"{item.seconds:.1f}",
        )
        for item in closing.tenants
    ]  # fmt: skip
    print_table(("tenant", "as of", "result", "tables", "rows", "s"), rows, numbers=("tables", "rows", "s"))
    for item in closing.tenants:
        _tell(item)
    _tell_left_behind(closing.left_behind)
    for name, script in closing.left_out.items():
        say(f"{name} is left out, and nothing depends on it: {script.message}", style="bold red")
    for path in closing.plan.orphans:
        say(orphaned(path), style="yellow")
    if versions:
        named = [f"{'.'.join(version.table)} version {version.version}" for version in versions]
        say(f"Published: {', '.join(named)}.")
    if closing.is_whole and closing.left_out:
        say("The day is closed; what is left out joins the first close after it is mended.", style="yellow")


def _tell_left_behind(days: Iterable[tuple[str, date]]) -> None:
    for tenant, day in days:
        say(never_closed(tenant, day), style="yellow")


def _tell(item: Closed) -> None:
    for fault in item.faults:
        say(f"{item.tenant}: {fault}", style="bold red")
    if item.faults:
        say(f"{item.tenant}: readers keep the close before.")
    elif item.status == "closed" and not item.shown:
        say(f"{item.tenant}: {in_history_alone(item)}")
