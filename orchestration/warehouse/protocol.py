"""What the engine asks of a warehouse; each engine's module offers it.

Sessions are short: on the embedded engine one open connection keeps every other
process out, so none is ever held while a source is being read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb

from orchestration.contracts.extraction import Check
from orchestration.failures import ConnectionFailed, StrataError
from orchestration.names import Table
from orchestration.warehouse.ddl import Ddl

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Matching:
    """A relation of the session, and the columns, of one name on both sides, in which rows have to agree with it."""

    relation: str
    columns: Sequence[str]


class Missing(StrataError):
    """A table that a statement names is not there."""


class Interrupted(ConnectionFailed):
    """A server broke a transaction off by a fault that passes by itself: nothing is done, and it can be run again."""


class NotAlone(Exception):
    """Work beside others came to what has to be done alone: nothing is done, and it begins anew so (``turns``)."""


class Session(Protocol):
    """An open connection, used by one thread."""

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection: the gate parses landing in it (another engine brings one in memory).

        What is run on it directly sees the session's own relations; of the warehouse's tables only those of which
        it has a :meth:`working_copy`.
        """
        ...

    @property
    def ddl(self) -> Ddl:
        """The engine's words for making and changing tables."""
        ...

    @property
    def is_embedded(self) -> bool:
        """Whether the warehouse's tables lie in :attr:`con` themselves."""
        ...

    def execute(self, sql: str, parameters: Sequence[object] | None = None) -> list[Row]:
        """Run one statement in DuckDB's words; values go through ``?`` parameters.

        A table with a schema is the warehouse's, one without is the session's own; a statement that writes the
        warehouse from both needs a :meth:`working_copy`. Returns its rows (a count for INSERT and the like).
        """
        ...

    def working_copy(
        self,
        table: Table,
        where: str = "",
        parameters: Sequence[object] = (),
        *,
        key: Sequence[str] = (),
        columns: Sequence[str] = (),
        matching: Matching | None = None,
    ) -> AbstractContextManager[None]:
        """Have rows of a table at hand in :attr:`con` for a block: those of ``where``, or all.

        With ``key``, which tells rows apart, what the block changes in them is written back at its end, in the
        transaction that is open; without it they are there to be read. ``columns`` are those that the block needs
        (all), ``matching`` keeps the rows to those whose values a relation of the session has.
        """
        ...

    def describe(self, tables: Sequence[Table]) -> Mapping[Table, Mapping[str, str]] | None:
        """Return the columns of tables with their DuckDB types; ``None`` when one of them is not there.

        A text has its length behind it where the warehouse keeps one: ``VARCHAR(8)``.
        """
        ...

    def columns(self, table: Table) -> dict[str, str]:
        """Return the columns of a table or view with their DuckDB types, in order; empty when there is none."""
        ...

    def all_columns(self) -> Mapping[Table, Mapping[str, str]]:
        """Return the columns of every table and view there is."""
        ...

    def schemas(self) -> set[str]:
        """Return the schemas there are."""
        ...

    def tables(self, schema: str) -> list[str]:
        """Return the tables of a schema, sorted."""
        ...

    def views(self, schema: str) -> list[str]:
        """Return the views of a schema, sorted."""
        ...

    def inspect(self) -> Iterator[Check]:
        """Look at the engine, its version and settings, and what is wrong with them, for ``strata doctor``."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end of the block, roll back when it raises; a nested block joins the outer one."""
        ...

    def numbering(self) -> AbstractContextManager[bool]:
        """Draw numbers in a block, and let nobody else draw any until the transaction that is open has ended.

        So numbers come to be seen in their order, and who reads after one that was seen misses none. It is held
        by one at a time: enter it last. Yields whether others may have drawn since the transaction began.
        """
        ...


class Warehouse(Protocol):
    """A place for tables with one writer at a time, or with several loads, where the engine can keep them apart."""

    @property
    def is_embedded(self) -> bool:
        """Whether it is a file of this machine, which is backed up and written anew as a file."""
        ...

    def exclusive(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the writer's lock without a connection, so that another program (dbt) may open the warehouse.

        Raises:
            Busy: somebody else held it for ``lock_wait_seconds``; says who, since when and what for.
        """
        ...

    def session(self, purpose: str, beside: str | None = None) -> AbstractContextManager[Session]:
        """Hold the writer's lock and an open connection; re-entrant within a thread.

        ``beside`` shares the lock with others who do so too, where the engine admits several writers; it names what
        nobody else may write meanwhile, if not empty. The embedded one ignores it.

        Raises:
            NotAlone: within a session beside others one was asked for that is alone.
        """
        ...

    def reading(self, purpose: str) -> AbstractContextManager[Session]:
        """Hold an open connection to look at what is committed; only the embedded engine asks for the lock first."""
        ...
