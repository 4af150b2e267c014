"""Keeps closes in ``finance_history`` and shows each tenant's current one as ``finance.<table>``.

A history table has the columns of all its closes: one that came later is NULL in older closes, one that
is gone stays. What readers see has the columns of the newest close that is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestration.failures import ScriptRefused
from orchestration.names import AS_OF, CLOSE_ID, FINANCE, FINANCE_HISTORY, TENANT, Table, qualified, quote
from orchestration.scripts.close.executing import work
from orchestration.scripts.close.ledger import POINTER, TABLES, LoggedClose
from orchestration.scripts.scope import columns_of
from orchestration.warehouse.conversion import unfit
from orchestration.warehouse.protocol import Session

_OWN = {TENANT: "VARCHAR", AS_OF: "DATE", CLOSE_ID: "VARCHAR"}


def history(table: Table) -> Table:
    """Return where all closes of a table of finance are kept."""
    return FINANCE_HISTORY, table[1]


def keep(session: Session, close: LoggedClose, table: Table, columns: Mapping[str, str]) -> None:
    """Copy a table that the close has built into history; call it in the close's transaction.

    Raises:
        ScriptRefused: a column has another type now, and values of older closes do not convert unchanged.
    """
    _shape(session, table, columns)
    listed = ", ".join(map(quote, columns))
    session.execute(
        f"INSERT INTO {qualified(history(table))} ({', '.join(map(quote, _OWN))}, {listed}) "
        f"SELECT ?, ?, ?, {listed} FROM {qualified(work(table))}",
        [close.tenant, close.as_of, close.close_id],
    )


def show(session: Session, table: Table, columns: Mapping[str, str]) -> None:
    """Make what readers see of a table: each tenant's rows of the close that its pointer names."""
    listed = "".join(f", h.{quote(name)} AS {quote(name)}" for name in columns)
    session.execute(f"CREATE SCHEMA IF NOT EXISTS {FINANCE}")
    session.execute(
        f"CREATE OR REPLACE VIEW {qualified(table)} AS SELECT h.{TENANT}{listed} FROM {qualified(history(table))} h "
        f"JOIN {POINTER} p ON p.tenant_id = h.{TENANT} AND p.close_id = h.{CLOSE_ID}"
    )


def hide_unbuilt(session: Session) -> list[Table]:
    """Take away the view of each table that no tenant's current close has; its history stays. Returns them."""
    rows = session.execute(
        "SELECT view_name FROM duckdb_views() WHERE database_name = current_database() AND schema_name = ? "
        f"AND view_name NOT IN (SELECT t.table_name FROM {TABLES} t JOIN {POINTER} p ON p.close_id = t.close_id)",
        [FINANCE],
    )
    for (name,) in rows:
        session.execute(f"DROP VIEW {qualified((FINANCE, name))}")
    return [(FINANCE, name) for (name,) in rows]


def shown_tables(session: Session) -> list[Table]:
    """Return the tables that readers see, by name."""
    rows = session.execute(
        "SELECT view_name FROM duckdb_views() WHERE database_name = current_database() AND schema_name = ? ORDER BY 1",
        [FINANCE],
    )
    return [(FINANCE, name) for (name,) in rows]


def _shape(session: Session, table: Table, columns: Mapping[str, str]) -> None:
    present = {name.lower(): kind for name, kind in columns_of(session.con, history(table)).items()}
    for statement in _changes(session, table, present, columns):
        session.execute(statement)


def _changes(session: Session, table: Table, present: Mapping[str, str], columns: Mapping[str, str]) -> Iterator[str]:
    """Yield what gives a history table the columns of a new close, and loses nothing of the old ones."""
    name = qualified(history(table))
    if not present:
        yield f"CREATE SCHEMA IF NOT EXISTS {FINANCE_HISTORY}"
        yield f"CREATE TABLE {name} ({', '.join(f'{quote(n)} {kind}' for n, kind in (_OWN | dict(columns)).items())})"
        return
    for column, kind in columns.items():
        before = present.get(column.lower())
        if before is None:
            yield f"ALTER TABLE {name} ADD COLUMN {quote(column)} {kind}"
        elif before != kind:
            _require_convertible(session, table, column, (before, kind))
            yield f"ALTER TABLE {name} ALTER COLUMN {quote(column)} SET DATA TYPE {kind}"


def _require_convertible(session: Session, table: Table, column: str, kinds: tuple[str, str]) -> None:
    condition = unfit(quote(column), *kinds)
    (misfits,) = session.execute(f"SELECT count(*) FROM {qualified(history(table))} WHERE {condition}")[0]
    if misfits:
        before, after = kinds
        message = (
            f"{'.'.join(table)}: column {column} is {after} now, and {misfits:,} values of closes that are kept, where "
            f"it is {before}, do not convert unchanged."
        )
        remedy = f"CAST it to {before}, or give the new column another name: the old one stays in the older closes."
        raise ScriptRefused(message, remedy)
