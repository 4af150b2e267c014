"""What the engine asks of a warehouse; each engine's module offers it.

Sessions are short: on the embedded engine one open connection keeps every other
process out, so none is ever held while a source is being read.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import duckdb

Row = tuple[Any, ...]


class Session(Protocol):
    """An open connection, used by one thread."""

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection: the gate parses landing in it (another engine brings one in memory)."""
        ...

    def execute(self, sql: str, parameters: Sequence[object] | None = None) -> list[Row]:
        """Run one statement; values go through ``?`` parameters. Returns its rows (a count for INSERT and the like)."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end of the block, roll back when it raises; a nested block joins the outer one."""
        ...


class Warehouse(Protocol):
    """A place for tables with one writer at a time."""

    def exclusive(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the writer's lock without a connection, so that another program (dbt) may open the warehouse.

        Raises:
            Busy: somebody else held it for ``lock_wait_seconds``; says who, since when and what for.
        """
        ...

    def session(self, purpose: str) -> AbstractContextManager[Session]:
        """Hold the writer's lock and an open connection; re-entrant within a thread."""
        ...
