"""Feeds: what a consumer reads at its own pace, numbered without gaps from 1 for each registration.

An entry is written once, however often its delivery is tried. Positions are given under the
registration's lock and become visible in their order, so that a reader who has seen 7 has seen 1 to 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from orchestration.access.admission import admit
from orchestration.access.principal import Permission, Principal
from orchestration.access.refusals import NotFound
from orchestration.control.database import alone
from orchestration.control.delivery_tables import feed_entry, registration
from orchestration.delivery.registration import Place
from orchestration.failures import StrataError
from orchestration.runtime import Runtime

MOST_READ = 1000
_DAY = 86_400_000


class FeedBehind(StrataError):
    """A reader asks for entries that are no longer kept."""


@dataclass(frozen=True)
class Entry:
    """One entry of a feed; ``event`` is a CloudEvents envelope, or a list of them."""

    position: int
    delivery_id: str
    added_at: datetime
    event: Any


@dataclass(frozen=True)
class FeedPage:
    """Entries in their order; ``after`` is what to ask for next, ``latest`` the position of the newest entry."""

    entries: list[Entry]
    after: int
    latest: int


def append(connection: Connection, now: int, place: Place, documents: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Write entries (delivery and document) to a feed, and return each delivery's position.

    ``now`` is in milliseconds by the database's clock. Who calls it waits for whoever writes to the same feed.
    """
    alone(connection, f"feed {'/'.join(place)}")
    mine = _of(place)
    known = select(feed_entry.c.delivery_id, feed_entry.c.position).where(
        *mine, feed_entry.c.delivery_id.in_([delivery for delivery, _ in documents])
    )
    positions = {row.delivery_id: int(row.position) for row in connection.execute(known)}
    last = _latest(connection, place)
    new = {delivery: document for delivery, document in documents if delivery not in positions}
    given = {delivery: last + number for number, delivery in enumerate(new, start=1)}
    key = {"tenant_id": place[0], "registration_id": place[1]}
    rows = [
        {**key, "position": given[delivery], "delivery_id": delivery, "document": document, "added_at": now}
        for delivery, document in new.items()
    ]
    if rows:
        connection.execute(insert(feed_entry), rows)
    return positions | given


def drop_old(connection: Connection, now: int, place: Place, days: int) -> int:
    """Delete entries older than so many days but the newest, which tells how far the numbers are; return how many."""
    oldest = select(feed_entry.c.added_at).where(*_of(place)).order_by(feed_entry.c.position).limit(1)
    before = now - days * _DAY
    found = connection.execute(oldest).scalar()
    if found is None or found >= before:
        return 0
    last = _latest(connection, place)
    old = delete(feed_entry).where(*_of(place), feed_entry.c.position < last, feed_entry.c.added_at < before)
    return connection.execute(old).rowcount


def read_feed(runtime: Runtime, principal: Principal, place: Place, after: int = 0, limit: int = 100) -> FeedPage:
    """Return the entries of a feed that follow a position; at most :data:`MOST_READ`.

    Raises:
        NotFound: tenant or registration is unknown, somebody else's, or no feed.
        Suspended: the tenant is suspended now.
        Forbidden: the principal may not read.
        FeedBehind: entries after that position were dropped already.
    """
    admit(runtime, place[0], principal, Permission.READ)
    mine = _of(place)
    with runtime.control.reading(place[0]) as connection:
        _require_feed(connection, place)
        latest = _latest(connection, place)
        wanted = (
            select(feed_entry)
            .where(*mine, feed_entry.c.position > after)
            .order_by(feed_entry.c.position)
            .limit(max(1, min(limit, MOST_READ)))
        )
        rows = connection.execute(wanted).mappings().all()
    if rows and rows[0]["position"] > after + 1:
        message = f"Entries {after + 1} to {rows[0]['position'] - 1} of this feed are no longer kept."
        remedy = f"Read the table as a whole, then go on: --after {rows[0]['position'] - 1}"
        raise FeedBehind(message, remedy)
    entries = [
        Entry(
            position=int(row["position"]),
            delivery_id=row["delivery_id"],
            added_at=datetime.fromtimestamp(row["added_at"] / 1000, UTC),
            event=msgspec.json.decode(row["document"]),
        )
        for row in rows
    ]
    return FeedPage(entries, entries[-1].position if entries else after, latest)


def _require_feed(connection: Connection, place: Place) -> None:
    found = select(registration.c.channel).where(
        registration.c.tenant_id == place[0],
        registration.c.registration_id == place[1],
        registration.c.deleted_at.is_(None),
    )
    if connection.execute(found).scalar() != "feed":
        raise NotFound(f"There is no feed {'/'.join(place)}.", f"See: strata registration list {place[0]}")


def _latest(connection: Connection, place: Place) -> int:
    found = connection.execute(select(func.max(feed_entry.c.position)).where(*_of(place))).scalar()
    return int(found or 0)


def _of(place: Place) -> tuple[Any, Any]:
    return feed_entry.c.tenant_id == place[0], feed_entry.c.registration_id == place[1]
