"""The ways rows reach SQL Server, fastest first; each is proven for every load (:mod:`.proof`), none is trusted.

A way takes rows as DuckDB has them, in batches, and writes them into a table that is there, in the transaction
of the connection that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

import duckdb
import pyarrow as pa

from orchestration.names import quote
from orchestration.warehouse.sqlserver.capabilities import Capabilities
from orchestration.warehouse.sqlserver.quoting import bracketed
from orchestration.warehouse.sqlserver.types import stored_as

BATCH_ROWS = 20_000
"""Rows of one call: measured, more of them gain nothing, and take memory on both sides."""
_ARRAY_ROWS = 5_000
_ARROW = {"HUGEINT": "DECIMAL(38,0)", "JSON": "VARCHAR"}
"""What Arrow has no type for."""
_WVARCHAR, _WLONGVARCHAR, _LONGEST = -9, -10, 4_000
"""ODBC's numbers of the text types, and what the first of them takes."""


@dataclass(frozen=True)
class Rows:
    """What is to be loaded: a relation of a DuckDB connection, and its columns with their DuckDB types."""

    con: duckdb.DuckDBPyConnection
    relation: str
    columns: Mapping[str, str]

    def texts(self) -> Iterator[list[str]]:
        """Yield batches of rows, each row a JSON array of texts: a text keeps every digit of a number."""
        values = ", ".join(_as_text(quote(name), kind) for name, kind in self.columns.items())
        found = self.con.execute(f"SELECT CAST(json_array({values}) AS VARCHAR) FROM {self.relation}")
        while batch := found.fetchmany(BATCH_ROWS):
            yield [row for (row,) in batch]

    def values(self) -> Iterator[list[tuple[str | None, ...]]]:
        """Yield batches of rows, their values as texts."""
        listed = ", ".join(_as_text(quote(name), kind) for name, kind in self.columns.items())
        found = self.con.execute(f"SELECT {listed} FROM {self.relation}")
        while batch := found.fetchmany(_ARRAY_ROWS):
            yield batch

    def arrow(self) -> pa.RecordBatchReader:
        """Return the rows as they come."""
        listed = ", ".join(
            f"CAST({quote(name)} AS {_ARROW.get(kind, kind)}) AS {quote(name)}" for name, kind in self.columns.items()
        )
        return self.con.execute(f"SELECT {listed} FROM {self.relation}").to_arrow_reader(BATCH_ROWS)


def _as_text(column: str, kind: str) -> str:
    if kind == "BOOLEAN":
        return f"CAST(CAST({column} AS INTEGER) AS VARCHAR)"
    return f"CAST({column} AS VARCHAR)"


class Unable(Exception):
    """A way of loading is not there, or gave up."""


class Path(Protocol):
    """A way of loading."""

    name: str

    def load(self, cursor: Any, rows: Rows, place: str) -> None:  # noqa: ANN401 - the driver has no types
        """Write all rows into a table, by the names of their columns."""
        ...


class OpenJson:
    """One text of JSON a batch, which the server takes apart: measured, the fastest right way through a parameter."""

    name = "OPENJSON"

    def load(self, cursor: Any, rows: Rows, place: str) -> None:  # noqa: ANN401 - as above
        """Write them."""
        statement = insert_from_json(place, rows.columns)
        for batch in rows.texts():
            cursor.execute(statement, "[" + ",".join(batch) + "]")


class ArrayBinding:
    """Arrays of parameters, the driver's ``executemany``.

    All of them are texts, which the server converts, and of a length that is said: else the driver would ask the
    server for the types, which cannot tell those of a temporary table.
    """

    name = "arrays of parameters"

    def load(self, cursor: Any, rows: Rows, place: str) -> None:  # noqa: ANN401 - as above
        """Write them."""
        listed = ", ".join(bracketed(name) for name in rows.columns)
        marks = ", ".join(f"CAST(? AS {stored_as(kind)})" for kind in rows.columns.values())
        for batch in rows.values():
            cursor.setinputsizes([_size(column) for column in zip(*batch, strict=True)])
            cursor.executemany(f"INSERT INTO {place} ({listed}) VALUES ({marks})", batch)


def _size(values: tuple[str | None, ...]) -> tuple[int, int, int]:
    longest = max((len(value.encode("utf-16-le")) // 2 for value in values if value is not None), default=0)
    return (_WVARCHAR if longest <= _LONGEST else _WLONGVARCHAR, max(longest, 1), 0)


def insert_from_json(place: str, columns: Mapping[str, str]) -> str:
    """Return the statement that takes a JSON array of arrays apart; its one parameter is the text."""
    listed = ", ".join(bracketed(name) for name in columns)
    shape = ", ".join(f"[c{number}] {stored_as(kind)} '$[{number}]'" for number, kind in enumerate(columns.values()))
    values = ", ".join(f"[c{number}]" for number, _ in enumerate(columns))
    return f"INSERT INTO {place} ({listed}) SELECT {values} FROM OPENJSON(?) WITH ({shape})"


@dataclass(frozen=True)
class BulkCopy:
    """TDS's own bulk form, from Arrow. Not verified: no server at hand for tests has it.

    The driver opens a connection of its own for it, which does not see what this one's transaction has made. So the
    rows go into a table that stands for itself, and from there into theirs, in the transaction.
    """

    connect: Callable[[], Any]
    name = "bulk copy"

    def load(self, cursor: Any, rows: Rows, place: str) -> None:  # noqa: ANN401 - as above
        """Write them."""
        other = self.connect()
        beside, listed = f"[dbo].[strata_bulk_{uuid4().hex}]", ", ".join(map(bracketed, rows.columns))
        try:
            made = other.cursor()
            made.execute(heap(beside, rows.columns))
            _copied(made, beside, rows)
            cursor.execute(f"INSERT INTO {place} WITH (TABLOCK) ({listed}) SELECT {listed} FROM {beside}")
        finally:
            other.cursor().execute(f"DROP TABLE IF EXISTS {beside}")
            other.close()


def _copied(cursor: Any, place: str, rows: Rows) -> None:  # noqa: ANN401 - as above
    try:
        cursor.bulkcopy_arrow(place, rows.arrow(), table_lock=True, keep_nulls=True, timeout=0)
    except (ImportError, RuntimeError, TypeError, ValueError) as error:
        raise Unable(f"{type(error).__name__}: {error}") from error


def heap(place: str, columns: Mapping[str, str]) -> str:
    """Return the statement that makes a table without an index, which takes rows fastest."""
    return (
        f"CREATE TABLE {place} ({', '.join(f'{bracketed(n)} {stored_as(kind)} NULL' for n, kind in columns.items())})"
    )


def ways(can: Capabilities, connect: Callable[[], Any] | None = None) -> tuple[Path, ...]:
    """Return the ways that a server has, fastest first; ``connect`` opens another connection to it."""
    bulk = (BulkCopy(connect),) if can.bulk_copy and connect else ()
    return (*bulk, OpenJson(), ArrayBinding())
