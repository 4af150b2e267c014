"""Rejected rows as loads see them: they go into quarantine, and are closed when the source settles them.

A row's id is its load, file and row, so that applying a load again adds nothing; the
same bad row read again by a later load (the overlap, the daily load) stays one entry.
"""

from __future__ import annotations

from orchestration import names
from orchestration.bronze.merge import Incoming
from orchestration.bronze.statements import OWN
from orchestration.quality.gate import key_json_expression
from orchestration.warehouse.clock import stored
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

QUARANTINE = platform_table("quarantine")
OPEN, CLOSED, REPLAYED = "open", "closed", "replayed"
_OF_PLACE = "tenant_id = ? AND connection = ? AND source = ? AND entity = ?"


def record(session: Session, incoming: Incoming) -> None:
    """Write the rejects of a load; a newer bad version of a key takes the older entry's place."""
    rejects = incoming.gated.rejects
    if not session.execute(f"SELECT 1 FROM {rejects} LIMIT 1"):
        return
    place, at = _place(incoming), stored(incoming.at)
    session.execute(
        f"""
CREATE OR REPLACE TEMP TABLE fresh_reject AS
SELECT ? || ':' || file || ':' || row_number AS quarantine_id, * FROM {rejects} r
WHERE NOT EXISTS (SELECT 1 FROM {QUARANTINE} q WHERE q.{_OF_PLACE.replace(" AND ", " AND q.")} AND q.status <> '{CLOSED}'
                  AND q.reason = r.reason AND q.raw_row = r.raw_row)""",
        [incoming.load_id, *place],
    )
    session.execute(
        f"""
UPDATE {QUARANTINE} SET status = '{CLOSED}', closed_at = ?, closed_by = ?, note = 'a newer version is rejected too'
WHERE {_OF_PLACE} AND status = '{OPEN}'
    AND key IN (SELECT key FROM fresh_reject WHERE reason <> 'conflicting_duplicate')
    AND quarantine_id NOT IN (SELECT quarantine_id FROM fresh_reject)""",
        [at, incoming.load_id, *place],
    )
    session.execute(
        f"""
INSERT INTO {QUARANTINE} (quarantine_id, tenant_id, connection, source, entity, load_id, file, row_number, key, cursor,
    column_name, reason, raw_value, raw_row, status, quarantined_at)
SELECT quarantine_id, ?, ?, ?, ?, ?, file, row_number, key, cursor, column_name, reason, raw_value, raw_row, '{OPEN}', ?
FROM fresh_reject ON CONFLICT DO NOTHING""",
        [*place, incoming.load_id, at],
    )


def close_settled(session: Session, incoming: Incoming) -> None:
    """Close entries whose key came good in this load, or is gone from the source: replaying them would be wrong."""
    if not _any_open(session, incoming):
        return
    key = key_json_expression(incoming.contract.key_columns)
    cursor = names.quote(incoming.contract.cursor) if incoming.contract.cursor else "NULL::TIMESTAMP"
    good = f"SELECT {key} AS key, {cursor} AS cursor FROM winner"
    _close(
        session,
        incoming,
        f"EXISTS (SELECT 1 FROM ({good}) w WHERE w.key = q.key AND (w.cursor >= q.cursor OR w.cursor IS NULL "
        "OR q.cursor IS NULL)) AND q.load_id <> ?",
        [incoming.load_id],
        "a later version of the row is good",
    )
    for condition in _gone_conditions(incoming):
        _close(session, incoming, condition, [], "the row is gone from the source")


def waiting(session: Session, incoming: Incoming) -> int:
    """Count keys that the source has and bronze only has in quarantine."""
    if not _any_open(session, incoming):
        return 0
    key = key_json_expression(incoming.contract.key_columns)
    table, deleted = names.qualified(incoming.contract.table), names.quote(names.DELETED_AT)
    live = f"SELECT {key} FROM {table} WHERE {OWN} AND {deleted} IS NULL"
    where = f"{_OF_PLACE} AND status = '{OPEN}' AND key NOT IN ({live})"
    sql = f"SELECT count(DISTINCT key) FROM {QUARANTINE} WHERE {where}"
    return int(session.execute(sql, [*_place(incoming), *incoming.own])[0][0])


def _gone_conditions(incoming: Incoming) -> list[str]:
    """Say which open entries' keys the source no longer has, as far as this load can tell."""
    contract, gated = incoming.contract, incoming.gated
    key = key_json_expression(contract.key_columns)
    if incoming.kind == "snapshot":
        if not gated.extracted:
            return []
        seen = f"SELECT {key} AS key FROM {gated.good} UNION ALL SELECT key FROM {gated.rejects} WHERE key IS NOT NULL"
        unreadable = f"EXISTS (SELECT 1 FROM {gated.rejects} WHERE key IS NULL)"
        return [f"q.key IS NOT NULL AND NOT {unreadable} AND NOT EXISTS (SELECT 1 FROM ({seen}) s WHERE s.key = q.key)"]
    if incoming.kind == "sweep":
        return [f"q.key NOT IN (SELECT {key} FROM {gated.present_keys})"]
    gone = f"q.key IN (SELECT {key} FROM {gated.deleted_keys}) AND q.load_id <> {names.literal(incoming.load_id)}"
    return [f"{gone} AND q.key NOT IN (SELECT key FROM {gated.rejects} WHERE key IS NOT NULL)"]


def _close(session: Session, incoming: Incoming, condition: str, parameters: list[object], note: str) -> None:
    session.execute(
        f"UPDATE {QUARANTINE} q SET status = '{CLOSED}', closed_at = ?, closed_by = ?, note = ? "
        f"WHERE {_OF_PLACE} AND status = '{OPEN}' AND {condition}",
        [stored(incoming.at), incoming.load_id, note, *_place(incoming), *parameters],
    )


def _any_open(session: Session, incoming: Incoming) -> bool:
    sql = f"SELECT 1 FROM {QUARANTINE} WHERE {_OF_PLACE} AND status = '{OPEN}' LIMIT 1"
    return bool(session.execute(sql, _place(incoming)))


def _place(incoming: Incoming) -> list[object]:
    place = incoming.place
    return [place.tenant, place.connection, place.source, place.entity]
