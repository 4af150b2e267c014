"""Which published versions deliveries still need, and the sweep of those that nobody does.

A version is held when the outbox takes it in, and stays held while a delivery of it waits or is dead,
or a registration received it last: the next difference is counted against it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import Connection, select

from orchestration import names
from orchestration.control.delivery_tables import WAITING_STATES, delivery, progress, registration
from orchestration.names import Table
from orchestration.publication.holding import held_files, held_version, hold, version_path
from orchestration.runtime import Runtime
from orchestration.settings import Settings

__all__ = ["Version", "hold_versions", "sweep", "sweep_sometimes", "version_path"]

Version = tuple[Table, int]
YOUNG_SECONDS = 600
"""A held file is not judged before: what asked for it may not be committed, or somebody may be reading it."""


def hold_versions(settings: Settings, versions: set[Version]) -> None:
    """Hold versions fast; those that are gone already are found missing by who composes their deliveries."""
    for table, version in sorted(versions):
        hold(settings, table, version)


def sweep_sometimes(runtime: Runtime) -> int:
    """Sweep, unless somebody did it a moment ago."""
    mark = runtime.settings.published_dir / names.PLATFORM / "swept"
    if mark.exists() and time.time() - mark.stat().st_mtime < YOUNG_SECONDS:
        return 0
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return sweep(runtime)


def sweep(runtime: Runtime) -> int:
    """Drop the held files that nobody needs and return how many; asks the control plane only for old ones."""
    now = time.time()
    # The time of the last change of an inode is also that of its last new name.
    old = [path for path in held_files(runtime.settings) if now - path.stat().st_ctime > YOUNG_SECONDS]
    if not old:
        return 0
    with runtime.control.reading() as connection:
        needed = set(_needed(connection))
    useless = [path for path in old if held_version(path) not in needed]
    for path in useless:
        path.unlink(missing_ok=True)
    return len(useless)


def _needed(connection: Connection) -> Iterator[Version]:
    pending = (
        select(delivery.c.subject, delivery.c.from_version, delivery.c.to_version)
        .where(delivery.c.state.in_((*WAITING_STATES, "dead")), delivery.c.to_version.is_not(None))
        .distinct()
    )
    for row in connection.execute(pending).mappings():
        schema, _, table = row["subject"].partition(".")
        yield from (((schema, table), version) for version in (row["from_version"], row["to_version"]) if version)
    received = select(progress.c.schema_name, progress.c.table_name, progress.c.version).join(
        registration,
        (registration.c.tenant_id == progress.c.tenant_id)
        & (registration.c.registration_id == progress.c.registration_id),
    )
    living = received.where(registration.c.deleted_at.is_(None)).distinct()
    for row in connection.execute(living).mappings():
        yield (row["schema_name"], row["table_name"]), row["version"]
