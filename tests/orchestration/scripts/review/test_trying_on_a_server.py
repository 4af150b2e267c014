"""A script is tried on a T-SQL server as it is written, and both engines' tables are compared."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

import pytest
from close_house import DAY, CloseHouse
from pydantic import SecretStr

from orchestration.failures import SettingsError
from orchestration.runtime import Runtime, open_runtime
from orchestration.scripts.execution import Turn
from orchestration.scripts.review.trying import Request, Result, try_scripts

TEXTS = (
    "SELECT s.customer, CAST(COUNT(*) AS varchar(5)) AS n INTO #x FROM silver.sale AS s GROUP BY s.customer;\n"
    "SELECT x.customer, x.n + ':' AS n, s.amount * 1.25 AS part, @as_of AS day INTO finance.line\n"
    "FROM #x AS x JOIN silver.sale AS s ON s.customer = x.customer;"
)


@pytest.fixture
def address() -> str:
    if address := os.environ.get("STRATA_TEST_SQLSERVER"):
        return _database(address)
    pytest.skip("STRATA_TEST_SQLSERVER names no T-SQL server: scripts are tried on DuckDB alone.")


def _database(address: str) -> str:
    """Make an empty database of the test's own; returns how to connect to it."""
    with closing(_connect(address)) as con:
        if con.execute("SELECT DB_ID('strata_review')").fetchone()[0] is None:
            con.execute("CREATE DATABASE strata_review")
    return f"{address.rstrip(';')};DATABASE=strata_review"


def _connect(address: str) -> Any:
    import pyodbc

    return pyodbc.connect(address, autocommit=True, timeout=20)


@pytest.fixture
def runtime(house: CloseHouse, address: str) -> Runtime:
    return open_runtime(house.settings.model_copy(update={"scripts_server": SecretStr(address)}))


def tried(runtime: Runtime, script: str) -> Result:
    return try_scripts(runtime, Request(Turn("acme", DAY), script, on_server=True))


def test_both_engines_build_the_same_and_nothing_stays_there(house: CloseHouse, runtime: Runtime, address: str) -> None:
    house.write("line", TEXTS)
    house.check("line", "-- One sale each\nSELECT l.customer FROM finance.line AS l WHERE l.n <> '1:';\n")
    result = tried(runtime, "line")
    assert [fault for item in result.tried for fault in item.faults] == []
    assert [(table.table[1], table.is_changed) for table in result.compared] == [("line", False)]
    assert result.is_well
    with closing(_connect(address)) as con:
        assert con.execute("SELECT name FROM sys.tables WHERE name IN ('sale', 'line')").fetchall() == []


def test_an_error_of_the_server_is_told_by_file_and_other_scripts_still_run(
    house: CloseHouse, runtime: Runtime
) -> None:
    path = house.write("a_broken", "SELECT CAST(s.customer AS int) AS n INTO finance.broken FROM silver.sale AS s;")
    result = tried(runtime, "")
    faults = {item.script.name: item.faults for item in result.tried}
    assert str(path) in faults["a_broken.sql"][0]
    assert (faults["b_total.sql"], faults["a_twice.sql"]) == ((), ())


def test_each_script_has_its_own_temporary_tables(house: CloseHouse, runtime: Runtime) -> None:
    house.write("line", TEXTS)
    house.write("other", TEXTS.replace("finance.line", "finance.other"))
    result = tried(runtime, "")
    assert [fault for item in result.tried for fault in item.faults] == []
    assert result.is_well


def test_without_a_server_the_setting_is_named(house: CloseHouse) -> None:
    with pytest.raises(SettingsError, match="STRATA_SCRIPTS_SERVER"):
        tried(house.runtime, "b_total")
