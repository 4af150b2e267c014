"""The event log: what happened besides publications, written in the transaction of what it tells of.

Deliveries read its exported copy; nothing else does. An event that names no tenant concerns
all of them, so its data must hold nothing of any one tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa

from orchestration.arrow_values import instant_array, integer_array, text_array
from orchestration.telemetry import current_traceparent
from orchestration.warehouse.clock import aware, stored, utc_now
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

LOG = platform_table("event_log")
LOAD_FAILED, QUALITY_FAILED, SCHEMA_CHANGED = "load.failed", "quality.failed", "source.schema_changed"
CLOSE_PUBLISHED = "finance.close.published"
_COLUMNS: dict[str, Callable[[Sequence[Any]], pa.Array]] = {
    "seq": integer_array,
    "type": text_array,
    "tenant_id": text_array,
    "subject": text_array,
    "data": text_array,
    "occurred_at": instant_array,
    "traceparent": text_array,
}


@dataclass(frozen=True)
class NewEvent:
    """An event to be written: ``type`` is its name without a version, ``data`` fits JSON."""

    type: str
    tenant: str | None
    subject: str
    data: Mapping[str, Any]


def record_events(session: Session, events: Sequence[NewEvent]) -> None:
    """Write events, numbered in their order; call it last in the transaction of what they tell of."""
    if events:
        with session.numbering():
            _record(session, events)


def _record(session: Session, events: Sequence[NewEvent]) -> None:
    first, now, trace = _next_seq(session), stored(utc_now()), current_traceparent()
    rows = [
        (first + number, event.type, event.tenant, event.subject, _json(event.data), now, trace)
        for number, event in enumerate(events)
    ]
    if session.is_embedded:
        _append(session, rows)
        return
    # Few rows: a load of them, staged and proven, takes longer than their statements.
    statement = f"INSERT INTO {LOG} ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
    for row in rows:
        session.execute(statement, row)


def _append(session: Session, rows: Sequence[tuple[object, ...]]) -> None:
    columns = [_COLUMNS[name](values) for name, values in zip(_COLUMNS, zip(*rows, strict=True), strict=True)]
    session.con.register("new_events", pa.table(columns, list(_COLUMNS)))
    session.execute(f"INSERT INTO {LOG} BY NAME SELECT * FROM new_events")
    session.con.unregister("new_events")


def forget_events(session: Session, days: int) -> None:
    """Delete events older than so many days; what was to be delivered of them is in the outbox long since."""
    session.execute(f"DELETE FROM {LOG} WHERE occurred_at < ?", [stored(utc_now() - timedelta(days=days))])


def _next_seq(session: Session) -> int:
    """Draw a number above all that were ever given.

    Rows go with their tenant or with time, the newest one too, and a reader's cursor stands on it: the clock's
    microseconds keep the numbers rising where the log has forgotten the last.
    """
    last = int(session.execute(f"SELECT coalesce(max(seq), 0) FROM {LOG}")[0][0])
    return max(last + 1, int(utc_now().timestamp() * 1_000_000))


def _json(data: Mapping[str, Any]) -> str:
    """Write JSON: decimals as exact text, instants (UTC without a zone here) with their zone, days as ISO 8601."""
    instants = {name: aware(value) for name, value in data.items() if isinstance(value, datetime)}
    return msgspec.json.encode({**data, **instants}).decode()
