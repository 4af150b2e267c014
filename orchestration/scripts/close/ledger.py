"""The close's own records: every close that was tried, what each consists of, and which one readers see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from orchestration.names import Table
from orchestration.warehouse.clock import aware, stored, utc_now
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Session

LOG, POINTER, TABLES = (platform_table(name) for name in ("close_log", "finance_close", "close_table"))
CLOSED, FAILED, RUNNING, INTERRUPTED = "closed", "failed", "running", "interrupted"
_FIELDS = "close_id, tenant_id, as_of, status, shown, reason, who, build_id, started_at, finished_at, message"


@dataclass(frozen=True)
class LoggedClose:
    """A row of the ledger; times are UTC.

    ``shown``: readers saw it, or still do. ``as_of`` is unknown of tables that were there before there were closes.
    """

    close_id: str
    tenant: str
    as_of: date | None
    status: str
    shown: bool
    reason: str
    who: str
    build_id: str
    started_at: datetime
    finished_at: datetime | None
    message: str


@dataclass(frozen=True)
class KeptTable:
    """One table of a close: ``columns`` are names and types, ``script`` is the path below the folder of scripts."""

    table: Table
    script: str
    columns: Mapping[str, str]
    rows: int
    seconds: float = 0.0


def begin(session: Session, entry: LoggedClose) -> None:
    """Note that a close begins; its row is replaced by :func:`finish`."""
    _write(session, entry)


def finish(session: Session, entry: LoggedClose, tables: Iterable[KeptTable] = ()) -> None:
    """Note a close's end, and what it consists of; call it in the transaction that shows it."""
    session.execute(f"DELETE FROM {LOG} WHERE close_id = ?", [entry.close_id])
    _write(session, entry)
    for item in tables:
        session.execute(
            f"INSERT INTO {TABLES} (close_id, tenant_id, table_name, script, columns, rows, seconds) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                entry.close_id, entry.tenant, item.table[1], item.script, json.dumps([*item.columns.items()]),
                item.rows, item.seconds,
            ],
        )  # fmt: skip


def _write(session: Session, entry: LoggedClose) -> None:
    session.execute(
        f"INSERT INTO {LOG} ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            entry.close_id, entry.tenant, entry.as_of, entry.status, entry.shown, entry.reason, entry.who,
            entry.build_id, stored(entry.started_at), stored(entry.finished_at), entry.message,
        ],
    )  # fmt: skip


def mark_interrupted(session: Session) -> None:
    """Say of closes that still run that they died: whoever calls this holds the writer's lock."""
    session.execute(f"UPDATE {LOG} SET status = ?, finished_at = ? WHERE status = ?", [INTERRUPTED, _now(), RUNNING])


def is_closed(session: Session, tenant: str, as_of: date) -> bool:
    """Say whether a day was ever closed for a tenant."""
    sql = f"SELECT 1 FROM {LOG} WHERE tenant_id = ? AND as_of = ? AND status = ? LIMIT 1"
    return bool(session.execute(sql, [tenant, as_of, CLOSED]))


def left_behind(session: Session) -> list[tuple[str, date]]:
    """Return the days, by tenant, that were tried and not closed, and of which a later one is: history lacks them."""
    sql = f"""
SELECT DISTINCT t.tenant_id, t.as_of FROM {LOG} t
WHERE t.status IN (?, ?)
    AND t.as_of < (SELECT max(n.as_of) FROM {LOG} n WHERE n.tenant_id = t.tenant_id AND n.status = ?)
    AND NOT EXISTS (SELECT 1 FROM {LOG} c WHERE c.tenant_id = t.tenant_id AND c.as_of = t.as_of AND c.status = ?)
ORDER BY t.tenant_id, t.as_of"""
    return [(tenant, day) for tenant, day in session.execute(sql, [FAILED, INTERRUPTED, CLOSED, CLOSED])]


def current(session: Session, tenant: str) -> tuple[str, date | None] | None:
    """Return id and day of the close that readers see of a tenant."""
    rows = session.execute(f"SELECT close_id, as_of FROM {POINTER} WHERE tenant_id = ?", [tenant])
    return (rows[0][0], rows[0][1]) if rows else None


def point(session: Session, entry: LoggedClose) -> None:
    """Let readers see a close; call it in the transaction that writes its rows."""
    session.execute(f"DELETE FROM {POINTER} WHERE tenant_id = ?", [entry.tenant])
    session.execute(
        f"INSERT INTO {POINTER} (tenant_id, close_id, as_of, closed_at, reason, who) VALUES (?, ?, ?, ?, ?, ?)",
        [entry.tenant, entry.close_id, entry.as_of, stored(entry.finished_at), entry.reason, entry.who],
    )


def tables_of(session: Session, close_id: str) -> list[KeptTable]:
    """Return what a close consists of."""
    sql = f"SELECT table_name, script, columns, rows, seconds FROM {TABLES} WHERE close_id = ? ORDER BY table_name"
    return [
        KeptTable(("finance", name), script, dict(json.loads(columns)), rows, seconds)
        for name, script, columns, rows, seconds in session.execute(sql, [close_id])
    ]


def list_closes(session: Session, tenant: str | None = None, limit: int = 100) -> list[LoggedClose]:
    """Return the newest closes that were tried, newest first."""
    where, values = ("WHERE tenant_id = ?", [tenant]) if tenant else ("", [])
    rows = session.execute(
        f"SELECT {_FIELDS} FROM {LOG} {where} ORDER BY started_at DESC, close_id DESC LIMIT {int(limit)}", values
    )
    return [_logged(*row) for row in rows]


def closes_shown(session: Session) -> set[str]:
    """Return the closes that readers see, one a tenant."""
    return {close_id for (close_id,) in session.execute(f"SELECT close_id FROM {POINTER}")}


def _logged(*row: Any) -> LoggedClose:  # noqa: ANN401 - a row holds text, numbers and times
    values: list[Any] = [aware(value) if isinstance(value, datetime) else value for value in row]
    return LoggedClose(*values)


def closed_as_of(session: Session, tenant: str, table: Table, as_of: date) -> str | None:
    """Return the newest kept close of a day that has a table; ``None`` when there is none."""
    rows = session.execute(
        f"SELECT l.close_id FROM {LOG} l JOIN {TABLES} t ON t.close_id = l.close_id "
        "WHERE l.tenant_id = ? AND l.as_of = ? AND l.status = ? AND t.table_name = ? "
        "ORDER BY l.started_at DESC, l.close_id DESC LIMIT 1",
        [tenant, as_of, CLOSED, table[1]],
    )
    return str(rows[0][0]) if rows else None


def closed_days(session: Session, tenant: str, table: Table) -> list[date]:
    """Return the days as of which a table can be read, newest first."""
    rows = session.execute(
        f"SELECT DISTINCT l.as_of FROM {LOG} l JOIN {TABLES} t ON t.close_id = l.close_id "
        "WHERE l.tenant_id = ? AND l.status = ? AND t.table_name = ? AND l.as_of IS NOT NULL ORDER BY 1 DESC",
        [tenant, CLOSED, table[1]],
    )
    return [day for (day,) in rows]


def _now() -> datetime:
    return stored(utc_now())
