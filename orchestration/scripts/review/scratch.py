"""Places in memory, beside a warehouse's file, where scripts build tables that nobody keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.names import quote

PREFIX = "strata_scratch"


@contextmanager
def scratch(con: duckdb.DuckDBPyConnection, name: str = "") -> Iterator[str]:
    """Attach a database in memory whose name stands where scripts name a schema; it ends with the block.

    A process that is killed leaves nothing either: no table was ever in the warehouse's file.
    """
    place = f"{PREFIX}_{name}" if name else PREFIX
    con.execute(f"ATTACH ':memory:' AS {quote(place)}")
    try:
        yield place
    finally:
        con.execute(f"DETACH {quote(place)}")
