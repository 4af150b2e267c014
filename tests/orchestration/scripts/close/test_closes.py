"""A day is closed whole or not at all, tenant by tenant, and what was closed stays."""

from __future__ import annotations

import pytest
from close_house import DAY, NEXT, TOTAL, CloseHouse

from orchestration.failures import SettingsError

HALF = (
    "SELECT CAST(CASE WHEN SUM(s.amount) > 5 THEN CAST(1 AS decimal(9, 0)) / CAST(0 AS decimal(9, 0)) ELSE 1 END "
    "AS decimal(18, 2)) AS total, 1 AS sales INTO finance.total FROM silver.sale AS s;"
)


def test_scripts_run_in_the_order_in_which_they_read_each_other(house: CloseHouse) -> None:
    closed = house.close()
    assert [(c.status, c.shown, [s.script.name for s in c.scripts]) for c in closed.values()] == [
        ("closed", True, ["b_total.sql", "a_twice.sql"])
    ] * 2
    assert house.published("doubled") == house.shown("doubled") == [("acme", "5.00"), ("globex", "14.00")]
    assert house.history("total") == [
        ("acme", "2026-11-20", "2.50", "1"), ("globex", "2026-11-20", "7.00", "1"),
    ]  # fmt: skip


def test_a_reader_sees_the_newest_close_and_history_all_of_them(house: CloseHouse) -> None:
    house.close()
    house.sell("acme", "1.00")
    house.close(NEXT)
    assert house.published("doubled") == [("acme", "7.00"), ("globex", "14.00")]
    assert house.history("total", "_tenant_id, _as_of, total") == [
        ("acme", "2026-11-20", "2.50"), ("acme", "2026-11-21", "3.50"),
        ("globex", "2026-11-20", "7.00"), ("globex", "2026-11-21", "7.00"),
    ]  # fmt: skip


def test_a_script_that_fails_leaves_its_tenants_last_close_and_the_others_closed(house: CloseHouse) -> None:
    house.close()
    for tenant in ("acme", "globex"):
        house.sell(tenant, "0.50")
    house.write("b_total", HALF)
    closed = house.close(NEXT)
    assert {name: item.status for name, item in closed.items()} == {"acme": "closed", "globex": "failed"}
    assert "b_total.sql" in closed["globex"].faults[0]
    assert house.published("total") == [("acme", "1.00", "1"), ("globex", "7.00", "1")]
    assert house.published("doubled") == [("acme", "2.00"), ("globex", "14.00")]
    assert house.history("total", "_tenant_id, _as_of") == [
        ("acme", "2026-11-20"), ("acme", "2026-11-21"), ("globex", "2026-11-20"),
    ]  # fmt: skip


def test_one_morning_shows_all_the_faults(house: CloseHouse) -> None:
    house.write("b_total", TOTAL.replace("s.amount", "s.amont"))
    house.write("c_other", "SELECT s.idd INTO finance.other FROM silver.sale AS s;")
    house.write("d_well", "SELECT s.id INTO finance.well FROM silver.sale AS s;")
    closed = house.close(DAY, "acme")["acme"]
    assert {item.script.name: item.status for item in closed.scripts} == {
        "a_twice.sql": "failed", "b_total.sql": "failed", "c_other.sql": "left out", "d_well.sql": "built",
    }  # fmt: skip
    assert any("finance.total, which it reads, could not be built" in fault for fault in closed.faults)
    assert house.sql("SELECT count(*) FROM duckdb_views() WHERE schema_name = 'finance'") == [(0,)]
    subjects = house.sql("SELECT subject, owner, tenant_id FROM strata.alert WHERE state = 'open' ORDER BY 1")
    assert [tuple(row) for row in subjects] == [
        ("script a_twice.sql for acme", "finance", "acme"),
        ("script b_total.sql for acme", "finance", "acme"),
        ("script c_other.sql", "finance", None),
    ]


@pytest.mark.parametrize("body", ["s.idd INTO finance.new FROM silver.sale", "s.id INTO finance.new FROM silver.sales",
                                  "dbo.f(s.id) AS x INTO finance.new FROM silver.sale",
                                  "s.id INTO finance.new FROM finance.totall"])  # fmt: skip
def test_a_new_script_with_a_wrong_name_is_left_out_until_a_script_reads_its_table(
    house: CloseHouse, body: str
) -> None:
    house.write("new", f"SELECT {body} AS s;")
    closing = house.closing()
    assert {item.status for item in closing.tenants} == {"closed"}
    assert (
        "new.sql:5:" in closing.left_out["new.sql"].message or "new.sql: finance" in closing.left_out["new.sql"].message
    )
    house.write("reader", "SELECT n.id INTO finance.reader FROM finance.new AS n;")
    assert {item.status for item in house.close(NEXT).values()} == {"failed"}


def test_an_alert_about_a_script_ends_with_a_close_that_is_whole(house: CloseHouse) -> None:
    house.write("b_total", HALF)
    house.close()
    house.write("b_total", TOTAL)
    house.close()
    assert house.sql("SELECT count(*) FROM strata.alert WHERE state = 'open'") == [(0,)]


def test_a_script_that_cannot_be_parsed_harms_nothing_that_does_not_need_it(house: CloseHouse) -> None:
    house.write("broken", "SELEC nonsense;")
    closing = house.closing()
    assert {item.status for item in closing.tenants} == {"closed"}
    assert list(closing.left_out) == ["broken.sql"]
    assert "broken.sql:5:1" in closing.left_out["broken.sql"].message
    assert house.sql("SELECT subject, owner FROM strata.alert WHERE state = 'open'") == [
        ("script broken.sql", "finance")
    ]


def test_a_table_that_readers_have_does_not_vanish_by_a_typing_error(house: CloseHouse) -> None:
    house.close()
    house.write("a_twice", "SELEC nonsense;")
    assert {item.status for item in house.close(NEXT).values()} == {"failed"}
    assert house.published("doubled") == [("acme", "5.00"), ("globex", "14.00")]
    house.remove("a_twice")
    assert {item.status for item in house.close(NEXT).values()} == {"closed"}


def test_a_table_that_no_script_builds_any_more_loses_its_view_and_keeps_its_history(house: CloseHouse) -> None:
    house.close()
    house.remove("a_twice")
    house.close(NEXT, "acme")
    assert house.shown("doubled") == [("globex", "14.00")]
    assert house.published("doubled") == [("globex", "14.00")]
    house.close(NEXT, "globex")
    assert house.sql("SELECT view_name FROM duckdb_views() WHERE schema_name = 'finance'") == [("total",)]
    assert house.published("doubled") == []
    assert [row[0] for row in house.history("doubled")] == ["acme", "globex"]


def test_a_closed_day_is_closed_again_for_a_reason_alone(house: CloseHouse) -> None:
    house.close()
    house.sell("acme", "1.00")
    assert {item.status for item in house.close().values()} == {"already closed"}
    assert house.published("total")[0] == ("acme", "2.50", "1")
    house.close(DAY, "acme", reason="a sale came late")
    assert house.published("total") == [("acme", "3.50", "2"), ("globex", "7.00", "1")]
    log = house.sql("SELECT tenant_id, status, reason, who FROM strata.close_log ORDER BY started_at")
    assert log == [("acme", "closed", "", "test"), ("globex", "closed", "", "test"),
                   ("acme", "closed", "a sale came late", "test")]  # fmt: skip


def test_an_older_day_goes_into_history_alone_unless_it_is_to_be_shown(house: CloseHouse) -> None:
    house.close(NEXT)
    house.sell("acme", "1.00")
    assert [item.shown for item in house.close(DAY).values()] == [False, False]
    assert house.published("total")[0] == ("acme", "2.50", "1")
    assert house.history("total", "_tenant_id, _as_of, total")[:2] == [
        ("acme", "2026-11-20", "3.50"), ("acme", "2026-11-21", "2.50"),
    ]  # fmt: skip
    house.close(DAY, "acme", reason="the newer one was wrong", show_older=True)
    assert house.published("total")[0] == ("acme", "3.50", "2")


def test_scripts_see_the_day_and_one_tenant_alone(house: CloseHouse) -> None:
    house.write("c_day", "SELECT s.id, s.customer, @as_of AS day INTO finance.day FROM silver.sale AS s;")
    house.close()
    assert house.shown("day") == [("acme", "1", "Ada", "2026-11-20"), ("globex", "1", "Eve", "2026-11-20")]


def test_a_column_with_a_name_of_the_platforms_is_refused(house: CloseHouse) -> None:
    house.write("c_own", "SELECT s.id AS _as_of INTO finance.own FROM silver.sale AS s;")
    assert "underscore" in house.closing(DAY, "acme").left_out["c_own.sql"].message


def test_nothing_of_a_close_is_left_where_it_was_built(house: CloseHouse) -> None:
    house.write("b_total", HALF)
    house.close()
    assert house.sql("SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'finance_work'") == [(0,)]


def test_an_unknown_tenant_is_refused(house: CloseHouse) -> None:
    with pytest.raises(SettingsError, match="nobody"):
        house.close(DAY, "nobody")


def test_a_circle_keeps_the_last_close_and_says_where_it_is(house: CloseHouse) -> None:
    house.close()
    house.write("b_total", "SELECT d.twice AS total INTO finance.total FROM finance.doubled AS d;")
    house.write("well", "SELECT s.id INTO finance.well FROM silver.sale AS s;")
    closed = house.close(NEXT)["acme"]
    assert {item.script.name: item.status for item in closed.scripts} == {
        "a_twice.sql": "failed", "b_total.sql": "failed", "well.sql": "built",
    }  # fmt: skip
    assert any("b_total.sql:5:" in fault and "finance.doubled in a circle" in fault for fault in closed.faults)
    assert any("a_twice.sql:5:" in fault and "finance.total in a circle" in fault for fault in closed.faults)
    assert house.published("doubled") == [("acme", "5.00"), ("globex", "14.00")]


@pytest.mark.parametrize("name", ["a_new_total", "z_new_total"])
def test_a_second_script_for_a_table_is_left_out_and_the_one_that_readers_know_goes_on(
    house: CloseHouse, name: str
) -> None:
    house.check("b_total", "-- a check\nSELECT t.total FROM finance.total AS t WHERE t.total < 0;")
    house.close()
    house.sell("acme", "1.00")
    house.write(name, "SELECT 0 AS total INTO finance.total FROM silver.sale AS s;")
    closing = house.closing(NEXT)
    assert {item.status for item in closing.tenants} == {"closed"}
    assert "b_total.sql builds the same table" in closing.left_out[f"{name}.sql"].message
    assert (list(closing.left_out), closing.plan.orphans) == ([f"{name}.sql"], ())
    assert house.published("doubled")[0] == ("acme", "7.00")


def test_of_two_new_scripts_for_a_table_neither_is_built(house: CloseHouse) -> None:
    for name in ("one", "two"):
        house.write(name, "SELECT s.id INTO finance.new FROM silver.sale AS s;")
    closing = house.closing()
    assert {item.status for item in closing.tenants} == {"closed"}
    assert "two.sql builds the same table" in closing.left_out["one.sql"].message
    assert "none is run" in closing.left_out["two.sql"].message
    assert house.sql("SELECT count(*) FROM duckdb_views() WHERE view_name = 'new' AND schema_name = 'finance'") == [
        (0,)
    ]


def test_the_event_of_a_close_names_it(house: CloseHouse) -> None:
    closed = house.close()
    rows = house.sql("SELECT tenant_id, data FROM strata.event_log WHERE type = 'finance.close.published' ORDER BY 1")
    assert [tenant for tenant, _ in rows] == ["acme", "globex"]
    assert all(closed[tenant].close_id in data and '"as_of":"2026-11-20"' in data for tenant, data in rows)


def test_tables_from_before_there_were_closes_stay_readable_until_the_first(house: CloseHouse) -> None:
    house.sql("CREATE SCHEMA finance")
    house.sql("CREATE TABLE finance.total AS SELECT 'acme' AS _tenant_id, 9 AS total UNION ALL SELECT 'globex', 8")
    house.sql("CREATE TABLE finance.gone AS SELECT 'acme' AS _tenant_id, 1 AS x")
    house.close(DAY, "acme")
    assert house.shown("total") == [("acme", "2.50", "1"), ("globex", "8.00", "None")]
    assert house.history("gone", "_tenant_id, _as_of, x") == [("acme", "None", "1")]
    house.close(DAY, "globex")
    assert house.shown("total") == [("acme", "2.50", "1"), ("globex", "7.00", "1")]
    assert house.sql("SELECT view_name FROM duckdb_views() WHERE schema_name = 'finance' ORDER BY 1") == [
        ("doubled",), ("total",),
    ]  # fmt: skip
