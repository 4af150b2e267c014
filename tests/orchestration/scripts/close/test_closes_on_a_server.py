"""The close keeps its promises where the warehouse is a server, on which scripts run as they are written."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from killed_close import close_killed_at
from server_house import ServerHouse, server_house_in

from orchestration.scripts.close.retention import forget_closes

pytestmark = [
    pytest.mark.sqlserver,
    pytest.mark.timeout(600),
    pytest.mark.proves("Analysts' scripts and the close"),
]


@pytest.fixture(scope="module")
def built(new_tsql_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> ServerHouse:
    """A database for the whole file: making the platform's tables is dear."""
    address = re.sub(r"(?i)\bdriver=[^;]*;?", "", new_tsql_database())
    return server_house_in(tmp_path_factory.mktemp("server") / "house", address)


@pytest.fixture
def house(built: ServerHouse) -> ServerHouse:
    built.begin_anew()
    return built


def history(house: ServerHouse, table: str, columns: str) -> list[tuple[object, ...]]:
    return house.sql(f"SELECT _tenant_id, _as_of, {columns} FROM finance_history.{table} ORDER BY 2, 1")


def test_readers_see_the_newest_close_and_history_all_of_them(house: ServerHouse) -> None:
    first, closed = house.next_day()
    assert [(item.status, item.shown) for item in closed.values()] == [("closed", True)] * 2
    house.sell("acme", "1.00")
    second, _ = house.next_day()
    assert house.shown("doubled") == house.published("doubled") == [("acme", "7.00"), ("globex", "14.00")]
    assert [tuple(map(str, row)) for row in history(house, "total", "total")][-4:] == [
        ("acme", str(first), "2.50"), ("globex", str(first), "7.00"),
        ("acme", str(second), "3.50"), ("globex", str(second), "7.00"),
    ]  # fmt: skip
    assert left_over(house) == []


def test_a_closed_day_is_closed_again_for_a_reason_alone(house: ServerHouse) -> None:
    day, _ = house.next_day()
    house.sell("acme", "1.00")
    assert {item.status for item in house.close(day).values()} == {"already closed"}
    house.close(day, "acme", reason="a sale came late")
    assert house.shown("total") == [("acme", "3.50", "2"), ("globex", "7.00", "1")]
    newest = house.sql("SELECT tenant_id, reason, who FROM strata.close_log ORDER BY started_at DESC LIMIT 1")
    assert newest == [("acme", "a sale came late", "test")]


def test_a_script_that_fails_is_named_by_its_line_and_leaves_the_last_close(house: ServerHouse) -> None:
    house.next_day()
    house.sell("acme", "1.00")
    body = "SELECT s.id INTO #a FROM silver.sale AS s;\nSELECT CAST(1 AS decimal(18, 2)) AS total,\n"
    path = house.write("b_total", f"{body} 1 / (COUNT(*) - 1) AS sales INTO finance.total FROM silver.sale AS s;")
    house.write("c_well", "SELECT s.id INTO #a FROM silver.sale AS s; SELECT a.id INTO finance.well FROM #a AS a;")
    _, closed = house.next_day()
    assert {name: item.status for name, item in closed.items()} == {"acme": "closed", "globex": "failed"}
    assert closed["globex"].faults[0].startswith(f"{path}:6:1: SELECT: the server says: ")
    assert {item.script.name: item.status for item in closed["globex"].scripts} == {
        "a_twice.sql": "failed", "b_total.sql": "failed", "c_well.sql": "built",
    }  # fmt: skip
    assert house.shown("doubled") == [("acme", "2.00"), ("globex", "14.00")]


def test_a_check_that_finds_rows_blocks_its_tenants_close(house: ServerHouse) -> None:
    house.next_day()
    house.sell("acme", "9.00")
    house.check("b_total", "-- No more than ten\nSELECT t.total FROM finance.total AS t WHERE t.total > 10;")
    _, closed = house.next_day()
    assert {name: item.status for name, item in closed.items()} == {"acme": "failed", "globex": "closed"}
    assert '"total"' in closed["acme"].faults[0]
    assert house.shown("total") == [("acme", "2.50", "1"), ("globex", "7.00", "1")]


def test_scripts_see_one_tenant_and_compare_as_the_database_does(house: ServerHouse) -> None:
    house.write("c_day", "SELECT s.id, s.customer, @as_of AS day INTO finance.day FROM silver.sale AS s "
                         "WHERE s.customer IN ('ADA', 'EVE');")  # fmt: skip
    day, _ = house.next_day()
    assert house.shown("day") == [("acme", "1", "Ada", str(day)), ("globex", "1", "Eve", str(day))]


def test_columns_widen_and_older_closes_keep_theirs(house: ServerHouse) -> None:
    house.write("c", "SELECT s.id, CAST(s.amount AS decimal(9, 2)) AS amount INTO finance.c FROM silver.sale AS s;")
    house.next_day()
    house.write(
        "c", "SELECT CAST(s.amount AS decimal(18, 4)) AS amount, s.customer INTO finance.c FROM silver.sale AS s;"
    )
    _, closed = house.next_day("acme")
    assert closed["acme"].faults == []
    assert house.shown("c") == [("acme", "2.5000", "Ada"), ("globex", "7.0000", "None")]
    assert [row[2:] for row in history(house, "c", "id, customer")] == [(1, None), (1, None), (None, "Ada")]
    house.write("c", "SELECT CAST(s.amount AS int) AS amount INTO finance.c FROM silver.sale AS s;")
    _, closed = house.next_day("acme")
    assert "column amount is INTEGER now" in closed["acme"].fault
    assert house.shown("c") == [("acme", "2.5000", "Ada"), ("globex", "7.0000", "None")]


def test_old_closes_are_forgotten_but_for_those_that_readers_see(house: ServerHouse) -> None:
    house.next_day()
    last, _ = house.next_day()
    with house.runtime.warehouse.session("test") as session:
        assert forget_closes(session, -1) > 0
    assert {str(row[1]) for row in history(house, "total", "total")} == {str(last)}
    assert house.sql("SELECT count(*) FROM strata.close_log WHERE status = 'closed' AND forgotten_at IS NULL") == [(2,)]


def test_tables_from_before_there_were_closes_are_taken_over(house: ServerHouse) -> None:
    house.next_day()
    house.sql("CREATE TABLE finance.old AS SELECT _tenant_id, id FROM silver.sale")
    house.next_day("acme")
    assert house.history("old", "_tenant_id, _as_of, id")[-1] == ("globex", "None", "1")
    assert house.shown("old") == [("globex", "1")]


def test_a_reader_sees_one_whole_close_at_every_moment(house: ServerHouse) -> None:
    house.next_day()
    with house.polled() as seen:
        for _ in range(3):
            house.sell("acme", "1.00")
            house.next_day()
    assert {rows[1] for rows in seen} == {("globex", "7.00", "14.00")}
    totals = {rows[0] for rows in seen}
    assert totals <= {("acme", f"{2 + n}.50", f"{5 + 2 * n}.00") for n in range(4)}
    assert len(totals) > 1


def test_a_killed_close_leaves_the_one_before_whole_and_is_marked(house: ServerHouse) -> None:
    day, _ = house.next_day()
    total = 2.5
    steps = close_killed_at(house, 0, day + timedelta(days=200))
    for number, step in enumerate((steps // 4, steps // 2, steps - 5), 1):
        house.sell("acme", "1.00")
        later = day + timedelta(days=200 + number)
        assert close_killed_at(house, step, later) == 0
        shown = dict(house.shown("doubled"))
        assert shown["acme"] in (f"{2 * total:.2f}", f"{2 * total + 2:.2f}")
        total += 1
        house.close(later)
        assert dict(house.shown("doubled"))["acme"] == f"{2 * total:.2f}"
        assert house.sql("SELECT count(*) FROM strata.close_log WHERE status = 'running'") == [(0,)]
    assert house.sql("SELECT count(*) FROM strata.close_log WHERE status = 'interrupted'")[0][0] > 0
    assert left_over(house) == []


def left_over(house: ServerHouse) -> list[str]:
    """Return what a close has left where it was built, and where its scripts saw the rest."""
    with house.runtime.warehouse.session("test") as session:
        places = [name for name in session.schemas() if name.startswith("finance_work")]
        return [item for place in places for item in (*session.tables(place), *session.views(place))]
