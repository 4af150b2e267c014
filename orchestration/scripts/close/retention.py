"""Forgets closes that are older than the retention; the one that readers see of a tenant is always kept."""

from __future__ import annotations

from datetime import timedelta

from orchestration.names import CLOSE_ID, FINANCE_HISTORY, qualified
from orchestration.scripts.close.ledger import CLOSED, LOG, POINTER, TABLES
from orchestration.warehouse.clock import stored, utc_now
from orchestration.warehouse.protocol import Session


def forget_closes(session: Session, days: int) -> int:
    """Delete the rows of closes that were made more than ``days`` ago; returns how many closes.

    Their rows in the ledger stay, with the day on which they were forgotten.
    """
    before = stored(utc_now() - timedelta(days=days))
    rows = session.execute(
        f"SELECT close_id FROM {LOG} WHERE status = ? AND finished_at < ? AND forgotten_at IS NULL "
        f"AND close_id NOT IN (SELECT close_id FROM {POINTER})",
        [CLOSED, before],
    )
    old = [close_id for (close_id,) in rows]
    if old:
        with session.transaction():
            _forget(session, old)
    return len(old)


def _forget(session: Session, old: list[str]) -> None:
    session.execute(f"DELETE FROM {TABLES} WHERE list_contains(?, close_id)", [old])
    session.execute(f"UPDATE {LOG} SET forgotten_at = ? WHERE list_contains(?, close_id)", [stored(utc_now()), old])
    for name in session.tables(FINANCE_HISTORY):
        place = qualified((FINANCE_HISTORY, name))
        session.execute(f"DELETE FROM {place} WHERE list_contains(?, {CLOSE_ID})", [old])
        if not session.execute(f"SELECT 1 FROM {TABLES} WHERE table_name = ? LIMIT 1", [name]):
            session.execute(f"DROP TABLE {place}")
