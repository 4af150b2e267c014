"""A script sees one tenant's rows and living rows alone, and what it leaves behind is its tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.failures import ScriptRefused
from orchestration.scripts.execution import Turn, run_program
from orchestration.scripts.outline import outline
from orchestration.scripts.program import Program, compile_script
from orchestration.scripts.scope import visible
from orchestration.scripts.source import read_script

Write = Callable[..., Path]
Run = Callable[..., list[object]]
DAY = date(2026, 11, 20)
TOTAL = "SELECT SUM(s.amount) AS total, COUNT(*) AS sales INTO finance.result FROM silver.sale AS s;"


def test_a_script_sees_one_tenant_alone(run: Run, write_script: Write) -> None:
    path = write_script("SELECT COUNT(*) AS sales INTO finance.result FROM silver.sale AS s;")
    assert [run(path, tenant) for tenant in ("acme", "globex")] == [[(3,)], [(1,)]]


def test_a_star_shows_no_column_of_the_platform(run: Run, write_script: Write) -> None:
    assert run(write_script("SELECT * INTO finance.result FROM bronze_product.rate;")) == [
        ("USD", Decimal("0.90000000"))
    ]


def test_a_column_of_the_platform_is_unknown(compiled: Callable[[Path], Program], write_script: Write) -> None:
    found = compiled(write_script("SELECT s._tenant_id AS t INTO finance.result FROM silver.sale AS s;")).problems
    assert [problem.what for problem in found] == ["column s._tenant_id"]


def test_a_script_that_fails_leaves_nothing(
    warehouse: duckdb.DuckDBPyConnection, compiled: Callable[[Path], Program], write_script: Write
) -> None:
    body = f"{TOTAL}\nSELECT 1 / (s.id - 1) AS x INTO finance.other FROM silver.sale AS s;"
    with pytest.raises(ScriptRefused, match=r"result\.sql:5:8: a division by zero"):
        run_program(warehouse, compiled(write_script(body)), Turn("acme", DAY))
    left = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'finance_work' OR temporary"
    assert warehouse.execute(left).fetchall() == [(0,)]


def test_a_script_reads_what_scripts_before_it_have_built(
    warehouse: duckdb.DuckDBPyConnection, compiled: Callable[[Path], Program], write_script: Write
) -> None:
    first = compiled(write_script(TOTAL, "first"))
    second = read_script(
        write_script("SELECT r.sales + 1 AS more INTO finance.more FROM finance.result AS r;", "second")
    )
    run_program(warehouse, first, Turn("acme", DAY))
    run_program(warehouse, compile_script(second, {}, first.writes), Turn("acme", DAY))
    assert warehouse.execute("FROM finance_work.more").fetchall() == [(4,)]


def test_a_table_without_tenants_is_refused(
    warehouse: duckdb.DuckDBPyConnection, run: Run, write_script: Write
) -> None:
    warehouse.execute("CREATE TABLE silver.shared (x INTEGER)")
    with pytest.raises(ScriptRefused, match="_tenant_id"):
        run(write_script("SELECT t.x INTO finance.result FROM silver.shared AS t;"))
    with pytest.raises(ScriptRefused, match=r"silver\.absent: there is no such table"):
        run(write_script("SELECT t.x INTO finance.result FROM silver.absent AS t;"))


def test_personal_columns_of_bronze_are_not_shown(warehouse: duckdb.DuckDBPyConnection, write_script: Write) -> None:
    script = read_script(write_script("SELECT r.rate INTO finance.result FROM bronze_product.rate AS r;"))
    reads, personal = outline(script).reads, {("bronze_product", "rate"): ["rate"]}
    assert "rate" in compile_script(script, visible(warehouse, reads)).writes["finance", "result"]
    hidden = compile_script(script, visible(warehouse, reads, personal))
    assert [problem.what for problem in hidden.problems] == ["column r.rate"]
    with pytest.raises(ScriptRefused, match="no contract"):
        visible(warehouse, reads, {})


def test_a_scripts_settings_end_with_it(warehouse: duckdb.DuckDBPyConnection, run: Run, write_script: Write) -> None:
    run(write_script(TOTAL))
    assert warehouse.execute("SELECT 'a' = 'A', getvariable('v_as_of')").fetchall() == [(False, None)]
    views = warehouse.execute("SELECT count(*) FROM duckdb_views() WHERE view_name LIKE 'strata_scope%'").fetchall()
    assert views == [(0,)]


@pytest.mark.parametrize("first", ["SELECT id INTO finance.a FROM {}", "UPDATE {} SET id = 1", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["finance.result", "#t"])
def test_a_table_that_is_built_later_is_told_with_its_line(
    compiled: Callable[[Path], Program], write_script: Write, first: str, table: str
) -> None:
    body = f"{first.format(table)};\n\nSELECT s.id INTO {table} FROM silver.sale AS s;\nSELECT 1 AS n INTO finance.b;"
    found = compiled(write_script(body)).problems
    assert [(problem.line, problem.what, problem.why) for problem in found] == [
        (4, table, "it is built later, in line 6.")
    ]
