"""Removes a tenant without a trace, in steps that may each be done twice: killed anywhere, the same call finishes.

First the tenant's state becomes ``removing``, which stops loads and reads, together with the
report of what is where. Then everything goes, and last of all the tenant's row: as long as
anything is left, the control plane says so. Of the name only a digest stays, so that no seed
brings the tenant back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration import names, simulators
from orchestration.bronze.request import load_lock
from orchestration.control import changes
from orchestration.control.actor import current_actor
from orchestration.control.installation import remember_removed
from orchestration.failures import StrataError
from orchestration.landing.manifest import Place
from orchestration.publication.exported import export_logs
from orchestration.publication.status import write_status
from orchestration.runtime import Runtime
from orchestration.scripts.work import empty_work
from orchestration.tenancy import belongings, mentions, versions
from orchestration.tenancy.belongings import Found
from orchestration.tenancy.inventory import connections_of, control_rows, take_inventory
from orchestration.tenancy.leftovers import find_in_dagster, find_moved_aside, remove_leftovers
from orchestration.tenancy.registry_rows import require_tenant
from orchestration.tenancy.states import REMOVING, remember
from orchestration.warehouse import apply
from orchestration.warehouse.compaction import compact
from orchestration.warehouse.lock import held
from orchestration.warehouse.platform import platform_table

OnStep = Callable[[str], None]


@dataclass(frozen=True)
class Removed:
    """What was where before, and what may hold the tenant still: files of Dagster's record, states moved aside."""

    found: tuple[Found, ...]
    in_dagster: tuple[Path, ...]
    moved_aside: tuple[Path, ...] = ()


def remove_tenant(runtime: Runtime, tenant: str, on_step: OnStep = lambda _: None) -> Removed:
    """Remove everything of a tenant, or finish a removal that was broken off.

    Raises:
        SettingsError: the tenant is unknown.
        Busy: a load of the tenant runs and did not end in time; the tenant takes no new ones, so try again.
        StrataError: something is left after all; names it. The tenant stays ``removing``.
    """
    lock = runtime.settings.locks_dir / f"tenant-{tenant}.lock"
    with held(lock, f"remove {tenant}", runtime.settings.lock_wait_seconds):
        found = _announce(runtime, tenant)
        with _no_loads(runtime, tenant):
            for name, step in steps():
                on_step(name)
                step(runtime, tenant)
            # Our own locks too: their names would stay, and who waits for one finds no tenant behind it.
            remove_leftovers(runtime.settings, tenant)
        on_step("control plane")
        _leave(runtime, tenant)
    settings = runtime.settings
    return Removed(tuple(found), tuple(find_in_dagster(settings, tenant)), tuple(find_moved_aside(settings)))


def steps() -> list[tuple[str, Callable[[Runtime, str], None]]]:
    """Return what happens between the announcement and the end, in order."""
    return [
        ("landing", _clear_landing),
        ("warehouse", _clear_warehouse),
        ("published versions", _clear_versions),
        ("simulated sources", _clear_simulation),
        ("warehouse file", _compact),
        ("proof", _prove),
    ]


def _announce(runtime: Runtime, tenant: str) -> list[Found]:
    """Stop loads and reads, and keep what there was; a removal that goes on reports what it found at first."""
    row = require_tenant(runtime.control, tenant)
    if row["state"] == REMOVING and "found" in row["onboarding"]:
        return [Found(**item) for item in row["onboarding"]["found"]]
    remember(runtime.control, tenant, REMOVING, {})
    found = take_inventory(runtime, tenant) + control_rows(runtime, tenant)
    remember(runtime.control, tenant, REMOVING, {"found": [asdict(item) for item in found]})
    return found


@contextmanager
def _no_loads(runtime: Runtime, tenant: str) -> Iterator[None]:
    """Wait for the loads that run, and keep others out: they look at the tenant's state before they have the lock."""
    with ExitStack() as locks:
        for place in _places(runtime, tenant):
            lock, wait = load_lock(runtime, place), runtime.settings.lock_wait_seconds
            locks.enter_context(held(lock, "remove a tenant", wait))
        yield


def _places(runtime: Runtime, tenant: str) -> list[Place]:
    with runtime.warehouse.session("loads of a tenant") as session:
        apply.ensure(session)
        ledger = platform_table("load_ledger")
        sql = f"SELECT DISTINCT tenant_id, source, connection, entity FROM {ledger} WHERE tenant_id = ?"
        loaded = {Place(*row) for row in session.execute(sql, [tenant])}
    could = {
        Place(tenant, connection.source, connection.instance, entity)
        for connection in connections_of(runtime, tenant)
        for entity in runtime.sources[connection.source].contracts
    }
    return sorted(loaded | could)


def _clear_landing(runtime: Runtime, tenant: str) -> None:
    runtime.landing.clear(f"{tenant}/")


def _clear_warehouse(runtime: Runtime, tenant: str) -> None:
    with runtime.warehouse.session("remove a tenant") as session:
        apply.ensure(session)
        with session.transaction():
            mentions.take_out_mentions(session, tenant)
            belongings.delete_rows(session, tenant)
            empty_work(session)
        write_status(session, runtime)
        export_logs(session, runtime.settings, thorough=True)


def _clear_versions(runtime: Runtime, tenant: str) -> None:
    condition = f"{names.TENANT} = {names.literal(tenant)}"
    with runtime.warehouse.session("remove a tenant") as session:
        versions.remove_drafts(runtime.settings)
        for file in versions.version_files(session, runtime.settings):
            if versions.count(session, file, condition):
                kept = f"SELECT * FROM {file.source} WHERE {names.TENANT} IS DISTINCT FROM {names.literal(tenant)}"
                versions.rewrite(session, runtime.settings, file, kept)
            else:
                versions.correct_counts(session, runtime.settings, file)


def _clear_simulation(runtime: Runtime, tenant: str) -> None:
    for connection in connections_of(runtime, tenant):
        simulators.remove(connection, runtime.settings)


def _compact(runtime: Runtime, tenant: str) -> None:  # noqa: ARG001 - every step is called alike
    compact(runtime.warehouse, runtime.settings)


def _prove(runtime: Runtime, tenant: str) -> None:
    """Look again, with the same eyes as before."""
    left = [item for item in take_inventory(runtime, tenant) if item.place != "home"]
    if left:
        listed = ", ".join(f"{item.pieces} {item.kind} in {item.place} {item.name}" for item in left)
        raise StrataError(f"Of tenant {tenant!r} there is left: {listed}.", "Give the same command again.")


def _leave(runtime: Runtime, tenant: str) -> None:
    with runtime.control.transaction(current_actor()) as connection:
        remember_removed(connection, tenant)
        changes.erase(connection, tenant)
    runtime.control.compact()
