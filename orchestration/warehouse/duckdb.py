"""The embedded warehouse: one DuckDB file, one writer at a time, connections opened for each session.

Measured: while a writer's connection lives no other process can open the file,
even to read; opening, writing ten rows and closing takes 0.03 s.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import duckdb

from orchestration.contracts.extraction import Check
from orchestration.failures import Busy
from orchestration.names import Table, literal, qualified, quote
from orchestration.settings import Settings
from orchestration.warehouse.ddl import Ddl, DuckDBDdl
from orchestration.warehouse.lock import held
from orchestration.warehouse.protocol import Matching, Row
from orchestration.warehouse.restoring import refuse_half_restored

_CTRL_C = "Query interrupted"
_HERE = "database_name = current_database()"


@dataclass
class DuckDBSession:
    """One open connection to the warehouse file."""

    con: duckdb.DuckDBPyConnection
    _depth: int = 0
    ddl: ClassVar[Ddl] = DuckDBDdl()
    is_embedded: ClassVar[bool] = True

    def execute(self, sql: str, parameters: Sequence[object] | None = None) -> list[Row]:
        """Run one statement and return its rows."""
        return self.con.execute(sql, list(parameters or ())).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, roll back on any exception."""
        self._depth += 1
        try:
            if self._depth == 1:
                self.con.execute("BEGIN TRANSACTION")
            yield
        except BaseException:
            if self._depth == 1:
                self._roll_back()
            raise
        else:
            if self._depth == 1:
                self.con.execute("COMMIT")
        finally:
            self._depth -= 1

    @contextmanager
    def numbering(self) -> Iterator[bool]:
        """Do nothing: who has the file is alone."""
        yield False

    @contextmanager
    def working_copy(
        self,
        table: Table,  # noqa: ARG002 - the tables are at hand themselves
        where: str = "",  # noqa: ARG002
        parameters: Sequence[object] = (),  # noqa: ARG002
        *,
        key: Sequence[str] = (),  # noqa: ARG002
        columns: Sequence[str] = (),  # noqa: ARG002
        matching: Matching | None = None,  # noqa: ARG002
    ) -> Iterator[None]:
        """Do nothing: the table itself is at hand."""
        yield

    def inspect(self) -> Iterator[Check]:
        """Look at the file and the engine's version."""
        ((version, place),) = self.con.execute(
            "SELECT version(), path FROM duckdb_databases() WHERE database_name = current_database()"
        ).fetchall()
        size = f"{place}, {Path(place).stat().st_size / 1e6:,.1f} MB" if place else "in memory"
        yield Check("warehouse", ok=True, detail=f"{size}, DuckDB {version}")

    def describe(self, tables: Sequence[Table]) -> dict[Table, dict[str, str]] | None:
        """Describe tables side by side, each behind a heading that no column of ours could be called.

        Measured for 11 tables in one statement: 2 CPU ms, 5 for one by one, and 17 for the first look into DuckDB's
        catalog views.
        """
        headings = {f" {number}": table for number, table in enumerate(tables)}
        listed = ", ".join(f"0 AS {quote(heading)}, {quote(heading)}.*" for heading in headings)
        places = ", ".join(f"{qualified(table)} AS {quote(heading)}" for heading, table in headings.items())
        found: dict[Table, dict[str, str]] = {table: {} for table in tables}
        try:
            described = self.execute(f"DESCRIBE SELECT {listed} FROM {places}")
        except duckdb.CatalogException:
            return None
        for name, kind, *_ in described:
            if name in headings:
                columns = found[headings[name]]
            else:
                columns[name] = kind
        return found

    def columns(self, table: Table) -> dict[str, str]:
        """As declared."""
        try:
            return {row[0]: row[1] for row in self.execute(f"DESCRIBE {qualified(table)}")}
        except duckdb.CatalogException:
            return {}

    def all_columns(self) -> dict[Table, dict[str, str]]:
        """As declared."""
        rows = self.execute(
            "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
            f"WHERE {_HERE} AND NOT internal ORDER BY column_index"
        )
        tables: dict[Table, dict[str, str]] = {}
        for schema, table, column, kind in rows:
            tables.setdefault((schema, table), {})[column] = kind
        return tables

    def schemas(self) -> set[str]:
        """As declared."""
        return {name for (name,) in self.execute(f"SELECT schema_name FROM duckdb_schemas() WHERE {_HERE}")}

    def tables(self, schema: str) -> list[str]:
        """As declared."""
        sql = f"SELECT table_name FROM duckdb_tables() WHERE {_HERE} AND schema_name = ? ORDER BY 1"
        return [name for (name,) in self.execute(sql, [schema])]

    def views(self, schema: str) -> list[str]:
        """As declared."""
        sql = f"SELECT view_name FROM duckdb_views() WHERE {_HERE} AND schema_name = ? ORDER BY 1"
        return [name for (name,) in self.execute(sql, [schema])]

    def _roll_back(self) -> None:
        """An error inside DuckDB may have ended the transaction already; the first error is the one to tell."""
        try:
            self.con.execute("ROLLBACK")
        except duckdb.Error:
            return


class DuckDBWarehouse:
    """The warehouse file under ``STRATA_HOME``.

    Each session attaches it to an engine without a file of its own, and detaches it at its end: the other
    processes see no difference, and only a process's first session pays for an engine (0.018 CPU s; attaching: 0.002).
    """

    is_embedded: ClassVar[bool] = True

    def __init__(self, settings: Settings) -> None:
        """Remember where it is; touch nothing."""
        self._settings = settings
        self._open = threading.local()
        # By process: an engine's threads do not come along into a fork, so a child makes its own.
        self._engines: dict[int, duckdb.DuckDBPyConnection] = {}

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the writer's lock alone."""
        with held(writers_lock(self._settings), purpose, self._settings.lock_wait_seconds):
            refuse_half_restored(self._settings)
            yield

    @contextmanager
    def session(self, purpose: str, beside: str | None = None) -> Iterator[DuckDBSession]:  # noqa: ARG002 - one writer
        """Hold the writer's lock and a connection; within a session of the same thread, that very session.

        Raises:
            KeyboardInterrupt: Ctrl-C ended a statement, of which DuckDB makes an error like any other.
        """
        current: DuckDBSession | None = getattr(self._open, "session", None)
        if current:
            yield current
            return
        with self.exclusive(purpose):
            con = self._attach(purpose)
            self._open.session = DuckDBSession(con)
            try:
                yield self._open.session
            except RuntimeError as error:
                if str(error) == _CTRL_C:
                    raise KeyboardInterrupt from error
                raise
            finally:
                self._open.session = None
                con.close()
                self._detach()

    def reading(self, purpose: str) -> AbstractContextManager[DuckDBSession]:
        """As a session: the file admits one process."""
        return self.session(purpose)

    def _attach(self, purpose: str) -> duckdb.DuckDBPyConnection:
        path = self._settings.warehouse_file
        path.parent.mkdir(parents=True, exist_ok=True)
        if os.getpid() not in self._engines:
            self._engines[os.getpid()] = duckdb.connect(":memory:", config=connection_settings(self._settings))
        con, name = self._engines[os.getpid()].cursor(), quote(path.stem)
        try:
            con.execute(f"ATTACH {literal(str(path))} AS {name}")
            con.execute(f"USE {name}")
        except duckdb.Error as error:
            self._give_up()
            if not isinstance(error, duckdb.IOException) or "lock" not in str(error).lower():
                raise
            message = f"{purpose}: another program has {path} open without asking for the writer's lock."
            raise Busy(message, "Close it; to look at data, open the published tables (docs/operator).") from error
        con.execute("SET TimeZone = 'UTC'")
        return con

    def _detach(self) -> None:
        """Close the file; an engine that cannot, because an error has ended it, goes with it."""
        try:
            self._engines[os.getpid()].execute(f"DETACH {quote(self._settings.warehouse_file.stem)}")
        except duckdb.Error:
            self._give_up()

    def _give_up(self) -> None:
        self._engines.pop(os.getpid()).close()


def beside(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Open another connection to what a connection reads; its settings and results are its own."""
    (name,) = con.execute("SELECT current_database()").fetchall()[0]
    other = con.cursor()
    other.execute(f"USE {quote(name)}")
    return other


def writers_lock(settings: Settings) -> Path:
    """Return the lock file of who writes."""
    return settings.locks_dir / "warehouse.lock"


def connection_settings(settings: Settings) -> dict[str, str | bool | int | float | list[str]]:
    """Return the options of every DuckDB connection of the platform, and make the folder it may spill to.

    DuckDB makes the last folder of a path itself, and fails a big statement when the one above is missing.
    Measured: without insertion order 256 MB are enough for millions of rows at no cost in speed.
    """
    settings.scratch_dir.mkdir(parents=True, exist_ok=True)
    return {
        "memory_limit": f"{settings.memory_limit_mb}MB",
        "threads": settings.threads,
        "preserve_insertion_order": False,
        "temp_directory": str(settings.scratch_dir / "duckdb"),
    }
