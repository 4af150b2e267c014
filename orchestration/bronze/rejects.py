"""Rejected rows as loads see them: they go into quarantine, and are closed when the source settles them.

An entry's id is its load, file and row, so that applying a load again adds nothing; the
same bad row read again by a later load (the overlap, the daily load) stays one entry. An
entry is *overtaken* when bronze, or another bad version, has a later cursor of its key:
there is nothing left to mend in it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from orchestration import names
from orchestration.bronze.merge import Incoming
from orchestration.bronze.statements import OWN, present
from orchestration.bronze.writing import ours
from orchestration.contracts.model import Contract
from orchestration.landing.manifest import Place
from orchestration.names import quote
from orchestration.quality.gate import key_json_expression
from orchestration.warehouse.clock import stored
from orchestration.warehouse.protocol import Session

ENTRIES = (names.PLATFORM, "quarantine")
QUARANTINE = names.qualified(ENTRIES)
OPEN, CLOSED, REPLAYED = "open", "closed", "replayed"
_OF_PLACE = "tenant_id = ? AND connection = ? AND source = ? AND entity = ?"
_GOOD_NOW, _WORSE_NOW, _GONE = "a later version is good", "a later version is in quarantine", "gone from the source"


def settle(session: Session, incoming: Incoming, *, replay: bool = False) -> None:
    """Bring quarantine up to date with a load that has been merged.

    New rejects are written; entries that are overtaken, that came good or whose row is gone are
    closed. ``replay`` marks other versions of what a person replayed as decided with it.
    """
    rejects = bool(session.execute(f"SELECT 1 FROM {incoming.gated.rejects} LIMIT 1"))
    if rejects or _any_open(session, incoming):
        with _at_hand(session, incoming):
            _settle(session, incoming, rejects=rejects, replay=replay)


def _at_hand(session: Session, incoming: Incoming) -> AbstractContextManager[None]:
    """Have the place's entries at hand, and write back what changes in them."""
    return session.working_copy(ENTRIES, _OF_PLACE, _place(incoming), key=["quarantine_id"])


def _settle(session: Session, incoming: Incoming, *, rejects: bool, replay: bool) -> None:
    _list_suspects(session, incoming)
    if rejects and not replay:
        _write_fresh(session, incoming)
    _close(session, incoming, "_good > cursor", _GOOD_NOW)
    _close(session, incoming, "_bad > cursor", _WORSE_NOW)
    _close(session, incoming, _unseen("winner", incoming), _GOOD_NOW, status=REPLAYED if replay else CLOSED)
    if incoming.contract.cursor is None and not replay:
        _close(session, incoming, _unseen(incoming.gated.rejects, incoming), _WORSE_NOW)
    for condition in _gone_conditions(incoming):
        _close(session, incoming, condition, _GONE)
    if incoming.kind == "snapshot" and incoming.gated.extracted:
        # Nothing tells which row an unreadable one was; all rows are here, so it is mended or gone.
        _close(session, incoming, f"NOT {_seen(incoming)}", _GONE, whose="IS NULL")


def write_rejects(session: Session, incoming: Incoming) -> None:
    """Write the rejects of a load that failed for having too many: nothing was merged, nothing is settled."""
    with _at_hand(session, incoming):
        _list_suspects(session, incoming)
        _write_fresh(session, incoming)


def waiting(session: Session, incoming: Incoming) -> int:
    """Count keys that the source has and bronze only has in quarantine."""
    if not _any_open(session, incoming):
        return 0
    with _at_hand(session, incoming):
        _list_suspects(session, incoming)
    return int(session.execute("SELECT count(DISTINCT key) FROM suspect WHERE _status = 'open' AND NOT _present")[0][0])


def places_waiting(session: Session, source: str) -> set[Place]:
    """Return the places of a source that have open entries."""
    sql = f"SELECT DISTINCT tenant_id, source, connection, entity FROM {QUARANTINE} WHERE status = '{OPEN}'"
    return {Place(*row) for row in session.execute(f"{sql} AND source = ?", [source])}


def _list_suspects(session: Session, incoming: Incoming) -> None:
    """Put open entries and this load's rejects side by side with what bronze has of their keys.

    Their keys are read back into columns, so that the comparison with bronze is a join of few
    rows with many by typed keys.
    """
    contract, rejects = incoming.contract, incoming.gated.rejects
    columns = "key, cursor, reason, raw_row"
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE doubt AS SELECT NULL::VARCHAR AS quarantine_id, '' AS _status, {columns}, file, "
        f"row_number, column_name, raw_value, {_typed_key(contract)} FROM {rejects} UNION ALL "
        f"SELECT quarantine_id, status, {columns}, NULL, NULL, NULL, NULL, {_typed_key(contract)} FROM {QUARANTINE} "
        f"WHERE {_OF_PLACE} AND status = '{OPEN}'",
        _place(incoming),
    )
    cursor = quote(contract.cursor) if contract.cursor else "NULL::TIMESTAMP"
    key = ", ".join(map(quote, contract.key))
    session.execute(f"CREATE OR REPLACE TEMP TABLE doubted_key AS SELECT DISTINCT {_distinct_key(contract)} FROM doubt")
    joined = " AND ".join(f"doubt._key_{number} = ours._key_{number}" for number, _ in enumerate(contract.key))
    listed = ", ".join(f"{quote(name)} AS _key_{number}" for number, name in enumerate(contract.key))
    with ours(session, contract, incoming.own, "doubted_key"):
        session.execute(
            f"""
CREATE OR REPLACE TEMP TABLE suspect AS
SELECT doubt.*, ours._good, coalesce(ours._present, false) AS _present,
    max(doubt.cursor) OVER (PARTITION BY doubt.key) AS _bad
FROM doubt LEFT JOIN (
    SELECT {listed}, {cursor} AS _good, {present(contract)} AS _present FROM {names.qualified(contract.table)}
    SEMI JOIN doubted_key AS d USING ({key}) WHERE {OWN}) AS ours ON {joined}""",
            incoming.own,
        )


def _distinct_key(contract: Contract) -> str:
    """SQL that gives the key's columns back their names."""
    return ", ".join(f"_key_{number} AS {quote(name)}" for number, name in enumerate(contract.key))


def _typed_key(contract: Contract) -> str:
    """SQL that reads the key's JSON back into columns ``_key_0`` and so on; NULL where it is unreadable."""
    return ", ".join(
        f"TRY_CAST(json_extract_string(key, {names.literal('$.' + quote(column.name))}) AS {column.type.duckdb}) "
        f"AS _key_{number}"
        for number, column in enumerate(contract.key_columns)
    )


def _write_fresh(session: Session, incoming: Incoming) -> None:
    """Write rejects that quarantine does not know; one that is overtaken already is closed from the start."""
    overtaken = "coalesce(s._good > s.cursor OR (s.key IS NOT NULL AND s._bad > s.cursor), false)"
    known = f"(q.status <> '{CLOSED}' OR {overtaken})"
    session.execute(
        f"""
INSERT INTO {QUARANTINE} (quarantine_id, tenant_id, connection, source, entity, load_id, file, row_number, key, cursor,
    column_name, reason, raw_value, raw_row, status, quarantined_at, closed_at, closed_by, note)
SELECT $1 || ':' || file || ':' || row_number, $2, $3, $4, $5, $1, file, row_number, key,
    cursor, column_name, reason, raw_value, raw_row, CASE WHEN {overtaken} THEN '{CLOSED}' ELSE '{OPEN}' END, $6,
    CASE WHEN {overtaken} THEN $6 END, CASE WHEN {overtaken} THEN $1 END,
    CASE WHEN s._good > s.cursor THEN '{_GOOD_NOW}' WHEN {overtaken} THEN '{_WORSE_NOW}' END
FROM suspect s WHERE s._status = '' AND NOT EXISTS (
    SELECT 1 FROM {QUARANTINE} q WHERE q.tenant_id = $2 AND q.connection = $3 AND q.source = $4
        AND q.entity = $5 AND q.reason = s.reason AND q.raw_row = s.raw_row AND {known})
ON CONFLICT DO NOTHING""",
        [incoming.load_id, *_place(incoming), stored(incoming.at)],
    )


def _unseen(relation: str, incoming: Incoming) -> str:
    """SQL that is true for an entry which this load no longer has, but has its key in ``relation``."""
    contract, rejects = incoming.contract, incoming.gated.rejects
    seen = _seen(incoming)
    if relation == rejects:
        return f"NOT {seen} AND key IN (SELECT key FROM {rejects} WHERE key IS NOT NULL)"
    cursor = quote(contract.cursor) if contract.cursor else "NULL::TIMESTAMP"
    listed = ", ".join(f"{quote(name)} AS _w_{number}" for number, name in enumerate(contract.key))
    same = " AND ".join(f"_w_{number} = s._key_{number}" for number, _ in enumerate(contract.key))
    good = f"SELECT {listed}, {cursor} AS _cursor FROM {relation}"
    newer = "(_cursor >= s.cursor OR _cursor IS NULL OR s.cursor IS NULL)"
    return f"NOT {seen} AND EXISTS (SELECT 1 FROM ({good}) WHERE {same} AND {newer})"


def _seen(incoming: Incoming) -> str:
    """SQL that is true for an entry which this load has again."""
    return f"EXISTS (SELECT 1 FROM {incoming.gated.rejects} r WHERE r.reason = s.reason AND r.raw_row = s.raw_row)"


def _gone_conditions(incoming: Incoming) -> list[str]:
    """Say which open entries' keys the source no longer has, as far as this load can tell."""
    contract, gated = incoming.contract, incoming.gated
    key = key_json_expression(contract.key_columns)
    if incoming.kind == "snapshot":
        if not gated.extracted:
            return []
        seen = f"SELECT {key} FROM {gated.good} UNION ALL SELECT key FROM {gated.rejects} WHERE key IS NOT NULL"
        return [f"NOT EXISTS (SELECT 1 FROM {gated.rejects} WHERE key IS NULL) AND key NOT IN ({seen})"]
    if incoming.kind == "sweep":
        return [f"key NOT IN (SELECT {key} FROM {gated.present_keys})"]
    arrived = f"SELECT {key} FROM {gated.good} UNION ALL SELECT key FROM {gated.rejects} WHERE key IS NOT NULL"
    return [f"key IN (SELECT {key} FROM {gated.deleted_keys}) AND key NOT IN ({arrived})"]


def _close(
    session: Session, incoming: Incoming, condition: str, note: str, *, status: str = CLOSED, whose: str = "IS NOT NULL"
) -> None:
    """Close the open entries that a condition holds for; ``whose`` says whether they are those with a readable key."""
    chosen = f"SELECT quarantine_id FROM suspect s WHERE _status = '{OPEN}' AND key {whose} AND ({condition})"
    session.execute(
        f"UPDATE {QUARANTINE} SET status = ?, closed_at = ?, closed_by = ?, note = ? "
        f"WHERE status = '{OPEN}' AND quarantine_id IN ({chosen})",
        [status, stored(incoming.at), incoming.load_id, note],
    )


def _any_open(session: Session, incoming: Incoming) -> bool:
    sql = f"SELECT 1 FROM {QUARANTINE} WHERE {_OF_PLACE} AND status = '{OPEN}' LIMIT 1"
    return bool(session.execute(sql, _place(incoming)))


def _place(incoming: Incoming) -> list[object]:
    place = incoming.place
    return [place.tenant, place.connection, place.source, place.entity]
