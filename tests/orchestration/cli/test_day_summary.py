"""What ``make run`` says at its end comes from the records kept with the data, and is wrapped to be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_tables import make_table

from orchestration.cli.day_summary import Line, Mark, drift_since, read_mark, summarize
from orchestration.cli.day_table import print_day
from orchestration.publication.publish import publish
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import load_settings

WORTH = ("gold", "worth")
RUN = "0a1b2c3d-run"


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    runtime = open_runtime(load_settings(home=tmp_path))
    read_mark(runtime)  # makes the platform's tables
    with runtime.warehouse.session("models") as session:
        make_table(session, ("silver", "customer"), "SELECT range AS id FROM range(7)")
        make_table(session, WORTH, "SELECT range AS id, 1 AS worth FROM range(10)")
    return runtime


def note_load(
    runtime: Runtime, seq: int, *, extracted: int, inserted: int = 0, unchanged: int = 0, message: str = ""
) -> None:
    with runtime.warehouse.session("note a load") as session:
        session.execute(
            "INSERT INTO strata.load_ledger (load_id, seq, source, entity, status, extracted, inserted, updated, "
            "unchanged, superseded, rejected, deleted, held, seconds, tenant_id, requested, message) "
            "VALUES (?, ?, 'shop', 'sale', 'loaded', ?, ?, 0, ?, 0, 0, 0, 0, 0.5, 'acme', 'daily', ?)",
            [f"l{seq}", seq, extracted, inserted, unchanged, message],
        )


def version(runtime: Runtime, *statements: str) -> None:
    with runtime.warehouse.session("publish") as session:
        for statement in statements:
            session.execute(statement)
        publish(session, runtime, [WORTH], {WORTH: ("id",)}, "b")


def note_models(runtime: Runtime, *tables: str) -> None:
    """Leave what dbt leaves behind of the run: its results."""
    folder = runtime.settings.home / "dbt" / "runs" / f"{RUN[:8]}-silver-0"
    folder.mkdir(parents=True)
    results = [
        {"relation_name": f'"w".{table}', "unique_id": f"model.x.{table}", "execution_time": 0.25} for table in tables
    ]
    (folder / "run_results.json").write_text(json.dumps({"results": results}), encoding="utf-8")


def line(runtime: Runtime, since: Mark, table: str) -> Line:
    (found,) = [line for line in summarize(runtime, since, [RUN]) if line.table == table]
    return found


def test_the_loads_of_the_day_are_summed_and_older_ones_left_out(runtime: Runtime) -> None:
    note_load(runtime, 1, extracted=100, inserted=100)
    since = read_mark(runtime)
    note_load(runtime, 2, extracted=10, inserted=4, unchanged=6)
    note_load(runtime, 3, extracted=5, inserted=5)
    sale = line(runtime, since, "sale")
    assert (sale.layer, sale.read, sale.inserted, sale.unchanged, sale.seconds) == ("bronze_shop", 15, 9, 6, 1.0)


def test_a_loaded_table_shows_the_rows_that_the_source_still_has(runtime: Runtime) -> None:
    note_load(runtime, 1, extracted=3)
    assert line(runtime, Mark(0, 0), "sale").rows is None
    with runtime.warehouse.session("bronze") as session:
        deleted = "CASE WHEN range = 0 THEN TIMESTAMP '2026-01-01' END AS _deleted_at"
        make_table(session, ("bronze_shop", "sale"), f"SELECT range AS id, {deleted} FROM range(3)")
    assert line(runtime, Mark(0, 0), "sale").rows == 2


def test_what_the_days_loads_found_beside_the_contract_is_told_and_what_older_ones_found_is_not(
    runtime: Runtime,
) -> None:
    note_load(runtime, 1, extracted=1, message="Column added at the source and loaded: old (text).")
    since = read_mark(runtime)
    for seq in (2, 3):
        note_load(runtime, seq, extracted=1, message="Column added at the source and loaded: due_on (date).")
    (found,) = drift_since(runtime, since)
    assert found.entity == "shop/sale of acme"
    assert "due_on" in found.note


def test_a_model_shows_the_rows_that_are_in_it_and_how_long_dbt_worked(runtime: Runtime) -> None:
    note_models(runtime, '"silver"."customer"')
    customer = line(runtime, read_mark(runtime), "customer")
    assert (customer.rows, customer.seconds, customer.inserted) == (7, 0.25, None)


def test_a_table_of_one_version_shows_what_stayed_in_it(runtime: Runtime) -> None:
    version(runtime)
    since = read_mark(runtime)
    version(runtime, "UPDATE gold.worth SET worth = 2 WHERE id < 3", "DELETE FROM gold.worth WHERE id = 9")
    worth = line(runtime, since, "worth")
    assert (worth.rows, worth.inserted, worth.updated, worth.deleted, worth.unchanged) == (9, 0, 3, 1, 6)


def test_the_differences_of_several_versions_are_summed(runtime: Runtime) -> None:
    since = read_mark(runtime)
    version(runtime)
    version(runtime, "INSERT INTO gold.worth VALUES (100, 1)")
    worth = line(runtime, since, "worth")
    assert (worth.rows, worth.inserted, worth.unchanged) == (11, 11, None)


def test_a_table_that_was_not_published_today_is_unchanged(runtime: Runtime) -> None:
    version(runtime)
    worth = line(runtime, read_mark(runtime), "worth")
    assert (worth.rows, worth.inserted, worth.updated, worth.deleted, worth.unchanged) == (10, 0, 0, 0, 10)


def test_the_table_and_its_explanation_are_as_wide_as_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    print_day([Line("bronze_shop", "sale", read=1_234, inserted=1_234), Line("gold", "a_table_of_a_long_name", rows=7)])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 100
    words = " ".join(printed.split())
    assert "1,234" in words
    assert words.endswith("unchanged only where there is one.")


def test_a_day_without_loads_is_no_error(runtime: Runtime) -> None:
    assert summarize(runtime, read_mark(runtime), ["", RUN]) == []
