"""Takes a person out of business events, which carry columns of gold tables: out of the log, and out of the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import Connection, and_, select, update

from orchestration.control.delivery_tables import outbox
from orchestration.publication.event_log import LOG
from orchestration.publication.event_queries import EventQuery, read_event_queries
from orchestration.settings import Settings
from orchestration.tenancy.belongings import Found
from orchestration.tenancy.erasing.derived import DELETED, EMPTIED, Cut, Cuts
from orchestration.warehouse.protocol import Session

Data = dict[str, Any]


def erase_from_events(session: Session, settings: Settings, cuts: Cuts) -> Iterator[Found]:
    """Delete events that are about a record of the person's, and empty personal values in others.

    Call it in a transaction.
    """
    for query, own in _queries(settings, cuts):
        counts = {DELETED: 0, EMPTIED: 0}
        rows = session.execute(
            f"SELECT seq, data FROM {LOG} WHERE type = ? AND tenant_id = ?", [query.name, cuts.tenant]
        )
        for seq, text in rows:
            data = msgspec.json.decode(text)
            if any(_is_theirs(data, cut) for cut in own):
                session.execute(f"DELETE FROM {LOG} WHERE seq = ?", [seq])
                counts[DELETED] += 1
            elif (kept := _emptied(data, own)) != data:
                session.execute(f"UPDATE {LOG} SET data = ? WHERE seq = ?", [msgspec.json.encode(kept).decode(), seq])
                counts[EMPTIED] += 1
        yield from (Found("warehouse", f"events {query.name}", kind, count) for kind, count in counts.items() if count)


def erase_from_outbox(connection: Connection, settings: Settings, cuts: Cuts) -> Iterator[Found]:
    """Empty what is kept of the events for deliveries; those about a record of the person's lose all their data."""
    for query, own in _queries(settings, cuts):
        mine = and_(outbox.c.tenant_id == cuts.tenant, outbox.c.event_type == query.name)
        rows = connection.execute(select(outbox.c.registration_id, outbox.c.event_key, outbox.c.data).where(mine))
        count = 0
        for registration, key, kept_data in rows.all():
            data = cast("Data", kept_data)
            is_theirs = any(_is_theirs(data, cut) for cut in own)
            kept: Data = {name: None for name in data} if is_theirs else _emptied(data, own)  # noqa: C420 - typed
            if kept != data:
                this = and_(mine, outbox.c.registration_id == registration, outbox.c.event_key == key)
                connection.execute(update(outbox).where(this).values(data=kept))
                count += 1
        if count:
            yield Found("control plane", f"outbox {query.name}", EMPTIED, count)


def _queries(settings: Settings, cuts: Cuts) -> Iterator[tuple[EventQuery, list[Cut]]]:
    for query in read_event_queries(settings)[0]:
        columns = dict.fromkeys(query.columns, "VARCHAR")
        yield query, [cuts.of(table, columns) for table in query.tables]


def _emptied(data: Data, cuts: Sequence[Cut]) -> Data:
    theirs = {name for cut in cuts for name in cut.columns if _text(data, name).lower() in cut.values}
    return {name: None if name in theirs else value for name, value in data.items()}


def _is_theirs(data: Data, cut: Cut) -> bool:
    return any(_text(data, name) in keys for name, keys in cut.records.items())


def _text(data: Data, name: str) -> str:
    return str(data.get(name) or "").strip()
