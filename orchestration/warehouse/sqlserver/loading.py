"""Loads rows by the fastest way that proves right, inside the transaction that is open."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from orchestration.failures import StrataError
from orchestration.names import Table
from orchestration.warehouse.sqlserver import proof
from orchestration.warehouse.sqlserver.capabilities import Capabilities
from orchestration.warehouse.sqlserver.connecting import reason
from orchestration.warehouse.sqlserver.errors import Refused, told
from orchestration.warehouse.sqlserver.paths import Path, Rows, Unable
from orchestration.warehouse.sqlserver.quoting import there

_log = logging.getLogger(__name__)
_LARGE = 100_000
"""Rows of one load from which on a plan made for the table before may be a bad one."""


def load(
    connection: Any,  # noqa: ANN401 - the driver has no types
    rows: Rows,
    table: Table,
    paths: Iterable[Path],
    *,
    condition: str = "",
    meant: Table | None = None,
) -> int:
    """Load rows into a table and prove it; returns how many. Call it in a transaction.

    ``condition`` tells the rows of this load from others that the table has; without one it is empty before.
    ``meant`` is the table that people know, where the rows go beside it first.
    A way that fails, or stores anything else, is undone and reported, and the next one is taken.

    Raises:
        StrataError: no way stored what was to be loaded; nothing of it is left.
        Interrupted: the server broke the transaction off; it can be run again.
    """
    place, cursor, name = there(table), connection.cursor(), ".".join(meant or table)
    landed = proof.sums_of_ours(rows.con, rows.relation, rows.columns)
    faults: list[str] = []
    # An error would end the whole transaction, and what it did before.
    cursor.execute("SET XACT_ABORT OFF")
    for path in paths:
        fault = _refusal(path, cursor, rows, place)
        if not fault:
            stored = proof.sums_of_theirs(rows.con, connection.cursor(), place, rows.columns, condition)
            fault = "; ".join(proof.differences(rows.columns, landed, stored)[:3])
        if not fault:
            cursor.execute("SET XACT_ABORT ON")
            return int(landed[0])
        faults.append(f"{path.name}: {fault}")
        _log.warning("%s: %s; undone.", name, faults[-1])
        if not _undone(connection, place, condition):
            break
    connection.cursor().execute("SET XACT_ABORT ON")
    message = f"{name}: no way of loading stored what landed ({'; '.join(faults)})."
    raise StrataError(message, "Nothing was written. Please report it, with the server's version.")


def after_load(table: Table, rows: int, can: Capabilities) -> list[str]:
    """Return what is to be run in a load's transaction once so many rows are stored, as far as the server knows it.

    By itself the server notices too that statistics are old, and lets the first query wait that meets the new rows.
    """
    return [f"UPDATE STATISTICS {there(table)}"] if rows >= _LARGE and can.update_statistics else []


def _undone(connection: Any, place: str, condition: str) -> bool:  # noqa: ANN401 - as above
    """Take out what a way has stored; not where the server has ended the transaction for its error, with all it did.

    Not by a savepoint: measured, going back to one beside a temporary table makes Babelfish panic.
    """
    cursor = connection.cursor()
    if not cursor.execute("SELECT @@TRANCOUNT").fetchall()[0][0]:
        return False
    cursor.execute(f"DELETE FROM {place}{f' WHERE {condition}' if condition else ''}")
    return True


def _refusal(path: Path, cursor: Any, rows: Rows, place: str) -> str:  # noqa: ANN401 - as above
    try:
        with told(path.name):
            path.load(cursor, rows, place)
    except Refused as error:
        return reason(error.__cause__ or error)
    except Unable as error:
        return str(error)
    return ""
