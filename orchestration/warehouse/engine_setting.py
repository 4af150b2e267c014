"""Settings of DuckDB that one piece of work needs otherwise: all connections of the process have them meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.names import literal

_ROW_GROUP = 122_880
_FEW_ROWS = 4 * _ROW_GROUP


@contextmanager
def engine_setting(con: duckdb.DuckDBPyConnection, name: str, value: str) -> Iterator[None]:
    """Change a setting of the engine for the block."""
    before = current_setting(con, name)
    con.execute(f"SET {name} = {literal(value)}")
    try:
        yield
    finally:
        # By a connection of its own: the caller's takes no statement any more when its transaction has failed.
        with con.cursor() as other:
            other.execute(f"SET {name} = {literal(before)}")


def current_setting(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """Return what a setting is."""
    return str(con.execute(f"SELECT current_setting({literal(name)})").fetchall()[0][0])


@contextmanager
def few_threads_for(con: duckdb.DuckDBPyConnection, rows: int) -> Iterator[None]:
    """Have new rows written by one thread while they are few.

    Each thread fills row groups of its own, and a checkpoint packs small ones anew. Measured with two threads on
    200,000 and 500,000 rows of 25 columns: 0.28 and 0.63 CPU s by one, 0.37 and 1.01 by both, which take longer too,
    and leave a file half as large again. Of millions two write as much in two thirds of the time.
    """
    if rows > _FEW_ROWS:
        yield
        return
    with engine_setting(con, "threads", "1"):
        yield
