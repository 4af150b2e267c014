"""Tells of a close in the warehouse's records: verdicts of checks, their events, and alerts to the owners."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

from orchestration.alerts import raise_alert, recover_all
from orchestration.failures import FailureClass
from orchestration.names import FINANCE, PLATFORM
from orchestration.publication.event_log import QUALITY_FAILED, NewEvent, record_events
from orchestration.scripts.checks_file import checks_path
from orchestration.scripts.close.outcome import CheckOutcome, Closed, Closing
from orchestration.scripts.close.plan import PLATFORM_OWNER, PlannedScript
from orchestration.warehouse.clock import stored, utc_now
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

GATE = FINANCE
"""What the checks of analysts are called among the gates."""
_VERDICT = (
    "verdict_id, gate, table_name, rule, severity, passed, failed_rows, sample, owner, tenant_id, build_id, decided_at"
)


def tell(session: Session, closed: Closed) -> None:
    """Write what a tenant's close found; call it in the transaction that ends the close."""
    for check in (check for item in closed.scripts for check in item.checks):
        _keep_verdict(session, closed, check)
    failed = [check for item in closed.scripts for check in item.failed_checks]
    record_events(session, [_event(closed, check) for check in failed])
    for item in closed.scripts:
        if item.fault:
            raise_alert(
                session, FailureClass.SCRIPT, _about(item.script, closed.tenant), item.fault, item.script.owner,
                tenant=closed.tenant,
            )  # fmt: skip
    for check in failed:
        raise_alert(
            session, FailureClass.QUALITY, _about_check(check, closed.tenant), check.sentence, check.script.owner,
            tenant=closed.tenant,
        )  # fmt: skip
    if closed.fault:
        raise_alert(
            session, FailureClass.SCRIPT, about_close(closed.tenant), closed.fault, PLATFORM_OWNER, tenant=closed.tenant
        )
    recover_all(session, _well(closed))


def tell_of_files(session: Session, closing: Closing) -> None:
    """Tell owners of scripts that cannot be run, and of checks that no script stands beside; once for all tenants."""
    broken, plan = closing.left_out, closing.plan
    for name, item in broken.items():
        raise_alert(session, FailureClass.SCRIPT, f"script {name}", item.message, item.script.owner)
    for path in plan.orphans:
        raise_alert(session, FailureClass.SCRIPT, f"checks {path.name}", orphaned(path), PLATFORM_OWNER)
    well = [script for script in plan.scripts if script.name not in broken]
    subjects = [f"checks {checks_path(script.script.path).name}" for script in well]
    recover_all(session, [*(f"script {script.name}" for script in well), *subjects])


def in_history_alone(closed: Closed) -> str:
    """Say of a close of an older day where it is, and how readers come to see it."""
    day, tenant = closed.as_of, closed.tenant
    table = ".".join(next(iter(closed.tables)))
    return (
        f"readers see a later day; {day} is in history alone. To look at it: strata read {table} --tenant {tenant} "
        f"--as-of {day}. If the later day was a mistake, let readers see this one: "
        f'strata close --as-of {day} --tenant {tenant} --show-older --reason "…".'
    )


def never_closed(tenant: str, day: date) -> str:
    """Say that history lacks a day, and how it gets it."""
    return (
        f"{day} was never closed for {tenant}: it was tried, and a later day is closed. To close it with the rows "
        f"that are there now: strata close --as-of {day} --tenant {tenant}."
    )


def orphaned(path: Path) -> str:
    """Say what is wrong with a file of checks that no script stands beside."""
    return f"{path.name} is never run: there is no script of that name beside it."


def _well(closed: Closed) -> Iterator[str]:
    if not closed.fault:
        yield about_close(closed.tenant)
    for item in closed.scripts:
        if item.status == "built":
            yield _about(item.script, closed.tenant)
        yield from (_about_check(check, closed.tenant) for check in item.checks if check.passed)


def _about(script: PlannedScript, tenant: str) -> str:
    return f"script {script.name} for {tenant}"


def _about_check(check: CheckOutcome, tenant: str) -> str:
    return f"check {check.check.name} of {check.script.name} for {tenant}"


def about_close(tenant: str) -> str:
    """Return what alerts call a tenant's close as a whole."""
    return f"close for {tenant}"


def _keep_verdict(session: Session, closed: Closed, check: CheckOutcome) -> None:
    sample = "" if check.passed else check.sample or f"cannot be judged: {check.fault}"
    session.execute(
        f"INSERT INTO {platform_table('verdict')} ({_VERDICT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            uuid4().hex, GATE, _table_of(check), check.check.title, "blocks", check.passed, check.rows, sample,
            check.script.owner, closed.tenant, closed.close_id, stored(utc_now()),
        ],
    )  # fmt: skip


def _event(closed: Closed, check: CheckOutcome) -> NewEvent:
    table = _table_of(check)
    data = {"gate": GATE, "table": table, "rule": check.check.title, "blocks": True, "failed_rows": check.rows}
    return NewEvent(QUALITY_FAILED, closed.tenant, table, data)


def _table_of(check: CheckOutcome) -> str:
    """Return the table that a check stands for: the first that its script builds."""
    return ".".join(next(iter(check.script.writes), (PLATFORM, check.script.name)))
