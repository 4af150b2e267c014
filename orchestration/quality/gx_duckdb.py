"""Great Expectations on an open DuckDB connection: set-based SQL in the warehouse, nothing is pulled out.

Importing this takes about five seconds and 150 MB: only a gate that has rules to
judge does it, while it judges. GX closes its connection before it fetches, and
DuckDB's result dies with it ("list index out of range"); GX keeps connections of
a few engines only. So this engine keeps one too: a cursor of the session that
already holds the warehouse file, which no second connection could open.
"""

from __future__ import annotations

import atexit
import builtins
import logging
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

import duckdb

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # read when GX is imported; it would reach for the network

import great_expectations as gx
import sqlalchemy as sa
from duckdb_engine import ConnectionWrapper, Dialect
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.dialects import registry
from sqlalchemy.pool import StaticPool

from orchestration.warehouse.duckdb import beside


def _end_quietly() -> None:
    """Leave stderr as the process ends.

    Once Python is gone DuckDB's binding (nanobind) prints some fifty lines about types that GX's modules still hold,
    below whatever the command had to say. Nothing else can be told by then.
    """
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


atexit.register(_end_quietly)

_connection: ContextVar[duckdb.DuckDBPyConnection] = ContextVar("gx_connection")


class ReadingDialect(Dialect):
    """DuckDB without transactions: GX only reads, and a query that fails must not abort the next one."""

    supports_statement_cache = False

    def do_begin(self, connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's wrapper of a driver's connection
        """Begin nothing: every statement stands alone."""

    def do_commit(self, connection: Any) -> None:  # noqa: ANN401 - as above
        """Commit nothing."""

    def do_rollback(self, connection: Any) -> None:  # noqa: ANN401 - as above
        """Roll nothing back."""


registry.register("duckdb.reading", __name__, ReadingDialect.__name__)


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """GX's engine with one connection that stays open while results are read."""

    _kept: sa.Connection | None = None

    @contextmanager
    def get_connection(self) -> Generator[sa.Connection, None, None]:
        """Yield the kept connection."""
        if self._kept is None:
            self._kept = self.engine.connect()
        yield self._kept

    def close(self) -> None:
        """Let the connection go."""
        if self._kept is not None:
            self._kept.close()
        super().close()


class DuckDBDatasource(SQLDatasource):
    """A GX data source on the connection of the context that is open; offered as ``data_sources.add_duckdb``."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]

    @property
    def execution_engine_type(self) -> builtins.type[SqlAlchemyExecutionEngine]:
        """The engine above."""
        return DuckDBExecutionEngine

    def _create_engine(self) -> sa.Engine:
        con = _connection.get()
        return sa.create_engine("duckdb+reading://", creator=lambda: ConnectionWrapper(con), poolclass=StaticPool)

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        """Return the one engine of this data source; GX would open another by its address."""
        if self._execution_engine is None:
            self._execution_engine = DuckDBExecutionEngine(
                engine=self.get_engine(), create_temp_table=self.create_temp_table
            )
        return self._execution_engine


@contextmanager
def expectations_on(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[DuckDBDatasource, duckdb.DuckDBPyConnection]]:
    """Yield a data source and the cursor of ``con`` that it works on; quiet, without files and without the network."""
    cursor = beside(con)
    token = _connection.set(cursor)
    try:
        context: Any = gx.get_context(mode="ephemeral")
        logging.getLogger("great_expectations").setLevel(logging.ERROR)
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        yield context.data_sources.add_duckdb("warehouse", connection_string="duckdb://"), cursor
    finally:
        _connection.reset(token)
        cursor.close()
