"""Tells consumers of loads that failed and of sources whose columns changed, in the ledger's transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestration.bronze import standing
from orchestration.failures import POLICIES, FailureClass, Owner
from orchestration.publication import event_log
from orchestration.publication.event_log import LOAD_FAILED, SCHEMA_CHANGED, NewEvent, record_events
from orchestration.warehouse.protocol import Session

if TYPE_CHECKING:
    from orchestration.bronze.ledger import LoadResult


def tell_failures(session: Session, failed: Sequence[LoadResult]) -> None:
    """Tell of failed loads; call it before the places' standing takes them in."""
    events = [NewEvent(LOAD_FAILED, load.tenant_id, _subject(load), _failure(load)) for load in failed]
    drifted = [load for load in failed if load.failure_class == FailureClass.SCHEMA_DRIFT]
    record_events(session, [*events, *(event for load in drifted for event in _drift(session, load, load.message))])


def tell_drift(session: Session, load: LoadResult, change: str) -> None:
    """Tell what changed at a source that could be loaded all the same; what was told already is not told again."""
    record_events(session, _drift(session, load, change))


def _drift(session: Session, load: LoadResult, change: str) -> list[NewEvent]:
    """Return the event; none when it was told already, unless a break was mended in between."""
    breaking = load.failure_class is not None
    if change == _last_told(session, load) and not (breaking and _was_well(session, load)):
        return []
    data = {**_of_load(load), "breaking": breaking, "change": change}
    return [NewEvent(SCHEMA_CHANGED, load.tenant_id, _subject(load), data)]


def _subject(load: LoadResult) -> str:
    return f"{load.source}/{load.entity}"


def _of_load(load: LoadResult) -> dict[str, object]:
    return {"source": load.source, "entity": load.entity, "connection": load.connection}


def _failure(load: LoadResult) -> dict[str, object]:
    """What is wrong with the platform itself is not for consumers: they get its kind alone."""
    failure = FailureClass(load.failure_class or FailureClass.PERMANENT)
    message = load.message if POLICIES[failure].alert is Owner.SOURCE else ""
    return {**_of_load(load), "load_id": load.load_id, "failure": failure.value, "message": message}


def _last_told(session: Session, load: LoadResult) -> str | None:
    rows = session.execute(
        f"SELECT data FROM {event_log.LOG} "
        "WHERE type = ? AND tenant_id = ? AND subject = ? AND json_extract_string(data, '$.connection') = ? "
        "ORDER BY seq DESC LIMIT 1",
        [SCHEMA_CHANGED, load.tenant_id, _subject(load), load.connection],
    )
    return str(json.loads(rows[0][0])["change"]) if rows else None


def _was_well(session: Session, load: LoadResult) -> bool:
    rows = session.execute(
        f"SELECT status <> 'failed' FROM {standing.STATE} "
        "WHERE tenant_id = ? AND source = ? AND connection = ? AND entity = ?",
        [load.tenant_id, load.source, load.connection, load.entity],
    )
    return bool(rows and rows[0][0])
