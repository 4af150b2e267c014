"""A build from loads to published tables: what changed is built, what is wrong stops where it is.

dbt is started for real, so the tests share one platform and leave it as they found it: all is built, nothing is wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.definitions.transform.location import warehouse_definitions
from orchestration.definitions.transform.project import read_project
from orchestration.definitions.transform.selection import pending_selection
from orchestration.publication.published_reader import connect_published
from orchestration.publication.status import read_status
from orchestration.settings import load_settings

Toy = Any  # the platform of conftest.py


@pytest.fixture(scope="module")
def built(loaded: Toy) -> Toy:
    result = run(loaded, "warehouse_build")
    assert result.success, faults(result)
    return loaded


def run(toy: Toy, job: str, definitions: dg.Definitions | None = None) -> dg.ExecuteInProcessResult:
    resolved = (definitions or warehouse_definitions()).resolve_job_def(job)
    selection = pending_selection(load_settings()) if job == "warehouse_build" else None
    return resolved.execute_in_process(instance=toy.instance, raise_on_error=False, asset_selection=selection)


def faults(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Return the steps that failed, with what they said."""
    found = {}
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data.user_failure_data
            found[str(event.step_key)] = str(data.description if data else event.step_failure_data.error)
    return found


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {e.asset_key.to_user_string() for e in result.get_asset_materialization_events() if e.asset_key}


def worth(tenant: str) -> str:
    with contextlib.closing(connect_published(load_settings())) as con:
        return str(con.execute("SELECT worth FROM gold.worth WHERE _tenant_id = ?", [tenant]).fetchall()[0][0])


def dbt_runs() -> set[str]:
    return {path.name for path in (load_settings().home / "dbt" / "runs").iterdir()}


def test_a_build_publishes_gold_with_its_checks_and_gates_shown(built: Toy) -> None:
    assert (worth("acme"), worth("globex")) == ("10.50", "900.00")
    checks = built.instance.get_latest_materialization_event(dg.AssetKey(["published", "gold", "worth"]))
    assert checks is not None
    assert built.sql("SELECT DISTINCT gate, passed FROM strata.verdict ORDER BY gate") == [
        ("gold", True), ("silver", True),
    ]  # fmt: skip


def test_a_model_shows_its_own_description_its_columns_and_how_many_rows_it_has(built: Toy) -> None:
    thing = next(s for s in warehouse_definitions().resolve_all_asset_specs() if s.key.path == ["silver", "thing"])
    assert thing.description == "What a tenant has."
    (column,) = thing.metadata["dagster/column_schema"].columns
    assert (column.name, column.type, column.description) == ("name", "text", "What it is called.")
    shown = built.instance.get_latest_materialization_event(thing.key).asset_materialization.metadata
    assert shown["dagster/row_count"].value == built.sql("SELECT count(*) FROM silver.thing")[0][0] == 3


def test_a_build_with_nothing_changed_starts_neither_dbt_nor_a_gate(built: Toy) -> None:
    before, builds = dbt_runs(), built.sql("SELECT count(*) FROM strata.build_log")
    verdicts = built.sql("SELECT count(*) FROM strata.verdict")
    built.run("hourly")
    result = run(built, "warehouse_build")
    assert result.success
    assert materialized(result) == set()
    assert [event.step_key for event in result.all_events if event.is_step_skipped]
    assert dbt_runs() == before
    assert built.sql("SELECT count(*) FROM strata.build_log") == builds
    assert built.sql("SELECT count(*) FROM strata.verdict") == verdicts


def test_a_closed_gate_keeps_gold_and_the_published_version_and_says_what_is_broken(built: Toy) -> None:
    built.write("acme", "1,anvil,-7.00,2026-01-03T00:00:00", "2,bolt,0.50,2026-01-02T00:00:00")
    built.run()
    result = run(built, "warehouse_build")
    assert "silver_gate" in faults(result)
    assert "gold/worth" not in materialized(result)
    assert worth("acme") == "10.50"
    (text,) = built.sql("SELECT message FROM strata.build_log ORDER BY started_at DESC LIMIT 1")[0]
    assert "nothing_is_worth_less_than_nothing" in text
    assert "toy-makers" in text
    assert read_status(load_settings()).builds[-1].status == "failed"  # type: ignore[union-attr]

    built.write("acme", "1,anvil,70.00,2026-01-04T00:00:00", "2,bolt,0.50,2026-01-02T00:00:00")
    built.run()
    result = run(built, "warehouse_build")
    assert result.success, faults(result)
    assert worth("acme") == "70.50"
    assert built.sql("SELECT count(*) FROM strata.alert WHERE state = 'open'") == [(0,)]


def test_a_script_that_cannot_be_run_fails_alone_with_its_line(built: Toy) -> None:
    definitions = warehouse_definitions()
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    assert "EXEC" in str(specs["finance/bad"].description)
    assert [dep.asset_key.to_user_string() for dep in specs["finance/good"].deps] == ["silver/thing"]
    result = run(built, "financial_daily", definitions)
    assert materialized(result) == {"finance/good"}
    assert "bad.sql" in faults(result)["financial_scripts"]
    assert built.sql("SELECT DISTINCT _tenant_id FROM finance.good ORDER BY 1") == [("acme",), ("globex",)]


@pytest.fixture
def broken_model(built: Toy) -> Iterator[Path]:
    path = built.folder / "dbt_project" / "models" / "gold" / "broken.sql"
    path.write_text("select * from {{ ref('no_such_model') }}", encoding="utf-8")
    yield path
    path.unlink()


def test_a_model_that_does_not_parse_leaves_the_last_good_project_and_tells_its_error(
    built: Toy, broken_model: Path
) -> None:
    project = read_project(load_settings())
    assert project.manifest is not None
    assert "no_such_model" in project.fault
    definitions = warehouse_definitions()
    keys = {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()}
    assert {"silver/thing", "gold/worth", "published/gold/worth"} <= keys
    assert "no_such_model" in str(definitions.metadata)
    result = run(built, "warehouse_build", definitions)
    assert "no_such_model" in faults(result)["silver__dbt_project"]
    broken_model.write_text("", encoding="utf-8")


def test_the_project_is_parsed_once_for_each_state_of_its_files(built: Toy) -> None:
    project = read_project(load_settings())
    assert project.folder is not None
    parsed = (project.folder / "target" / "manifest.json").stat().st_mtime_ns
    assert read_project(load_settings()) == project
    assert (project.folder / "target" / "manifest.json").stat().st_mtime_ns == parsed
    assert len(list(built.folder.glob("home/dbt/*/target/manifest.json"))) == 1


def test_a_project_that_broke_while_the_process_lives_is_told_by_its_next_build(built: Toy) -> None:
    definitions, before = warehouse_definitions(), dbt_runs()
    told = "SELECT state, message FROM strata.alert WHERE subject = 'warehouse: dbt project'"
    broken = built.folder / "dbt_project" / "models" / "silver" / "broken.sql"
    broken.write_text("select * from {{ ref('nothing_of_that_name') }}", encoding="utf-8")
    assert run(built, "warehouse_build", definitions).success
    broken.unlink()
    [(state, message)] = built.sql(told)
    assert state == "open"
    assert "nothing_of_that_name" in message
    assert run(built, "warehouse_build", definitions).success
    assert [state for state, _ in built.sql(told)] == ["recovered"]
    assert dbt_runs() == before


@pytest.fixture
def checked(built: Toy) -> Iterator[Toy]:
    """Two checks beside the good script, which is closed without them."""
    run(built, "financial_daily")
    path: Path = built.folder / "sql_scripts" / "financial" / "good.checks.sql"
    path.write_text(
        "-- everything has an amount\nSELECT g.id FROM finance.good AS g WHERE g.amount IS NULL;\n"
        "-- nothing is dear\nSELECT g.id, g.amount FROM finance.good AS g WHERE g.amount > 500;",
        encoding="utf-8",
    )
    yield built
    path.unlink()


def close_again(toy: Toy, **config: Any) -> dg.ExecuteInProcessResult:
    job = warehouse_definitions().resolve_job_def("financial_daily")
    ops = {"financial_scripts": {"config": {"reason": "a test", **config}}}
    return job.execute_in_process({"ops": ops}, instance=toy.instance, raise_on_error=False)


def test_each_check_is_a_blocking_check_of_the_asset_and_a_tenant_that_fails_it_is_told(checked: Toy) -> None:
    pointers = "SELECT tenant_id, close_id FROM strata.finance_close ORDER BY 1"
    before = checked.sql(pointers)
    specs = {spec.name: spec for spec in check_specs_of(warehouse_definitions())}
    assert specs["nothing_is_dear"].blocking
    assert specs["nothing_is_dear"].asset_key == dg.AssetKey(["finance", "good"])
    result = close_again(checked)
    judged = {e.check_name: e for e in result.get_asset_check_evaluations()}
    assert {name: found.passed for name, found in judged.items()} == {
        "everything_has_an_amount": True, "nothing_is_dear": False,
    }  # fmt: skip
    assert "globex" in str(judged["nothing_is_dear"].description)
    assert "nothing is dear" in faults(result)["financial_scripts"]
    assert materialized(result) == set()
    now = checked.sql(pointers)
    assert now[0] != before[0]  # acme's
    assert now[1] == before[1]


def check_specs_of(definitions: dg.Definitions) -> list[dg.AssetCheckSpec]:
    graph = definitions.resolve_asset_graph()
    return [graph.get_check_spec(key) for key in graph.asset_check_keys if key.asset_key.path[0] == "finance"]


def test_what_keeps_the_closes_of_several_tenants_open_is_told_once(checked: Toy) -> None:
    script = checked.folder / "sql_scripts" / "financial" / "good.sql"
    whole = script.read_text(encoding="utf-8")
    script.write_text(whole.replace("t.amount", "t.amont"), encoding="utf-8")
    assert script.read_text(encoding="utf-8") != whole
    try:
        lines = faults(close_again(checked))["financial_scripts"].splitlines()
    finally:
        script.write_text(whole, encoding="utf-8")
    told = [line for line in lines if "good.sql" in line]
    assert len(told) == 1
    assert told[0].startswith("close for acme, globex: script: ")
    assert told[0].endswith("2 checks were not judged.")


def test_a_closed_day_shows_its_rows_columns_code_and_close(built: Toy) -> None:
    result = close_again(built)
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key]
    shown = event.materialization.metadata
    assert shown["dagster/row_count"].value == 3
    assert [(column.name, column.type) for column in shown["dagster/column_schema"].value.columns] == [
        ("_tenant_id", "text"), ("id", "bigint"), ("amount", "decimal(18,2)"),
    ]  # fmt: skip
    amount = shown["dagster/column_lineage"].value.deps_by_column["amount"]
    assert [(dep.asset_key.to_user_string(), dep.column_name) for dep in amount] == [("silver/thing", "amount")]
    assert {record.data["tenant"] for record in shown["tenants"].records} == {"acme", "globex"}
    spec = next(s for s in warehouse_definitions().resolve_all_asset_specs() if s.key.path == ["finance", "good"])
    assert spec.metadata["dagster/code_references"].code_references[0].file_path.endswith("good.sql")


def test_a_second_run_of_the_day_closes_nothing(built: Toy) -> None:
    run(built, "financial_daily")
    closes = built.sql("SELECT count(*) FROM strata.close_log")
    result = run(built, "financial_daily")
    assert materialized(result) == set()
    assert built.sql("SELECT count(*) FROM strata.close_log") == closes


def test_a_second_run_of_a_day_with_checks_ends_well_and_gives_no_verdict(checked: Toy) -> None:
    result = run(checked, "financial_daily")
    assert result.success
    assert result.get_asset_check_evaluations() == []


def test_tenants_that_nobody_waits_for_any_more_are_told_and_the_others_closed(built: Toy) -> None:
    result = close_again(built, left_out={"globex": "toy (item)"})
    assert "it waits for toy (item)" in faults(result)["financial_scripts"]
    told = "SELECT state FROM strata.alert WHERE subject = 'close for globex'"
    assert built.sql(told) == [("open",)]
    close_again(built)
    assert built.sql(told) == [("recovered",)]
