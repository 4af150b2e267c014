"""Keeps closes in ``finance_history`` and shows each tenant's current one as ``finance.<table>``.

A history table has the columns of all its closes: one that came later is NULL in older closes, one that
is gone stays. What readers see has the columns of the newest close that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.failures import ScriptRefused
from orchestration.names import AS_OF, CLOSE_ID, FINANCE, FINANCE_HISTORY, TENANT, Table, qualified, quote
from orchestration.scripts.close.executing import work
from orchestration.scripts.close.ledger import POINTER, TABLES, LoggedClose
from orchestration.warehouse.ddl import TableShape
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
    require_schema(session, FINANCE)
    session.ddl.show(
        session, table, {TENANT: "VARCHAR", **columns},
        f"SELECT h.{TENANT}{listed} FROM {qualified(history(table))} h "
        f"JOIN {POINTER} p ON p.tenant_id = h.{TENANT} AND p.close_id = h.{CLOSE_ID}",
    )  # fmt: skip


def hide_unbuilt(session: Session) -> list[Table]:
    """Take away the view of each table that no tenant's current close has; its history stays. Returns them."""
    sql = f"SELECT DISTINCT t.table_name FROM {TABLES} t JOIN {POINTER} p ON p.close_id = t.close_id"
    built = {name for (name,) in session.execute(sql)}
    gone = [name for name in session.views(FINANCE) if name not in built]
    for name in gone:
        session.execute(f"DROP VIEW {qualified((FINANCE, name))}")
    return [(FINANCE, name) for name in gone]


def shown_tables(session: Session) -> list[Table]:
    """Return the tables that readers see, by name."""
    return [(FINANCE, name) for name in session.views(FINANCE)]


def begin_history(session: Session, table: Table, columns: Mapping[str, str]) -> None:
    """Make a history table, whose schema is there, with the columns of its first close."""
    shape = TableShape(_OWN | dict(columns), sought=(TENANT, CLOSE_ID))
    session.ddl.run(session, session.ddl.create_table(history(table), shape))


def require_schema(session: Session, schema: str) -> None:
    """Make a schema that is not there."""
    if schema not in session.schemas():
        session.ddl.run(session, session.ddl.create_schema(schema))


def _shape(session: Session, table: Table, columns: Mapping[str, str]) -> None:
    """Give a history table the columns of a new close, and lose nothing of the old ones."""
    ddl, place = session.ddl, history(table)
    if place[1] not in session.tables(FINANCE_HISTORY):
        require_schema(session, FINANCE_HISTORY)
        begin_history(session, table, columns)
        return
    present = {name.lower(): kind for name, kind in session.columns(place).items()}
    for column, kind in columns.items():
        before = present.get(column.lower())
        if before is None:
            ddl.run(session, ddl.add_column(place, column, kind))
        elif before != kind:
            _require_convertible(session, table, column, (before, kind))
            _retype(session, table, column, kind)


def _retype(session: Session, table: Table, column: str, kind: str) -> None:
    """Give a column another type; what readers see of it is taken away meanwhile, for it has the type before."""
    is_shown = table in shown_tables(session)
    columns = session.columns(table) if is_shown else {}
    if is_shown:
        session.execute(f"DROP VIEW {qualified(table)}")
    session.ddl.run(session, session.ddl.retype(history(table), column, kind))
    if is_shown:
        show(session, table, {name: found for name, found in columns.items() if name != TENANT})


def _require_convertible(session: Session, table: Table, column: str, kinds: tuple[str, str]) -> None:
    condition = session.ddl.unfit(column, *kinds)
    misfits, _ = session.ddl.count_unfit(session, history(table), column, condition)
    if misfits:
        before, after = kinds
        message = (
            f"{'.'.join(table)}: column {column} is {after} now, and {misfits:,} values of closes that are kept, where "
            f"it is {before}, do not convert unchanged."
        )
        remedy = f"CAST it to {before}, or give the new column another name: the old one stays in the older closes."
        raise ScriptRefused(message, remedy)
