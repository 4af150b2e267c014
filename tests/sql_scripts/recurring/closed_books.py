"""Runs the scripts of recurring revenue and their checks over silver rows, by translation and as they are written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import duckdb
import pyodbc
from silver_rows import SHAPES, Row, Silver, values

from orchestration.names import Table
from orchestration.scripts.close.plan import PlannedScript, read_plan
from orchestration.scripts.execution import Turn, run_program
from orchestration.scripts.program import Program, compile_script
from orchestration.scripts.source import Script
from orchestration.scripts.tsql import as_written
from orchestration.scripts.types import Catalog, Columns, from_duckdb
from orchestration.settings import PROJECT

TABLES = (
    "eur_rate_monthly", "mrr_movements", "mrr_monthly", "mrr_waterfall_monthly", "arr", "retention",
    "cohort_retention", "mrr_forecast", "bowtie_stages", "bowtie_monthly",
)  # fmt: skip
TENANT = "acme"
OTHERS = "globex"
"""A tenant with the same rows, whom nobody may see."""


class Books(Protocol):
    """What one close has built."""

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows; text, dates, whole numbers and decimals."""

    def execute(self, statement: str) -> None:
        """Change what was built."""

    def offences(self, tables: Collection[str] = TABLES) -> dict[str, int]:
        """Run these tables' checks; returns how many rows each found, of those that found any, by ``table: title``."""


def scripts() -> list[PlannedScript]:
    """Return the scripts of recurring revenue in the order in which they run."""
    plan = read_plan(PROJECT / "sql_scripts" / "financial")
    return [item for item in plan.scripts if item.script.name in TABLES]


SCRIPTS = scripts()


@dataclass(frozen=True)
class DuckDBBooks:
    """A close on the embedded warehouse, through strata's translation; ``built`` are its tables of finance."""

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

    def offences(self, tables: Collection[str] = TABLES) -> dict[str, int]:
        """Run these tables' checks."""
        found = {}
        for item in SCRIPTS:
            for check in item.checks if item.script.name in tables else ():
                self.run(check.query)
                place = f'finance_work."{check.table[1]}"'
                found[f"{item.script.name}: {check.title}"] = self.con.execute(f"FROM {place}").fetchall()
                self.con.execute(f"DROP TABLE {place}")
        return {title: len(rows) for title, rows in found.items() if rows}


@contextmanager
def closed_on_duckdb(silver: Silver, as_of: date) -> Iterator[DuckDBBooks]:
    """Close a day in a database of its own, in which another tenant has the same rows."""
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA silver; CREATE SCHEMA finance_work")
        catalog = {("silver", table): _fill(con, table, silver.get(table, ())) for table in SHAPES}
        books = DuckDBBooks(con, Turn(TENANT, as_of), catalog, {})
        for item in SCRIPTS:
            books.built.update(books.run(item.script).writes)
        yield books


def _fill(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> Columns:
    """Make a silver table with both tenants' rows; returns what a script sees of it."""
    columns = ", ".join(f"{name} {kind}" for name, kind in SHAPES[table].items())
    columns = columns.format(stamp="TIMESTAMP", flag="BOOLEAN")
    con.execute(f"CREATE TABLE silver.{table} (_tenant_id VARCHAR, {columns})")
    both = [[tenant, *row] for tenant in (TENANT, OTHERS) for row in values(table, rows)]
    if both:
        con.executemany(f"INSERT INTO silver.{table} VALUES ({', '.join('?' * len(both[0]))})", both)
    return {name: from_duckdb(kind) for name, kind, *_ in con.execute(f"DESCRIBE silver.{table}").fetchall()[1:]}


@dataclass(frozen=True)
class ServerBooks:
    """A close on a T-SQL server, by the analysts' own text."""

    con: pyodbc.Connection
    as_of: date

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows."""
        return _mappings(self.con.execute(f"SELECT * FROM finance_work.{table}"))

    def execute(self, statement: str) -> None:
        """Change what was built."""
        self.con.execute(statement)

    def run(self, script: Script) -> None:
        """Send a script, batch by batch."""
        tables = [table for item in SCRIPTS for table in item.writes]
        own = [check.table for item in SCRIPTS for check in item.checks]
        for batch in as_written(script, {*tables, *own}, self.as_of):
            self.con.execute(batch.text)

    def offences(self, tables: Collection[str] = TABLES) -> dict[str, int]:
        """Run these tables' checks."""
        found = {}
        for item in SCRIPTS:
            for check in item.checks if item.script.name in tables else ():
                self.run(check.query)
                (count,) = self.con.execute(f"SELECT COUNT(*) FROM finance_work.[{check.table[1]}]").fetchone()
                self.con.execute(f"DROP TABLE finance_work.[{check.table[1]}]")
                found[f"{item.script.name}: {check.title}"] = count
        return {title: count for title, count in found.items() if count}


@contextmanager
def closed_on_server(address: str, silver: Silver, as_of: date) -> Iterator[ServerBooks]:
    """Close a day in a transaction that is rolled back: the database is as it was before."""
    con = pyodbc.connect(address, autocommit=False)
    try:
        con.execute("CREATE SCHEMA silver")
        con.execute("CREATE SCHEMA finance_work")
        for table, shape in SHAPES.items():
            columns = ", ".join(f"{name} {kind}" for name, kind in shape.items())
            con.execute(f"CREATE TABLE silver.{table} ({columns.format(stamp='datetime2(6)', flag='bit')})")
            if rows := list(values(table, silver.get(table, ()))):
                con.cursor().executemany(f"INSERT INTO silver.{table} VALUES ({', '.join('?' * len(shape))})", rows)
        books = ServerBooks(con, as_of)
        for item in SCRIPTS:
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
