"""Gathers what is new for deliveries: from the warehouse's logs into the outbox, by a cursor that moves with it.

Cursor, outbox rows and deliveries are one transaction: killed anywhere, it has happened or it
has not. Any number may gather at once; who comes second finds the cursor moved and leaves out
what the first one took.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from orchestration import telemetry
from orchestration.delivery.outbox import cursor, lanes, setback, windows
from orchestration.delivery.outbox.enqueue import enqueue
from orchestration.delivery.outbox.held import hold_versions, sweep_sometimes
from orchestration.delivery.outbox.news import News, has_news, read_news
from orchestration.delivery.outbox.wanted import Audience, read_audience
from orchestration.delivery.queue.clock import database_now
from orchestration.publication.exported import mend_logs
from orchestration.publication.holding import mark_read
from orchestration.runtime import Runtime
from orchestration.settings import Settings

ACTOR = "delivery"


@dataclass(frozen=True)
class Gathered:
    """What one step did: versions and events that were read, deliveries that were begun, windows that were closed."""

    versions: int = 0
    events: int = 0
    deliveries: int = 0
    closed: int = 0

    def __bool__(self) -> bool:
        """Whether there was anything to do; if so, there may be more."""
        return bool(self.versions or self.events or self.closed)


def gather(runtime: Runtime, now: int | None = None, *, limit: int = 1000) -> Gathered:
    """Take in the next versions and events, up to ``limit`` of each, and close windows that are due.

    ``now`` is in milliseconds of the queue's clock; the database's when it is left out.

    Raises:
        StrataError: the control plane cannot be written to.
    """
    mend_logs(runtime)
    look = _look(runtime, now, limit)
    if not look.news.positions and not look.is_window_due:
        return Gathered()
    trace = look.news.wanted[-1].event.traceparent if look.news.wanted else ""
    with telemetry.span("fill the outbox", trace), runtime.control.transaction(ACTOR) as connection:
        lanes.enter(connection)
        at = database_now(connection) if now is None else now
        begun = _take_in(connection, runtime.settings, at, look)
        closed = windows.close_due(connection, at)
    if look.news.versions:
        mark_read(runtime.settings, look.news.versions[-1].seq if look.audience.registrations else None)
    sweep_sometimes(runtime)
    return Gathered(len(look.news.versions), len(look.news.events), begun, closed)


@dataclass(frozen=True)
class _Look:
    """What was seen before anything is written."""

    audience: Audience
    news: News
    is_window_due: bool
    is_set_back: bool


def _look(runtime: Runtime, now: int | None, limit: int) -> _Look:
    """Look for news without keeping anybody from writing; who asks in vain, once a second, pays little."""
    settings = runtime.settings
    with runtime.control.reading() as connection:
        after = cursor.positions(connection)
        is_due = windows.is_any_due(connection, database_now(connection) if now is None else now)
        set_back = setback.is_set_back(settings, after)
        # What is exported from now on is not news yet: it would be taken in for nobody, and the cursor moved past it.
        if not (set_back or has_news(settings, after)):
            return _Look(Audience(()), News((), (), ()), is_due, set_back)
        audience = read_audience(connection)
    if set_back:
        return _Look(audience, setback.newest_versions(settings, audience), is_due, set_back)
    return _Look(audience, read_news(runtime, after, audience, limit), is_due, set_back)


def _take_in(connection: Connection, settings: Settings, now: int, look: _Look) -> int:
    """Write what no other process has taken in meanwhile, for those who are still served."""
    reached, served = cursor.positions(connection), _served(read_audience(connection))
    if look.is_set_back and setback.is_set_back(settings, reached):
        setback.forget_versions(connection, reached)
        reached = cursor.positions(connection)
    wanted = [
        item for item in look.news.wanted if item.seq > reached[item.stream] and item.registration.place in served
    ]
    hold_versions(settings, {(item.table, item.event.version) for item in wanted if item.event.version is not None})
    created = max(now, reached[cursor.CREATED] + 1)  # the names of what is begun sort after all that were begun before
    begun = enqueue(connection, now, created, wanted)
    moved = {stream: seq for stream, seq in look.news.positions.items() if seq > reached[stream]}
    cursor.move(connection, moved | ({cursor.CREATED: created} if begun else {}))
    return begun


def _served(audience: Audience) -> set[tuple[str, str]]:
    return {item.place for item in audience.registrations}
