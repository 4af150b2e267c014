"""``strata doctor``: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from orchestration.cli import delivery_health, health, variables
from orchestration.cli.console import coloured, print_json, print_table, say
from orchestration.cli.exit_codes import ExitCode
from orchestration.contracts.extraction import Check
from orchestration.failures import StrataError
from orchestration.plan_terms import find_faults
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import load_settings
from orchestration.tenancy.plans import stored_terms

app = typer.Typer()


@app.command()
def doctor(
    source: Annotated[list[str] | None, typer.Option(help="Only connections to this source system.")] = None,
    tenant: Annotated[list[str] | None, typer.Option(help="Only this tenant's connections.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not connect to source systems.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check settings, credentials, connections, permissions, versions and deliveries; exit code 1 for any fault."""
    checks = list(_checks(source, tenant, offline=offline))
    faults = [check for check in checks if not check.ok]
    if as_json:
        print_json({"ok": not faults, "checks": [asdict(check) for check in checks]})
    else:
        _show(checks, faults)
    raise typer.Exit(ExitCode.FAILED if faults else ExitCode.OK)


def _checks(wanted: list[str] | None, tenants: list[str] | None, *, offline: bool) -> Iterator[Check]:
    yield from health.environment()
    try:
        # Somebody else's work on the warehouse is no fault, and nothing to wait long for.
        settings = load_settings(lock_wait_seconds=2.0)
        yield from health.home(settings)
        runtime = open_runtime(settings)
        connections = [item for name in wanted or runtime.sources for item in runtime.registered(name, tenants)]
    except StrataError as error:
        yield health.failed("settings", error)
        return
    yield Check("settings", ok=True, detail=f"{len(runtime.tenants)} tenants, time zone {runtime.settings.timezone}")
    yield from variables.unknown(runtime.settings, runtime.sources, variables.given())
    yield from health.state(runtime)
    yield from health.sources(runtime)
    yield from health.drift(runtime)
    yield from health.leftovers(runtime)
    yield from _terms(runtime)
    yield from _alerting(runtime)
    yield from delivery_health.deliveries(runtime, tenants, offline=offline)
    for registered in connections:
        yield from health.connection(runtime, runtime.sources[registered.source], registered, offline=offline)


def _terms(runtime: Runtime) -> Iterator[Check]:
    """Report terms of plans and tenants that nothing goes by."""
    faults = [
        (owner, fault)
        for owner, terms in stored_terms(runtime.control)
        for fault in find_faults(terms, runtime.sources)
    ]
    for owner, fault in faults:
        remedy = f"{fault.remedy} To take it back, give its name with nothing after the '='."
        yield Check(owner, ok=False, detail=fault.message, remedy=remedy)
    if not faults:
        yield Check("plans", ok=True, detail="every term is known")


def _alerting(runtime: Runtime) -> Iterator[Check]:
    settings = runtime.settings
    mail = bool(settings.alert_smtp_url)
    if mail and not settings.alert_mail_to:
        yield Check("alerts", ok=False, detail="nobody gets the mails", remedy="Set STRATA_ALERT_MAIL_TO.")
        return
    sink = "webhook" if settings.alert_webhook_url else "mail" if mail else "kept in the table strata.alert only"
    yield Check("alerts", ok=True, detail=sink)


def _show(checks: list[Check], faults: list[Check]) -> None:
    rows = [
        (coloured("ok" if check.ok else "fault", "green" if check.ok else "bold red"), check.name, _words(check))
        for check in checks
    ]
    print_table(("", "what", "finding"), rows)
    say(f"{len(faults)} of {len(checks)} checks found a fault." if faults else f"All {len(checks)} checks are well.")


def _words(check: Check) -> str:
    if check.ok or not check.remedy:
        return check.detail
    return f"{check.detail.rstrip('.')}. {check.remedy}" if check.detail else check.remedy
