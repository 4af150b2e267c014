"""Loads rows by the fastest way that proves right, inside the transaction that is open."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from orchestration.failures import StrataError
from orchestration.names import Table
from orchestration.warehouse.sqlserver import proof
from orchestration.warehouse.sqlserver.connecting import reason
from orchestration.warehouse.sqlserver.paths import PATHS, Path, Rows

_log = logging.getLogger(__name__)
_POINT = "strata_load"


def load(cursor: Any, rows: Rows, table: Table, condition: str = "", paths: Iterable[Path] = PATHS) -> int:  # noqa: ANN401 - the driver has no types
    """Load rows into a table and prove it; returns how many. Call it in a transaction.

    ``condition`` tells the rows of this load from others that the table has; without one it is empty before.
    A way that fails, or stores anything else, is undone and reported, and the next one is taken.

    Raises:
        StrataError: no way stored what was to be loaded; nothing of it is left.
    """
    place = there(table)
    asked = proof.questions(rows.columns)
    here = rows.con.execute(proof.ask_duckdb(asked, rows.relation)).fetchall()[0]
    faults = []
    # An error would end the whole transaction, and with it the point to go back to.
    cursor.execute("SET XACT_ABORT OFF")
    for path in paths:
        cursor.execute(f"SAVE TRANSACTION {_POINT}")
        fault = _try(cursor, path, rows, place) or _judge(cursor, asked, here, place, condition)
        if not fault:
            cursor.execute("SET XACT_ABORT ON")
            return int(here[0])
        faults.append(f"{path.name}: {fault}")
        _log.warning("%s: %s; undone.", ".".join(table), faults[-1])
        cursor.execute(f"ROLLBACK TRANSACTION {_POINT}")
    message = f"{'.'.join(table)}: no way of loading stored what landed ({'; '.join(faults)})."
    raise StrataError(message, "Nothing was written. Please report it, with the server's version.")


def _try(cursor: Any, path: Path, rows: Rows, place: str) -> str:  # noqa: ANN401 - as above
    import mssql_python  # noqa: PLC0415 - for who needs it

    try:
        path.load(cursor, rows, place)
    except mssql_python.Error as error:
        return reason(error)
    return ""


def _judge(cursor: Any, asked: list[proof.Question], here: Any, place: str, condition: str) -> str:  # noqa: ANN401
    cursor.execute(proof.ask_server(asked, place, condition))
    found = proof.differences(asked, tuple(here), tuple(cursor.fetchall()[0]))
    return "; ".join(found[:3])


def there(table: Table) -> str:
    """Return the quoted name of a table on the server; one without a schema is temporary."""
    schema, name = table
    return f"{proof.bracketed(schema)}.{proof.bracketed(name)}" if schema else proof.bracketed(name)
