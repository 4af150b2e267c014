"""Sessions of a server share one DuckDB, and nothing of what is in it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.settings import Settings
from orchestration.warehouse.sqlserver.beside import Beside


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    return Beside(Settings(home=tmp_path, memory_limit_mb=128, _env_file=None))


def fill(con: duckdb.DuckDBPyConnection, value: int) -> None:
    con.execute(f"CREATE TEMP TABLE own AS SELECT {value} AS a")
    con.execute("CREATE SCHEMA bronze")
    con.execute(f"CREATE TABLE bronze.copied AS SELECT {value} AS a")


def test_two_sessions_at_a_time_have_tables_of_one_name(beside: Beside) -> None:
    with beside.database() as one, beside.database() as two:
        for con, value in ((one, 1), (two, 2)):
            fill(con, value)
        for con, value in ((one, 1), (two, 2)):
            assert con.execute("SELECT a, b.a FROM temp.own JOIN bronze.copied AS b USING (a)").fetchall() == [
                (value, value)
            ]


@pytest.mark.parametrize("table", ["own", "bronze.copied"])
def test_nothing_is_left_for_the_next_session(beside: Beside, table: str) -> None:
    with beside.database() as con:
        fill(con, 1)
    with beside.database() as con:
        with pytest.raises(duckdb.CatalogException):
            con.execute(f"FROM {table}")
        names = con.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal").fetchall()
        assert len(names) == 2, "its own, and the engine's"


def test_a_session_that_failed_in_a_transaction_leaves_nothing_either(beside: Beside) -> None:
    def fail() -> None:
        with beside.database() as con:
            con.execute("BEGIN TRANSACTION")
            fill(con, 1)
            con.execute("SELECT CAST('x' AS INTEGER)")

    with pytest.raises(duckdb.ConversionException):
        fail()
    with beside.database() as con:
        fill(con, 2)
        assert con.execute("FROM bronze.copied").fetchall() == [(2,)]
