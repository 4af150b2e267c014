"""A script is tried as the close would run it, and leaves no trace."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from close_house import DAY, NEXT, TWICE, CloseHouse

from orchestration.failures import SettingsError
from orchestration.scripts.execution import Turn
from orchestration.scripts.review.setting import turn
from orchestration.scripts.review.trying import Request, Result, try_scripts


def tried(house: CloseHouse, script: str = "", tenant: str = "acme", **wishes: bool) -> Result:
    return try_scripts(house.runtime, Request(Turn(tenant, DAY), script, **wishes))


def test_a_script_runs_with_those_it_reads_from_and_shows_one_tenants_rows(house: CloseHouse) -> None:
    result = tried(house, "a_twice")
    assert [item.script.name for item in result.others] == ["b_total.sql"]
    (table,) = result.tables
    assert (table.table, table.rows, list(table.first)) == (("finance", "doubled"), 1, [(Decimal("5.00"),)])
    assert {name: kind.tsql for name, kind in table.columns.items()} == {"twice": "decimal(18,2)"}
    assert table.totals == {"twice": Decimal("5.00")}
    assert tried(house, "a_twice", "globex").tables[0].totals == {"twice": Decimal("14.00")}


def test_nothing_of_a_trial_stays(house: CloseHouse) -> None:
    house.close()
    seen = "SELECT database_name, schema_name, table_name FROM duckdb_tables() ORDER BY ALL"
    before = house.sql(seen), house.shown("total"), house.history("total")
    house.sell("acme", "100.00")
    assert tried(house, "b_total").tables[0].totals["total"] == Decimal("102.50")
    assert (house.sql(seen), house.shown("total"), house.history("total")) == before


def test_a_script_outside_of_a_circle_is_tried_and_those_in_it_name_their_lines(house: CloseHouse) -> None:
    house.write("circle_a", "SELECT b.x INTO finance.ca FROM finance.cb AS b;")
    house.write("circle_b", "SELECT a.x INTO finance.cb FROM finance.ca AS a;")
    assert tried(house, "a_twice").is_well
    found = tried(house, "circle_a")
    faults = [fault for item in (*found.tried, *found.others) for fault in item.faults]
    assert any("circle_a.sql:5:" in fault and "finance.cb in a circle" in fault for fault in faults)


def test_without_a_name_all_scripts_run_in_order(house: CloseHouse) -> None:
    result = tried(house)
    assert [item.script.name for item in result.tried] == ["b_total.sql", "a_twice.sql"]
    assert result.is_well


@pytest.mark.parametrize("name", ["b_total", "b_total.sql", "financial/b_total.sql", "total", "FINANCE.Total"])
def test_a_script_is_found_by_name_path_and_table(house: CloseHouse, name: str) -> None:
    assert [item.script.name for item in tried(house, name).tried] == ["b_total.sql"]


def test_a_select_shows_rows_that_nobody_keeps(house: CloseHouse) -> None:
    result = tried(house, "SELECT t.total, CAST(@as_of AS varchar(10)) AS d FROM finance.total AS t")
    assert [item.script.name for item in result.others] == ["b_total.sql"]
    (table,) = result.tables
    assert (table.table, list(table.first)) == (("finance", "query"), [(Decimal("2.50"), str(DAY))])
    (faulty,) = tried(house, "with t as (select s.nothing from silver.sale as s) select t.nothing from t").tried
    assert faulty.faults[0].startswith("query:1:")
    assert "column s.nothing" in faulty.faults[0]


def test_an_unknown_script_is_told_with_the_names_that_are_near(house: CloseHouse) -> None:
    with pytest.raises(SettingsError, match=r"no script 'b_totl'.*b_total"):
        tried(house, "b_totl")


def test_checks_are_judged_on_what_was_built(house: CloseHouse) -> None:
    house.check("b_total", "-- Nobody sells\nSELECT t.total FROM finance.total AS t WHERE t.sales > 0;\n")
    result = tried(house, "b_total")
    (check,) = result.tried[0].checks
    assert (check.rows, check.sample, check.passed) == (1, '[{"total": "2.50"}]', False)
    assert not result.is_well


def test_a_check_may_read_a_table_that_is_built_of_the_scripts_own(house: CloseHouse) -> None:
    house.check("b_total", "-- Twice is twice\nSELECT d.twice FROM finance.doubled AS d WHERE d.twice <> 5;\n")
    assert tried(house, "b_total").is_well


def test_every_fault_of_a_script_is_told_with_its_place(house: CloseHouse) -> None:
    path = house.write("b_total", "SELECT s.amout, s.custommer INTO finance.total FROM silver.sale AS s;")
    result = tried(house, "b_total")
    assert [fault.partition(": ")[0] for fault in result.tried[0].faults] == [f"{path}:5:8", f"{path}:5:17"]


def test_a_script_whose_source_failed_is_not_run(house: CloseHouse) -> None:
    house.write("b_total", "SELECT 1 / 0 AS total, 1 AS sales INTO finance.total;")
    result = tried(house)
    assert "could not be built" in result.tried[1].faults[0]
    assert not result.tables


def test_a_table_that_no_script_builds_is_named(house: CloseHouse) -> None:
    house.write("a_twice", TWICE.replace("finance.total", "finance.totals"))
    assert "no script builds finance.totals" in tried(house, "a_twice").tried[0].faults[0]


def test_other_tables_can_come_from_the_close_of_that_day_and_no_other(house: CloseHouse) -> None:
    house.close()
    house.sell("acme", "100.00")
    result = tried(house, "a_twice", from_close=True)
    assert [item.kept for item in result.others] == [True]
    assert result.tables[0].totals == {"twice": Decimal("5.00")}
    later = try_scripts(house.runtime, Request(Turn("acme", NEXT), "a_twice", from_close=True))
    assert (later.others[0].kept, later.tables[0].totals) == (False, {"twice": Decimal("205.00")})


def test_a_table_whose_script_changed_its_columns_is_built_anew(house: CloseHouse) -> None:
    house.close()
    house.write("b_total", "SELECT CAST(3 AS money) AS total INTO finance.total;")
    result = tried(house, "a_twice", from_close=True)
    assert (result.others[0].kept, result.tables[0].totals) == (False, {"twice": Decimal("6.00")})


def test_among_several_tenants_one_has_to_be_named(house: CloseHouse) -> None:
    with pytest.raises(SettingsError, match="--tenant acme or globex"):
        turn(house.runtime, None, DAY)
    with pytest.raises(SettingsError, match="unknown"):
        turn(house.runtime, "nobody", DAY)
    assert turn(house.runtime, "globex", DAY) == Turn("globex", DAY)


def test_a_trial_offers_the_same_names_as_a_check(house: CloseHouse) -> None:
    house.write("b_total", "SELECT s.amount AS total INTO finance.total FROM silver.sales AS s;")
    (fault,) = tried(house, "b_total").tried[0].faults
    assert "Did you mean silver.sale?" in fault


def test_rates_keys_and_parts_of_dates_are_not_added_up(house: CloseHouse) -> None:
    house.write("b_total", "SELECT 1 AS vat_rate, 2 AS month, 3 AS invoice_key, 4 AS total INTO finance.total;")
    assert tried(house, "b_total").tables[0].totals == {"total": 4}


def test_a_file_outside_of_the_folder_of_scripts_is_told_apart_from_an_unknown_name(
    house: CloseHouse, tmp_path: Path
) -> None:
    (tmp_path / "draft.sql").write_text("SELECT 1 AS a INTO finance.a;", encoding="utf-8")
    with pytest.raises(SettingsError, match="sql_scripts/financial/: move it there"):
        tried(house, str(tmp_path / "draft.sql"))
