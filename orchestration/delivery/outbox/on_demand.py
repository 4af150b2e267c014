"""Puts a registration's tables into the outbox because somebody asks, not because a version was published.

A consumer that is new has its first rows at once; one that lost its copy gets all rows again.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
from sqlalchemy import Connection, delete

from orchestration.control import changes
from orchestration.control.actor import current_actor
from orchestration.control.delivery_tables import progress
from orchestration.delivery import registry
from orchestration.delivery.outbox import cursor, lanes
from orchestration.delivery.outbox.enqueue import enqueue
from orchestration.delivery.outbox.held import hold_versions
from orchestration.delivery.outbox.wanted import Wanted, event_name, kind_for, of_version
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.registration import Place, Registration
from orchestration.failures import SettingsError
from orchestration.publication.exported import mend_logs, newest
from orchestration.publication.log import PublishedVersion
from orchestration.runtime import Runtime


def send_newest(runtime: Runtime, place: Place, *, complete: bool = False) -> int:
    """Put the newest version of each of a registration's tables into the outbox; return how many deliveries it made.

    With ``complete`` the registration counts as one that has nothing yet: changed rows are then all rows.

    Raises:
        SettingsError: the registration is unknown, or is about no table.
    """
    mend_logs(runtime)
    with runtime.control.reading() as connection:
        wish = registry.find(connection, place)
    versions = _versions(runtime, wish)
    with runtime.control.transaction(current_actor()) as connection:
        lanes.enter(connection)
        now = database_now(connection)
        if complete:
            _forget(connection, wish)
        hold_versions(runtime.settings, {(version.table, version.version) for version in versions})
        created = max(now, cursor.positions(connection)[cursor.CREATED])
        begun = enqueue(connection, now, created, [_asked_for(wish, version, now) for version in versions])
        cursor.move(connection, {cursor.CREATED: created})
        tables = ", ".join(event_name(version.table) for version in versions)
        changes.record(connection, wish.tenant, "send", f"registration {wish.label}", after={"tables": tables})
    return begun


def _versions(runtime: Runtime, wish: Registration) -> list[PublishedVersion]:
    if kind_for(wish) is None:
        message = f"{wish.label} is about no table: there is nothing to send before it happens."
        raise SettingsError(message, f"A test event: strata registration test {wish.label}")
    found = [newest(runtime.settings, table) for table in wish.tables]
    return [version for version in found if version]


def _asked_for(wish: Registration, version: PublishedVersion, now: int) -> Wanted:
    """Announce a version once more: its own key lets it stand beside the one of its publication."""
    (wanted,) = of_version(version, [wish], None)
    return replace(wanted, event=msgspec.structs.replace(wanted.event, key=f"{wanted.event.key}!{now}"))


def _forget(connection: Connection, wish: Registration) -> None:
    """Forget what the registration received."""
    mine = (progress.c.tenant_id == wish.tenant, progress.c.registration_id == wish.registration_id)
    connection.execute(delete(progress).where(*mine))
