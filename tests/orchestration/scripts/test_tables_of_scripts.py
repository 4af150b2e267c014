"""A script's table is replaced tenant by tenant, and nobody sees anybody else's rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.failures import ScriptRefused
from orchestration.scripts import check_script, read_script
from orchestration.scripts.build import build_table

Write = Callable[..., Path]
DAY = date(2026, 11, 20)
TOTAL = "SELECT SUM(s.amount) AS total, COUNT(*) AS sales INTO finance.result FROM silver.sale AS s;"


def build(con: duckdb.DuckDBPyConnection, path: Path, tenant: str) -> int:
    return build_table(con, check_script(read_script(path)), tenant, DAY)


def rows(con: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return con.execute("SELECT _tenant_id, sales FROM finance.result ORDER BY 1").fetchall()


def test_a_script_sees_one_tenant_alone(warehouse: duckdb.DuckDBPyConnection, write_script: Write) -> None:
    path = write_script(TOTAL)
    assert [build(warehouse, path, tenant) for tenant in ("acme", "globex")] == [1, 1]
    assert rows(warehouse) == [("acme", 3), ("globex", 1)]


def test_building_again_replaces_the_tenants_rows(warehouse: duckdb.DuckDBPyConnection, write_script: Write) -> None:
    path = write_script(TOTAL)
    for tenant in ("acme", "globex", "acme"):
        build(warehouse, path, tenant)
    warehouse.execute("DELETE FROM silver.sale WHERE _tenant_id = 'acme' AND id = 3")
    build(warehouse, path, "acme")
    assert rows(warehouse) == [("acme", 2), ("globex", 1)]


def test_a_script_that_fails_leaves_the_table_as_it_was(
    warehouse: duckdb.DuckDBPyConnection, write_script: Write
) -> None:
    build(warehouse, write_script(TOTAL), "acme")
    broken = write_script(TOTAL.replace("s.amount", "s.no_such_column"))
    with pytest.raises(ScriptRefused, match=r"result\.sql: acme: .*no_such_column"):
        build(warehouse, broken, "acme")
    assert rows(warehouse) == [("acme", 3)]


def test_a_table_follows_its_scripts_columns(warehouse: duckdb.DuckDBPyConnection, write_script: Write) -> None:
    path = write_script(TOTAL)
    for tenant in ("acme", "globex"):
        build(warehouse, path, tenant)
    changed = "CAST(SUM(s.amount) AS decimal(18,2)) AS revenue, CAST(COUNT(*) AS int) AS sales"
    build(warehouse, write_script(f"SELECT {changed} INTO finance.result FROM silver.sale AS s;"), "acme")
    described = warehouse.execute("DESCRIBE finance.result").fetchall()
    assert {name: kind for name, kind, *_ in described} == {
        "_tenant_id": "VARCHAR",
        "sales": "INTEGER",
        "revenue": "DECIMAL(18,2)",
    }
    assert rows(warehouse) == [("acme", 3), ("globex", 1)]


def test_of_bronze_a_script_sees_living_rows(warehouse: duckdb.DuckDBPyConnection, write_script: Write) -> None:
    build(warehouse, write_script("SELECT r.code INTO finance.result FROM bronze_product.rate AS r;"), "acme")
    assert warehouse.execute("SELECT _tenant_id, code FROM finance.result").fetchall() == [("acme", "USD")]


def test_a_table_without_tenants_is_refused(warehouse: duckdb.DuckDBPyConnection, write_script: Write) -> None:
    warehouse.execute("CREATE TABLE silver.shared (x INTEGER)")
    with pytest.raises(ScriptRefused, match="_tenant_id"):
        build(warehouse, write_script("SELECT t.x INTO finance.result FROM silver.shared AS t;"), "acme")
    with pytest.raises(ScriptRefused, match="not in the warehouse"):
        build(warehouse, write_script("SELECT t.x INTO finance.result FROM silver.absent AS t;"), "acme")


def test_a_scripts_settings_end_with_it(warehouse: duckdb.DuckDBPyConnection, write_script: Write) -> None:
    build(warehouse, write_script(TOTAL), "acme")
    assert warehouse.execute("SELECT 'a' = 'A', getvariable('v_as_of')").fetchall() == [(False, None)]
    views = warehouse.execute("SELECT count(*) FROM duckdb_views() WHERE view_name LIKE 'strata_scope%'").fetchall()
    assert views == [(0,)]
