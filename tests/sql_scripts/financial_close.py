"""Runs financial scripts and their checks over silver rows by hand: by translation, and as they are written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import duckdb

from orchestration.names import Table
from orchestration.scripts.close.plan import PlannedScript, read_plan
from orchestration.scripts.execution import Turn, run_program
from orchestration.scripts.program import Program, compile_script
from orchestration.scripts.source import Script
from orchestration.scripts.tsql import Placing, as_written
from orchestration.scripts.types import Catalog, Columns, from_duckdb
from orchestration.settings import PROJECT

if TYPE_CHECKING:
    import pyodbc

Row = Mapping[str, Any]
Silver = Mapping[str, Sequence[Row]]
TENANT = "acme"
OTHERS = "globex"
"""A tenant with the same rows, whom nobody may see."""


@dataclass(frozen=True)
class Office:
    """Scripts that are run together, by the names of their tables, and the silver tables that they read.

    ``shapes`` has the columns of each; ``{stamp}`` and ``{flag}`` are each engine's own types.
    """

    tables: tuple[str, ...]
    shapes: Mapping[str, Mapping[str, str]]

    @cached_property
    def scripts(self) -> list[PlannedScript]:
        """The scripts in the order in which they run."""
        plan = read_plan(PROJECT / "sql_scripts" / "financial")
        return [item for item in plan.scripts if item.script.name in self.tables]

    def values(self, table: str, rows: Sequence[Row]) -> Iterator[list[object]]:
        """Yield each row's values in the order of the table's columns; what is left out is NULL.

        Raises:
            AssertionError: a row has a column that the table lacks.
        """
        for row in rows:
            assert set(row) <= set(self.shapes[table]), set(row) - set(self.shapes[table])
            yield [row.get(column) for column in self.shapes[table]]

    def columns(self, table: str, *, stamp: str, flag: str) -> str:
        """Return the columns of a silver table as CREATE TABLE has them."""
        return ", ".join(f"{name} {kind}" for name, kind in self.shapes[table].items()).format(stamp=stamp, flag=flag)


class Books(Protocol):
    """What one close has built."""

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows; text, dates, whole numbers and decimals."""

    def execute(self, statement: str) -> None:
        """Change what was built."""

    def offences(self, tables: Collection[str] = ()) -> dict[str, int]:
        """Run these tables' checks, or all; returns how many rows each found that found any, by ``table: title``."""


@dataclass(frozen=True)
class DuckDBBooks:
    """A close on the embedded warehouse, through strata's translation; ``built`` are its tables of finance."""

    office: Office
    con: duckdb.DuckDBPyConnection
    turn: Turn
    catalog: Catalog
    built: dict[Table, Columns]

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows."""
        return _mappings(self.con.execute(f"SELECT * FROM finance_work.{table}"))

    def execute(self, statement: str) -> None:
        """Change what was built."""
        self.con.execute(statement)

    def run(self, script: Script) -> Program:
        """Translate a script and run it."""
        program = compile_script(script, self.catalog, self.built)
        run_program(self.con, program, self.turn)
        return program

    def offences(self, tables: Collection[str] = ()) -> dict[str, int]:
        """Run these tables' checks."""
        found = {}
        for item in self.office.scripts:
            for check in item.checks if not tables or item.script.name in tables else ():
                self.run(check.query)
                place = f'finance_work."{check.table[1]}"'
                found[f"{item.script.name}: {check.title}"] = self.con.execute(f"FROM {place}").fetchall()
                self.con.execute(f"DROP TABLE {place}")
        return {title: len(rows) for title, rows in found.items() if rows}


@contextmanager
def closed_on_duckdb(office: Office, silver: Silver, as_of: date) -> Iterator[DuckDBBooks]:
    """Close a day in a database of its own, in which another tenant has the same rows."""
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA silver; CREATE SCHEMA finance_work")
        catalog = {("silver", table): _fill(con, office, table, silver.get(table, ())) for table in office.shapes}
        books = DuckDBBooks(office, con, Turn(TENANT, as_of), catalog, {})
        for item in office.scripts:
            books.built.update(books.run(item.script).writes)
        yield books


def _fill(con: duckdb.DuckDBPyConnection, office: Office, table: str, rows: Sequence[Row]) -> Columns:
    """Make a silver table with both tenants' rows; returns what a script sees of it."""
    columns = office.columns(table, stamp="TIMESTAMP", flag="BOOLEAN")
    con.execute(f"CREATE TABLE silver.{table} (_tenant_id VARCHAR, {columns})")
    both = [[tenant, *row] for tenant in (TENANT, OTHERS) for row in office.values(table, rows)]
    if both:
        con.executemany(f"INSERT INTO silver.{table} VALUES ({', '.join('?' * len(both[0]))})", both)
    return {name: from_duckdb(kind) for name, kind, *_ in con.execute(f"DESCRIBE silver.{table}").fetchall()[1:]}


@dataclass(frozen=True)
class ServerBooks:
    """A close on a T-SQL server, by the analysts' own text."""

    office: Office
    con: pyodbc.Connection
    as_of: date

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows."""
        return _mappings(self.con.execute(f"SELECT * FROM finance_work.{table}"))

    def execute(self, statement: str) -> None:
        """Change what was built."""
        self.con.execute(statement)

    def run(self, script: Script) -> None:
        """Send a script, batch by batch; each has temporary tables of its own."""
        tables = [table for item in self.office.scripts for table in item.writes]
        own = [check.table for item in self.office.scripts for check in item.checks]
        for batch in as_written(script, Placing({*tables, *own}), self.as_of):
            self.con.execute(batch.text)
        for name in sorted(set(re.findall(r"#\w+", script.text))):
            self.con.execute(f"DROP TABLE IF EXISTS {name}")

    def offences(self, tables: Collection[str] = ()) -> dict[str, int]:
        """Run these tables' checks."""
        found = {}
        for item in self.office.scripts:
            for check in item.checks if not tables or item.script.name in tables else ():
                self.run(check.query)
                (count,) = self.con.execute(f"SELECT COUNT(*) FROM finance_work.[{check.table[1]}]").fetchone()
                self.con.execute(f"DROP TABLE finance_work.[{check.table[1]}]")
                found[f"{item.script.name}: {check.title}"] = count
        return {title: count for title, count in found.items() if count}


@contextmanager
def closed_on_server(office: Office, address: str, silver: Silver, as_of: date) -> Iterator[ServerBooks]:
    """Close a day in a transaction that is rolled back: the database is as it was before."""
    import pyodbc  # needs a system library that only a server's users have

    con = pyodbc.connect(address, autocommit=False)
    try:
        con.execute("CREATE SCHEMA silver")
        con.execute("CREATE SCHEMA finance_work")
        for table, shape in office.shapes.items():
            con.execute(f"CREATE TABLE silver.{table} ({office.columns(table, stamp='datetime2(6)', flag='bit')})")
            if rows := list(office.values(table, silver.get(table, ()))):
                con.cursor().executemany(f"INSERT INTO silver.{table} VALUES ({', '.join('?' * len(shape))})", rows)
        books = ServerBooks(office, con, as_of)
        for item in office.scripts:
            books.run(item.script)
        yield books
    finally:
        con.rollback()
        con.close()


def _mappings(cursor: Any) -> list[Row]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def ordered(rows: Sequence[Row]) -> list[tuple[tuple[str, str], ...]]:
    """Return rows as text in one order, so that two engines' can be compared digit by digit."""
    return sorted(tuple((name, str(value)) for name, value in row.items()) for row in rows)
