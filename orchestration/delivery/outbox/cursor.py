"""How far the warehouse's logs were read into the outbox, and the latest time that a delivery was made at."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, insert, select, update

from orchestration.control.delivery_tables import delivery_cursor

PUBLICATIONS, EVENTS, CREATED = "publications", "events", "created"
"""Streams: the logs by their numbers, and milliseconds of the queue's clock."""


def positions(connection: Connection) -> dict[str, int]:
    """Return every stream's position; 0 where none is kept."""
    kept = {row["stream"]: row["position"] for row in connection.execute(select(delivery_cursor)).mappings()}
    return {PUBLICATIONS: 0, EVENTS: 0, CREATED: 0} | kept


def move(connection: Connection, changed: Mapping[str, int]) -> None:
    """Write new positions; call it in the transaction of what was read up to there."""
    for stream, position in changed.items():
        here = delivery_cursor.c.stream == stream
        if not connection.execute(update(delivery_cursor).where(here).values(position=position)).rowcount:
            connection.execute(insert(delivery_cursor).values(stream=stream, position=position))
