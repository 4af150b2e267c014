"""Checks that analysts write beside a script: they block the close, with a sample that shows no personal data."""

from __future__ import annotations

import pytest
from close_house import DAY, CloseHouse

from orchestration.scripts.checks_file import read_checks
from orchestration.scripts.source import find_scripts

NEGATIVE = "-- No total is negative.\nSELECT t.total FROM finance.total AS t WHERE t.total < 0"
LARGE = "-- Totals stay small.\nSELECT t.total, t.sales FROM finance.total AS t WHERE t.total > 5"


def test_a_check_that_finds_rows_blocks_its_tenants_close_and_tells_the_owner(house: CloseHouse) -> None:
    house.check("b_total", f"{NEGATIVE};\n\n{LARGE};\n")
    closed = house.close()
    assert {name: item.status for name, item in closed.items()} == {"acme": "closed", "globex": "failed"}
    assert closed["globex"].faults == [
        'b_total.sql: Totals stay small.: 1 row, such as [{"total": "7.00", "sales": 1}]'
    ]
    assert house.published("total") == [("acme", "2.50", "1")]
    verdicts = house.sql(
        "SELECT tenant_id, gate, table_name, rule, passed, failed_rows, owner FROM strata.verdict ORDER BY 1, 4"
    )
    assert verdicts == [
        ("acme", "finance", "finance.total", "No total is negative.", True, 0, "finance"),
        ("acme", "finance", "finance.total", "Totals stay small.", True, 0, "finance"),
        ("globex", "finance", "finance.total", "No total is negative.", True, 0, "finance"),
        ("globex", "finance", "finance.total", "Totals stay small.", False, 1, "finance"),
    ]
    assert house.sql("SELECT subject, class, owner FROM strata.alert WHERE state = 'open'") == [
        ("check totals_stay_small of b_total.sql for globex", "quality", "finance")
    ]
    assert house.sql("SELECT tenant_id, subject FROM strata.event_log WHERE type = 'quality.failed'") == [
        ("globex", "finance.total")
    ]


def test_the_checks_of_a_script_that_is_not_built_belong_to_its_one_failure(house: CloseHouse) -> None:
    house.check("b_total", f"{NEGATIVE};\n\n{LARGE};\n")
    house.write("b_total", "SELECT s.amont AS total INTO finance.total FROM silver.sale AS s;")
    closed = house.close(DAY, "acme")["acme"]
    told = [fault for fault in closed.faults if "b_total.sql" in fault]
    assert len(told) == 1
    assert told[0].endswith("2 checks were not judged.")
    assert house.sql("SELECT class, count(*) FROM strata.alert WHERE state = 'open' GROUP BY ALL") == [("script", 2)]
    assert house.sql("SELECT count(*) FROM strata.event_log WHERE type = 'quality.failed'") == [(0,)]
    verdicts = house.sql("SELECT DISTINCT passed, sample FROM strata.verdict")
    assert verdicts == [(False, "cannot be judged: its script was not built")]


def test_a_tolerance_allows_so_many_rows(house: CloseHouse) -> None:
    house.check("b_total", LARGE.replace("\nSELECT", "\n-- tolerance: 1\nSELECT"))
    assert house.close()["globex"].status == "closed"
    (check,) = read_checks(house.folder / "scripts" / "financial" / "b_total.sql")
    assert (check.title, check.tolerance) == ("Totals stay small.", 1)


def test_a_check_may_look_at_everything_that_the_close_has_built_and_at_the_day(house: CloseHouse) -> None:
    house.check(
        "b_total",
        "DECLARE @as_of date;\n-- twice is twice\nSELECT t.total FROM finance.total AS t "
        "INNER JOIN finance.doubled AS d ON d.twice <> t.total + t.total WHERE @as_of <= '2030-01-01';",
    )
    assert {item.status for item in house.close().values()} == {"closed"}


def test_text_of_columns_that_nobody_described_is_masked(house: CloseHouse) -> None:
    house.check("b_total", "-- nobody buys\nSELECT s.customer, s.id FROM silver.sale AS s")
    fault = house.close(DAY, "acme")["acme"].faults[0]
    assert '[{"customer": "***", "id": 1}]' in fault


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("-- broken\nSELECT FROM WHERE finance.total", "checks.sql:2"),
        ("-- writes\nDELETE FROM finance.total;", "a check is one SELECT"),
        ("-- writes\nSELECT t.total INTO finance.x FROM finance.total AS t;", "a check is one SELECT"),
        ("-- nothing\nSELECT 1 AS one;", "looks at no table"),
        ("-- some\n-- tolerance: few\nSELECT t.total FROM finance.total AS t;", "no number of rows"),
        ("-- open\nSELECT 'x FROM finance.total AS t;", "unreadable text"),
        ("-- unknown\nSELECT t.totl FROM finance.total AS t;", "totl"),
    ],
)
def test_a_check_that_cannot_be_run_blocks_the_close_and_names_its_line(
    house: CloseHouse, text: str, told: str
) -> None:
    house.check("b_total", text)
    closed = house.close(DAY, "acme")["acme"]
    assert closed.status == "failed"
    assert "cannot be judged" in closed.faults[0]
    assert told in closed.faults[0]


def test_checks_need_no_semicolons_and_keep_their_lines(house: CloseHouse) -> None:
    path = house.check("b_total", f"{NEGATIVE}\n\n/* Totals\n   stay small. */\n{LARGE.split(chr(10))[1]}\n")
    first, second = read_checks(path.with_name("b_total.sql"))
    assert (first.title, second.title) == ("No total is negative.", "Totals stay small.")
    assert (first.name, second.name) == ("no_total_is_negative", "totals_stay_small")
    assert second.query.text.count("\n") == path.read_text().count("\n")
    assert second.query.text.split("\n")[5].startswith("SELECT t.total, t.sales INTO finance.")
    assert house.close()["globex"].status == "failed"


def test_two_checks_of_one_title_have_two_names(house: CloseHouse) -> None:
    path = house.check("b_total", f"{NEGATIVE};\n{NEGATIVE};\nSELECT t.total FROM finance.total AS t WHERE 1 = 0;")
    assert [check.name for check in read_checks(path.with_name("b_total.sql"))] == [
        "no_total_is_negative", "no_total_is_negative_2", "check_3",
    ]  # fmt: skip


def test_a_file_of_checks_is_no_script_and_one_without_a_script_is_told(house: CloseHouse) -> None:
    path = house.check("nothing", NEGATIVE)
    assert path not in find_scripts(path.parent)
    closing = house.closing()
    assert closing.plan.orphans == (path,)
    assert house.sql("SELECT subject FROM strata.alert WHERE state = 'open'") == [("checks nothing.checks.sql",)]
    house.write("nothing", "SELECT s.id INTO finance.nothing FROM silver.sale AS s;")
    house.close(DAY, reason="again")
    assert house.sql("SELECT count(*) FROM strata.alert WHERE state = 'open'") == [(0,)]
