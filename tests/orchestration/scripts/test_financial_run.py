"""All financial scripts, for all tenants, in the real warehouse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from orchestration.runtime import Runtime, open_runtime
from orchestration.scripts import run_financial
from orchestration.settings import load_settings

Write = Callable[..., Path]
DAY = date(2026, 11, 20)
TOTAL = "SELECT SUM(s.amount) AS total INTO finance.total FROM silver.sale AS s;"
TWICE = "SELECT t.total + t.total AS twice INTO finance.doubled FROM finance.total AS t;"


@pytest.fixture
def runtime(tmp_path: Path, write_script: Write) -> Runtime:
    """A warehouse with sales of two tenants, and a script that reads another's table."""
    write_script(TWICE, "a_twice")
    write_script(TOTAL, "b_total")
    tenants = tmp_path / "tenants.yaml"
    tenants.write_text("tenants: {acme: {title: A}, globex: {title: G}}")
    opened = open_runtime(load_settings(home=tmp_path / "home", scripts_dir=tmp_path, tenants_file=tenants))
    with opened.warehouse.session("prepare") as session:
        session.con.execute("CREATE SCHEMA silver")
        session.con.execute(
            "CREATE TABLE silver.sale AS SELECT 'acme' AS _tenant_id, 2.50::DECIMAL(18,2) AS amount "
            "UNION ALL SELECT 'globex', 7.00"
        )
    return opened


def table(runtime: Runtime, name: str) -> list[tuple[object, ...]]:
    with runtime.warehouse.session("look") as session:
        return session.execute(f"SELECT * FROM finance.{name} ORDER BY _tenant_id")


def test_every_script_is_built_for_every_tenant(runtime: Runtime) -> None:
    results = run_financial(runtime, DAY)
    assert [(r.table[1], r.tenant, r.status, r.rows) for r in results] == [
        ("total", "acme", "built", 1),
        ("total", "globex", "built", 1),
        ("doubled", "acme", "built", 1),
        ("doubled", "globex", "built", 1),
    ]
    assert [str(row[1]) for row in table(runtime, "doubled")] == ["5.00", "14.00"]


def test_a_run_can_be_narrowed_to_tenants_and_tables(runtime: Runtime) -> None:
    results = run_financial(runtime, DAY, ["globex"], [("finance", "total")])
    assert [(r.table[1], r.tenant) for r in results] == [("total", "globex")]


def test_a_failure_stops_what_reads_it_for_that_tenant_alone(runtime: Runtime, write_script: Write) -> None:
    run_financial(runtime, DAY)
    one = "CASE WHEN s.amount > 5 THEN CAST(1 AS decimal(9,0)) / CAST(0 AS decimal(9,0)) ELSE 1 END"
    write_script(f"SELECT {one} AS total INTO finance.total FROM silver.sale AS s;", "b_total")
    results = {(r.table[1], r.tenant): r for r in run_financial(runtime, DAY)}
    assert {key: result.status for key, result in results.items()} == {
        ("total", "acme"): "built",
        ("total", "globex"): "failed",
        ("doubled", "acme"): "built",
        ("doubled", "globex"): "failed",
    }
    assert "division by zero" in results["total", "globex"].message
    assert "finance.total, which it reads" in results["doubled", "globex"].message
    assert [float(str(row[1])) for row in table(runtime, "doubled")] == [2.0, 14.0]


def test_a_script_that_cannot_be_parsed_fails_alone(runtime: Runtime, write_script: Write) -> None:
    path = write_script("SELEC nonsense;", "broken")
    failed = [result for result in run_financial(runtime, DAY) if result.status == "failed"]
    assert {result.table for result in failed} == {("finance", "broken")}
    assert f"{path}:4:1" in failed[0].message


def test_a_script_sees_no_personal_column_of_bronze(runtime: Runtime, write_script: Write) -> None:
    with runtime.warehouse.session("a bronze table") as session:
        session.con.execute("CREATE SCHEMA bronze_product")
        session.con.execute(
            "CREATE TABLE bronze_product.app_user AS SELECT 'acme' AS _tenant_id, 1 AS id, 'Ada' AS full_name, "
            "'ada@example.com' AS email, NULL::TIMESTAMP AS _deleted_at"
        )
        session.con.execute("CREATE TABLE bronze_product.forgotten AS SELECT 'acme' AS _tenant_id, 'Ada' AS note")
    write_script("SELECT u.id INTO finance.ids FROM bronze_product.app_user AS u;", "ids")
    write_script("SELECT u.id, u.email INTO finance.mails FROM bronze_product.app_user AS u;", "mails")
    write_script("SELECT f.note INTO finance.notes FROM bronze_product.forgotten AS f;", "notes")
    built = {result.table[1]: result for result in run_financial(runtime, DAY, ["acme"])}
    assert built["ids"].status == "built"
    assert built["mails"].status == "failed"
    assert "email" in built["mails"].message
    assert "no contract" in built["notes"].message
    assert "Ada" not in built["mails"].message + built["notes"].message
