"""Takes a person out of the event log: business events carry columns of gold tables.

What was gathered for deliveries before is in the control plane's outbox, and what was delivered is the consumer's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from orchestration.publication.event_log import LOG
from orchestration.publication.event_queries import EventQuery, read_event_queries
from orchestration.runtime import Runtime
from orchestration.tenancy.belongings import Found
from orchestration.tenancy.erasing.derived import DELETED, EMPTIED, Cut, Cuts
from orchestration.warehouse.protocol import Session


def erase_from_events(session: Session, runtime: Runtime, cuts: Cuts) -> Iterator[Found]:
    """Delete events that are about a record of the person's, and empty personal values in others.

    Call it in a transaction.
    """
    for query in read_event_queries(runtime.settings)[0]:
        columns = dict.fromkeys(query.columns, "VARCHAR")
        cut = [cuts.of(table, columns) for table in query.tables]
        deleted, emptied = _erase(session, query, cuts.tenant, cut)
        for kind, pieces in ((DELETED, deleted), (EMPTIED, emptied)):
            if pieces:
                yield Found("warehouse", f"events {query.name}", kind, pieces)


def _erase(session: Session, query: EventQuery, tenant: str, cuts: Sequence[Cut]) -> tuple[int, int]:
    deleted = emptied = 0
    for seq, text in session.execute(
        f"SELECT seq, data FROM {LOG} WHERE type = ? AND tenant_id = ?", [query.name, tenant]
    ):
        data = msgspec.json.decode(text)
        if any(_is_theirs(data, cut) for cut in cuts):
            session.execute(f"DELETE FROM {LOG} WHERE seq = ?", [seq])
            deleted += 1
        elif theirs := {name for cut in cuts for name in cut.columns if _text(data, name).lower() in cut.values}:
            kept = {name: None if name in theirs else value for name, value in data.items()}
            session.execute(f"UPDATE {LOG} SET data = ? WHERE seq = ?", [msgspec.json.encode(kept).decode(), seq])
            emptied += 1
    return deleted, emptied


def _is_theirs(data: dict[str, Any], cut: Cut) -> bool:
    return any(_text(data, name) in keys for name, keys in cut.records.items())


def _text(data: dict[str, Any], name: str) -> str:
    return str(data.get(name) or "").strip()
