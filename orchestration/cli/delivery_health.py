"""What ``strata doctor`` and ``strata status`` look at of deliveries: those that are late or dead, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection

from orchestration.cli.console import ago
from orchestration.contracts.extraction import Check
from orchestration.delivery import registry
from orchestration.delivery.alarms import Trouble, troubled_registrations
from orchestration.delivery.late import TOO_LATE_MS, oldest_due
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.registration import Registration
from orchestration.delivery.sealing import Seal
from orchestration.failures import StrataError
from orchestration.runtime import Runtime

_NO_WORKER = (
    "Start a worker: strata deliver, or once: strata deliver --once. Under Dagster: delivery_sensor has to run."
)


def deliveries(runtime: Runtime, tenants: Collection[str] | None, *, offline: bool) -> Iterator[Check]:
    """Check that deliveries arrive: of registrations that are in trouble or lack a secret, and of the workers."""
    named = tenants or ()
    try:
        with runtime.control.reading() as connection:
            wishes = [item for item in registry.registrations(connection) if not named or item.tenant in named]
            faults = [_in_trouble(item) for item in _troubles(connection, named)]
            seconds = _late_seconds(connection, named, reachable=True)
        faults += list(_secrets(runtime, wishes, offline=offline))
    except StrataError as error:
        faults, wishes, seconds = [Check("deliveries", ok=False, detail=error.message, remedy=error.remedy)], [], 0
    if seconds:
        detail = f"Deliveries are due for {ago(seconds)} and no worker takes them."
        faults.append(Check("deliveries", ok=False, detail=detail, remedy=_NO_WORKER))
    number = f"{len(wishes):,} registration{'s' * (len(wishes) != 1)}"
    yield from faults or [Check("deliveries", ok=True, detail=number)]


def trouble_in_short(runtime: Runtime, tenants: Collection[str]) -> str:
    """Return in a few words what is late, dead or disabled; empty when nothing is."""
    with runtime.control.reading() as connection:
        found = _troubles(connection, tenants)
        seconds = _late_seconds(connection, tenants)
    dead, disabled = sum(item.dead for item in found), sum(item.is_disabled for item in found)
    words = [f"{dead:,} dead letter{'s' * (dead != 1)}"] if dead else []
    words += [f"{disabled:,} registration{'s' * (disabled != 1)} disabled"] if disabled else []
    words += [f"late by {ago(seconds)}"] if seconds else []
    return ", ".join(words)


def _troubles(connection: Connection, tenants: Collection[str]) -> list[Trouble]:
    return [item for item in troubled_registrations(connection) if not tenants or item.tenant in tenants]


def _late_seconds(connection: Connection, tenants: Collection[str], *, reachable: bool = False) -> float:
    """Return how late the latest is if that is too late, else 0."""
    now = database_now(connection)
    since = oldest_due(connection, now, reachable=reachable, tenants=tenants)
    return 0.0 if since is None or now - since < TOO_LATE_MS else (now - since) / 1000


def _in_trouble(item: Trouble) -> Check:
    label = f"{item.tenant}/{item.registration}"
    if item.is_disabled:
        return Check(item.subject, ok=False, detail=item.fault, remedy=f"{item.remedy} {label}")
    number = "1 delivery" if item.dead == 1 else f"{item.dead:,} deliveries"
    look = f"strata dead-letters list {item.tenant} --registration {item.registration}"
    again = f"strata dead-letters replay {item.tenant} --registration {item.registration}"
    remedy = f"Look: {look}. Once the cause is mended: {again}"
    return Check(item.subject, ok=False, detail=f"{number} failed for good.", remedy=remedy)


def _secrets(runtime: Runtime, wishes: list[Registration], *, offline: bool) -> Iterator[Check]:
    """Tell of secrets that this process cannot fetch; a worker elsewhere may have another environment."""
    for wish in wishes:
        kept = [setting for setting in wish.settings.values() if "value" not in setting]
        if not kept or (offline and any(str(item.get("reference", "")).startswith("vault:") for item in kept)):
            continue
        try:
            registry.resolve_endpoint(wish, Seal(runtime.settings, runtime.control))
        except StrataError as error:
            yield Check(f"deliveries of {wish.label}: secrets", ok=False, detail=error.message, remedy=error.remedy)
