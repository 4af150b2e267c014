"""Writes what a merge found out: on the embedded warehouse by statements alone, on a server by what they come to.

On a server our rows are at hand as keys, cursors and hashes while they are compared; what is new goes there
by the fastest way that proves right, what is gone by its keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, cast

from orchestration import names
from orchestration.bronze import outgoing, statements
from orchestration.contracts.model import Contract
from orchestration.warehouse.engine_setting import few_threads_for
from orchestration.warehouse.protocol import Matching, Session

if TYPE_CHECKING:
    from orchestration.warehouse.sqlserver.merging import ServerMerge
    from orchestration.warehouse.sqlserver.session import SqlServerSession


def ours(session: Session, contract: Contract, own: Sequence[object], keys: str = "") -> AbstractContextManager[None]:
    """Have one connection's rows at hand, as far as a comparison needs them: all, or those of a relation's keys."""
    matching = Matching(keys, contract.key) if keys else None
    return session.working_copy(contract.table, statements.OWN, own, columns=_compared(contract), matching=matching)


def sighted(session: Session, contract: Contract, rows: str) -> AbstractContextManager[None]:
    """Have the rows of many connections at hand so, that have the keys of a relation."""
    matching = Matching(rows, [*names.PLATFORM_KEY, *contract.key])
    return session.working_copy(contract.table, columns=_compared(contract), matching=matching)


def _compared(contract: Contract) -> list[str]:
    needed = (contract.cursor, contract.soft_delete_column)
    columns = dict.fromkeys([*names.PLATFORM_KEY, *contract.key, *(name for name in needed if name)])
    return [*columns, names.ROW_HASH, names.DELETED_AT]


def fill(session: Session, contract: Contract, own: Sequence[object], marks: Sequence[object], *, rows: int) -> int:
    """Write every winner, so many ``rows``, into a table without rows of this connection; returns how many."""
    if session.is_embedded:
        with few_threads_for(session.con, rows):
            return int(session.execute(statements.insert_all(contract), [*own, *marks])[0][0])
    return _server(session).fill(contract, outgoing.new_rows(contract, *own, *marks), own, marks[0])


def bury(session: Session, contract: Contract, own: Sequence[object], marks: Sequence[object]) -> None:
    """Make the collected rows tombstones; ``marks`` are when they were loaded and deleted."""
    if session.is_embedded:
        session.execute(statements.bury(contract), marks)
    else:
        _server(session).bury(contract, own, outgoing.buried_keys(contract), marks)


def replace(
    session: Session,
    contract: Contract,
    own: Sequence[object],
    marks: Sequence[object],
    *,
    new: int,
    changed: int,
    carried: bool,
) -> None:
    """Write new and changed rows; ``carried`` says that ``change`` has the whole rows."""
    if session.is_embedded:
        if changed:
            session.execute(statements.remove_replaced(contract))
        if new or changed:
            session.execute(statements.insert_changes(contract, carried=carried), [*own, *marks])
        return
    server = _server(session)
    if changed:
        server.remove(contract, own, outgoing.replaced_keys(contract))
    if new or changed:
        server.add(contract, outgoing.changed_rows(contract, *own, *marks, carried=carried))


def _server(session: Session) -> ServerMerge:
    from orchestration.warehouse.sqlserver.merging import ServerMerge  # noqa: PLC0415 - who has a server

    return ServerMerge(cast("SqlServerSession", session))
