"""A tenant's rows of a table of finance as of a day that was closed, from the closes that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from orchestration.access.refusals import NotFound, no_table
from orchestration.access.relation import Relation
from orchestration.names import CLOSE_ID, FINANCE, TENANT, Table, literal, qualified, quote
from orchestration.publication.row_changes import shape
from orchestration.runtime import Runtime
from orchestration.scripts.close.history import history
from orchestration.scripts.close.ledger import closed_as_of, closed_days, tables_of
from orchestration.warehouse import apply
from orchestration.warehouse.protocol import Session

_MOST_TOLD = 10


@contextmanager
def opened_as_of(runtime: Runtime, tenant: str, table: Table, as_of: date) -> Iterator[Relation]:
    """Open a table as the newest close of a day left it, with the columns that it had.

    Raises:
        NotFound: no close of that day is kept that has it; names days that there are.
        Busy: a writer holds the warehouse.
    """
    if table[0] != FINANCE:
        message = f"{'.'.join(table)} is not closed: only tables of {FINANCE} are kept by day."
        raise NotFound(message, "Leave out --as-of.")
    with runtime.warehouse.session("read a close for a tenant") as session:
        apply.ensure(session)
        close_id = closed_as_of(session, tenant, table, as_of)
        if close_id is None:
            raise _no_close(session, tenant, table, as_of)
        columns = next(item.columns for item in tables_of(session, close_id) if item.table == table)
        listed = ", ".join(map(quote, (TENANT, *columns)))
        source = f"(SELECT {listed} FROM {qualified(history(table))} WHERE {CLOSE_ID} = {literal(close_id)})"
        narrowed = f"(SELECT * FROM {source} WHERE {TENANT} = ?)"
        with session.working_copy(history(table), f"{CLOSE_ID} = ? AND {TENANT} = ?", [close_id, tenant]):
            yield Relation(session.con, narrowed, tenant, shape(session.con, source))


def _no_close(session: Session, tenant: str, table: Table, as_of: date) -> NotFound:
    days = [day.isoformat() for day in closed_days(session, tenant, table)]
    if not days:
        return no_table(table)
    more = f" and {len(days) - _MOST_TOLD} more" if len(days) > _MOST_TOLD else ""
    remedy = f"There are: {', '.join(days[:_MOST_TOLD])}{more}."
    return NotFound(f"{'.'.join(table)} has no close as of {as_of} that is kept.", remedy)
