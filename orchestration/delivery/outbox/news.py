"""Reads the exported logs from where the cursor stands, and counts whose rows each version changes.

It works on files alone, outside of any transaction: counting may take seconds, and a
batch ends when it has taken long enough, so that a backlog of a million changes is gone through in
many short steps.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb

from orchestration import names
from orchestration.access.relation import reader
from orchestration.delivery.outbox.cursor import EVENTS, PUBLICATIONS
from orchestration.delivery.outbox.wanted import Audience, Wanted, of_event, of_version
from orchestration.parquet_files import parquet_relation
from orchestration.publication.differences import Differences
from orchestration.publication.exported import (
    LoggedEvent,
    events,
    last_event,
    last_publication,
    publications,
)
from orchestration.publication.holding import version_path
from orchestration.publication.log import PublishedVersion
from orchestration.publication.row_changes import shape, tenant_changes
from orchestration.runtime import Runtime
from orchestration.settings import Settings

BATCH_SECONDS = 4.0
"""After so long no further version is counted; Dagster ends a sensor's tick after 60 s."""


@dataclass(frozen=True)
class News:
    """What was read: for whom, and where each log's cursor stands after it."""

    wanted: tuple[Wanted, ...]
    versions: tuple[PublishedVersion, ...]
    events: tuple[LoggedEvent, ...]

    @property
    def positions(self) -> dict[str, int]:
        """The cursors that moved."""
        versions = {PUBLICATIONS: self.versions[-1].seq} if self.versions else {}
        return versions | ({EVENTS: self.events[-1].seq} if self.events else {})


def has_news(settings: Settings, after: Mapping[str, int]) -> bool:
    """Say whether there is anything to read; costs a look at two files."""
    versions, happened = last_publication(settings) or 0, last_event(settings) or 0
    return versions > after[PUBLICATIONS] or happened > after[EVENTS]


def read_news(runtime: Runtime, after: Mapping[str, int], audience: Audience, limit: int) -> News:
    """Return up to ``limit`` versions and as many events that come next, with those who want them."""
    happened = events(runtime.settings, after[EVENTS], limit)
    wanted = [item for event in happened for item in of_event(event, audience.of_event(event))]
    read: list[PublishedVersion] = []
    for version, readers in _versions(runtime, after[PUBLICATIONS], audience, limit):
        read.append(version)
        wanted += readers
    return News(tuple(wanted), tuple(read), tuple(happened))


def _versions(
    runtime: Runtime, after: int, audience: Audience, limit: int
) -> Iterator[tuple[PublishedVersion, list[Wanted]]]:
    published = publications(runtime.settings, after, limit)
    if not published:
        return
    began = time.monotonic()
    with reader(runtime) as con:
        for version in published:
            readers = audience.of_table(version)
            changes = _changes(con, runtime, version) if readers else None
            yield version, list(of_version(version, readers, changes))
            if time.monotonic() - began > BATCH_SECONDS:
                return


def _changes(
    con: duckdb.DuckDBPyConnection, runtime: Runtime, version: PublishedVersion
) -> Mapping[str, Differences] | None:
    """Count a version's changes by tenant; ``None`` when its files do not tell: then each reader looks for itself.

    A table that tells no tenants apart is nobody's.
    """
    new = version_path(runtime.settings, version.table, version.version)
    old = version_path(runtime.settings, version.table, version.version - 1)
    if new is None or (old is None and version.version > 1):
        return None
    try:
        if names.TENANT not in shape(con, parquet_relation(new)):
            return {}
        before = parquet_relation(old) if old else None
        return tenant_changes(con, parquet_relation(new), before, (), version.key)
    except duckdb.Error:
        return None  # whoever composes the delivery finds what is wrong with the file, and it is told there
