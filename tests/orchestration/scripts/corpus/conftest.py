"""What a corpus' scripts run on: the embedded engine always, a T-SQL server where one is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.scripts import types
from orchestration.scripts.execution import Turn, run_program
from orchestration.scripts.outline import outline
from orchestration.scripts.program import compile_script
from orchestration.scripts.source import Header, Script
from orchestration.scripts.tsql import Placing, as_written

DAY = date(2026, 3, 31)
CATALOG = {
    ("silver", "sale"): {
        "id": types.INT,
        "customer": types.varchar(50),
        "amount": types.decimal(18, 2),
        "sold_on": types.DATE,
    }
}
SALES = [(1, "Ada", "10.50", "2026-01-31"), (2, "Bob", "20.00", "2026-02-01"), (3, None, "-2.25", "2026-03-01")]
Rows = list[str]
Run = Callable[[str], Rows]


def script_of(text: str) -> Script:
    return Script(Path("case.sql"), text, Header("Case", "tests", "One script of the corpus."))


def shown(row: tuple[Any, ...]) -> str:
    """Write a row so that both engines' values read the same."""
    return "|".join("NULL" if value is None else str(int(value) if isinstance(value, bool) else value) for value in row)


@pytest.fixture(scope="module")
def sales() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA silver; CREATE SCHEMA finance_work")
        con.execute(
            "CREATE TABLE silver.sale (_tenant_id VARCHAR, id INTEGER, customer VARCHAR, amount DECIMAL(18,2), "
            "sold_on DATE)"
        )
        con.executemany("INSERT INTO silver.sale VALUES ('acme', ?, ?, ?, ?)", SALES)
        con.execute("INSERT INTO silver.sale VALUES ('globex', 1, 'Eve', 999, '2026-01-01')")
        yield con


@pytest.fixture
def run(sales: duckdb.DuckDBPyConnection) -> Iterator[Run]:
    """Run a script on DuckDB and return the rows of finance.result."""

    def rows(text: str) -> Rows:
        run_program(sales, compile_script(script_of(text), CATALOG), Turn("acme", DAY))
        return [shown(row) for row in sales.execute("FROM finance_work.result").fetchall()]

    yield rows
    sales.execute("DROP SCHEMA finance_work CASCADE; CREATE SCHEMA finance_work")


@pytest.fixture(scope="session")
def server_address(new_tsql_database: Callable[[], str]) -> str:
    """Make the corpus' tables on the T-SQL server; returns how to connect to them."""
    address = new_tsql_database()
    with closing(_connect(address)) as con:
        con.execute("CREATE SCHEMA silver")
        con.execute("CREATE SCHEMA finance_work")
        con.execute("CREATE TABLE silver.sale (id int, customer varchar(50), amount decimal(18,2), sold_on date)")
        con.cursor().executemany("INSERT INTO silver.sale VALUES (?, ?, ?, ?)", SALES)
    return address


@pytest.fixture
def run_on_server(server_address: str) -> Run:
    """Run a script's own text on the server and return the rows of finance.result."""

    def rows(text: str) -> Rows:
        script = script_of(text)
        with closing(_connect(server_address)) as con:
            try:
                for batch in as_written(script, Placing(outline(script).writes), DAY):
                    cursor = con.execute(batch.text)
                    while cursor.nextset():
                        pass
                return [shown(tuple(row)) for row in con.execute("SELECT * FROM finance_work.result").fetchall()]
            finally:
                _empty(con)

    return rows


def _connect(address: str) -> Any:
    import pyodbc

    return pyodbc.connect(address, autocommit=True, timeout=20)


def _empty(con: Any) -> None:
    for kind, listed in (("VIEW", "VIEW"), ("TABLE", "BASE TABLE")):
        found = con.execute(
            "SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'finance_work' AND TABLE_TYPE = ?",
            listed,
        ).fetchall()
        for (name,) in found:
            con.execute(f"DROP {kind} finance_work.[{name}]")
