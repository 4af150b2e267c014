"""Takes over tables of finance from before there were closes: they become the history of a first close.

Each tenant's rows stay where readers find them, in one transaction. As of which day they were built is not
known, so the close has none, and a close of any day takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.landing.manifest import new_load_id
from orchestration.names import CLOSE_ID, FINANCE, FINANCE_HISTORY, TENANT, Table, qualified, quote
from orchestration.scripts.close.history import begin_history, history, require_schema, show
from orchestration.scripts.close.ledger import CLOSED, KeptTable, LoggedClose, finish, point
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.protocol import Session

_REASON = "taken over: built before closes were kept"


def adopt(session: Session) -> list[Table]:
    """Turn tables of finance into history and views on it; returns them."""
    found = {(FINANCE, name): session.columns((FINANCE, name)) for name in session.tables(FINANCE)}
    tables = {table: columns for table, columns in found.items() if TENANT in columns}
    if tables:
        with session.transaction():
            _take_over(session, tables)
    return list(tables)


def _take_over(session: Session, tables: Mapping[Table, Mapping[str, str]]) -> None:
    """Move the rows first, then say which close they are: a table without rows of a tenant is part of its close too."""
    counts: dict[str, dict[Table, int]] = {}
    for table in tables:
        sql = f"SELECT {TENANT}, count(*) FROM {qualified(table)} WHERE {TENANT} IS NOT NULL GROUP BY ALL"
        for tenant, rows in session.execute(sql):
            counts.setdefault(tenant, {})[table] = rows
    closes = {tenant: _close(tenant) for tenant in counts}
    require_schema(session, FINANCE_HISTORY)
    for table, columns in tables.items():
        own = {name: kind for name, kind in columns.items() if name != TENANT}
        _move(session, table, own, closes)
        show(session, table, own)
    for tenant, close in closes.items():
        kept = [KeptTable(table, "", _own(tables[table]), counts[tenant].get(table, 0)) for table in tables]
        finish(session, close, kept)
        point(session, close)


def _close(tenant: str) -> LoggedClose:
    now = utc_now()
    return LoggedClose(new_load_id(), tenant, None, CLOSED, True, _REASON, "platform", "", now, now, "")  # noqa: FBT003 - a row of the ledger


def _own(columns: Mapping[str, str]) -> dict[str, str]:
    return {name: kind for name, kind in columns.items() if name != TENANT}


def _move(session: Session, table: Table, columns: Mapping[str, str], closes: Mapping[str, LoggedClose]) -> None:
    begin_history(session, table, columns)
    listed = "".join(f", {quote(name)}" for name in columns)
    for tenant, close in closes.items():
        session.execute(
            f"INSERT INTO {qualified(history(table))} ({TENANT}, {CLOSE_ID}{listed}) "
            f"SELECT ?, ?{listed} FROM {qualified(table)} WHERE {TENANT} = ?",
            [tenant, close.close_id, tenant],
        )
    session.execute(f"DROP TABLE {qualified(table)}")
