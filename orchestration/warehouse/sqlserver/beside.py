"""The DuckDB beside a server: in memory, one engine a process, and a database in it for each session.

Measured: an engine takes 0.017 CPU s, a database in one that is there 0.002.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import duckdb

from orchestration.settings import Settings
from orchestration.warehouse.duckdb import connection_settings


class Beside:
    """The engines of one warehouse's sessions."""

    def __init__(self, settings: Settings) -> None:
        """Begin with none."""
        self._settings = settings
        # By process: an engine's threads do not come along into a fork, so a child makes its own.
        self._engines: dict[int, duckdb.DuckDBPyConnection] = {}
        self._numbers = count(1)

    @contextmanager
    def database(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a connection to an empty database; what is in it, and what is temporary, ends with the block."""
        name = f"session_{next(self._numbers)}"
        con = self._engine().cursor()
        try:
            con.execute(f"ATTACH ':memory:' AS {name}")
            con.execute(f"USE {name}")
            con.execute("SET TimeZone = 'UTC'")
            yield con
        finally:
            con.close()
            self._forget(name)

    def _engine(self) -> duckdb.DuckDBPyConnection:
        found = self._engines.get(os.getpid())
        if found is None:
            made = duckdb.connect(":memory:", config=connection_settings(self._settings))
            found = self._engines.setdefault(os.getpid(), made)
        return found

    def _forget(self, name: str) -> None:
        """Give a session's memory back; where an error has ended the engine, the next session makes another."""
        try:
            self._engine().cursor().execute(f"DETACH {name}")
        except duckdb.Error:
            self._engines.pop(os.getpid(), None)
