"""A publication log that ends before the cursor: the warehouse was restored without the control plane, or made anew.

Its versions bear numbers that were delivered before, for other rows. So everyone's progress is
forgotten, and what the outbox knows of tables; the newest version of each table is delivered, whole:
receivers see rows again rather than miss any.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete

from orchestration.control import changes
from orchestration.control.delivery_tables import outbox, progress
from orchestration.control.tables import PLATFORM
from orchestration.delivery.outbox import cursor
from orchestration.delivery.outbox.news import News
from orchestration.delivery.outbox.wanted import Audience, of_version
from orchestration.publication.exported import last_publication, newest_publications
from orchestration.settings import Settings


def is_set_back(settings: Settings, reached: Mapping[str, int]) -> bool:
    """Say whether the log ends before what was read of it; a log that was never exported says nothing."""
    last = last_publication(settings)
    return last is not None and last < reached[cursor.PUBLICATIONS]


def newest_versions(settings: Settings, audience: Audience) -> News:
    """Return the newest version of each table as what comes next."""
    versions = newest_publications(settings)
    wanted = [item for version in versions for item in of_version(version, audience.of_table(version), None)]
    return News(tuple(wanted), tuple(versions), ())


def forget_versions(connection: Connection, reached: Mapping[str, int]) -> None:
    """Forget which versions were delivered, and read from the beginning; written into the audit trail."""
    connection.execute(delete(progress))
    connection.execute(delete(outbox).where(outbox.c.version.is_not(None)))
    cursor.move(connection, {cursor.PUBLICATIONS: 0})
    changes.record(
        connection, PLATFORM, "set back", "deliveries", before={"publications": reached[cursor.PUBLICATIONS]}
    )
