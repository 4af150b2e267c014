"""What registrations want of the news: which of them hears of a version or an event, and as what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from orchestration.control.delivery_tables import registration as registration_table
from orchestration.control.tables import tenant
from orchestration.delivery import registry
from orchestration.delivery.events.catalogue import ROWS_CHANGED, TABLE_UPDATED
from orchestration.delivery.outbox.cursor import EVENTS, PUBLICATIONS
from orchestration.delivery.queue.claimed import Event
from orchestration.delivery.registration import Place, Registration
from orchestration.names import TENANT, Table
from orchestration.publication.differences import Differences
from orchestration.publication.exported import LoggedEvent
from orchestration.publication.log import PublishedVersion

OF_TABLES = (TABLE_UPDATED, ROWS_CHANGED)
"""What a published version is announced as."""


@dataclass(frozen=True)
class Wanted:
    """One event for one registration; ``seq`` is its number in the log called ``stream``."""

    registration: Registration
    event: Event
    stream: str
    seq: int

    @property
    def of_table(self) -> bool:
        """Whether it is a version of a table."""
        return self.stream == PUBLICATIONS

    @property
    def table(self) -> Table:
        """The table that the event's subject names."""
        schema, _, name = self.event.subject.partition(".")
        return schema, name


@dataclass(frozen=True)
class Audience:
    """The registrations that are served, and since when: what happened before they came is not for them."""

    registrations: tuple[Registration, ...]
    since: Mapping[Place, datetime] = field(default_factory=dict)

    def of_table(self, version: PublishedVersion) -> list[Registration]:
        """Return who wants to hear of versions of a table."""
        return [
            item
            for item in self.registrations
            if version.table in item.tables and kind_for(item) and self.since[item.place] <= version.published_at
        ]

    def of_event(self, event: LoggedEvent) -> list[Registration]:
        """Return who wants to hear of an event."""
        return [
            item
            for item in self.registrations
            if event.type in item.events
            and event.tenant in (None, item.tenant)
            and self.since[item.place] <= event.occurred_at
        ]


def read_audience(connection: Connection) -> Audience:
    """Return who is served: registrations that are active or paused, of tenants that are not being removed."""
    served: set[str] = set(connection.execute(select(tenant.c.tenant_id).where(_is_served())).scalars())
    found = [item for item in registry.registrations(connection) if item.tenant in served and item.state != "disabled"]
    columns = registration_table.c
    since = select(columns.tenant_id, columns.registration_id, columns.created_at)
    return Audience(tuple(found), {(row[0], row[1]): row[2] for row in connection.execute(since)})


def _is_served() -> ColumnElement[bool]:
    return tenant.c.deleted_at.is_(None) & (tenant.c.state != "removing")


def kind_for(registration: Registration) -> str | None:
    """Return the type as which a version is announced: of those asked for, the first that is about a table."""
    return next((name for name in registration.events if name in OF_TABLES), None)


def of_version(
    version: PublishedVersion, readers: Iterable[Registration], changes: Mapping[str, Differences] | None
) -> Iterator[Wanted]:
    """Yield a version for those whose tenant has changes in it; without ``changes``, which nobody can tell, for all."""
    name = event_name(version.table)
    for item in readers:
        if changes is not None and item.tenant not in changes:
            continue
        data = {
            "table": name,
            "version": version.version,
            "key": [column for column in version.key if column != TENANT],
        }
        if changes is not None:
            data |= vars(changes[item.tenant])
        event = Event(
            key=f"{name}@{version.version}",
            type=kind_for(item) or TABLE_UPDATED,
            subject=name,
            version=version.version,
            data=data,
            occurred_at=_milliseconds(version.published_at),
            traceparent=version.traceparent,
        )
        yield Wanted(item, event, PUBLICATIONS, version.seq)


def of_event(logged: LoggedEvent, readers: Iterable[Registration]) -> Iterator[Wanted]:
    """Yield an event for those who want it."""
    event = Event(
        key=f"{logged.type}#{logged.seq}",
        type=logged.type,
        subject=logged.subject,
        version=None,
        data=logged.data,
        occurred_at=_milliseconds(logged.occurred_at),
        traceparent=logged.traceparent,
    )
    for item in readers:
        yield Wanted(item, event, EVENTS, logged.seq)


def event_name(table: Table) -> str:
    """Return a table's name as events have it."""
    return ".".join(table)


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
