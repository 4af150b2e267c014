"""The profit and loss statement of two months by hand, in both charts of accounts and on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from billed_silver import STATEMENT
from financial_close import Books, Silver, closed_on_duckdb, closed_on_server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from statement_books import AS_OF, SKR03, SKR04, Chart, books


@pytest.fixture(scope="module", params=[SKR03, SKR04], ids=lambda chart: chart.name)
def chart(request: pytest.FixtureRequest) -> Chart:
    assert isinstance(request.param, Chart)
    return request.param


@pytest.fixture(scope="module")
def statement(chart: Chart, engine: str, request: pytest.FixtureRequest) -> Iterator[Books]:
    """The books of one chart, closed."""
    with closed(engine, books(chart), request) as found:
        yield found


def closed(engine: str, silver: Silver, request: pytest.FixtureRequest) -> AbstractContextManager[Books]:
    if engine == "duckdb":
        return closed_on_duckdb(STATEMENT, silver, AS_OF)
    return closed_on_server(STATEMENT, request.getfixturevalue("server"), silver, AS_OF)


def shown(statement: Books, columns: str) -> list[str]:
    """Return columns of the statement as text, in the order of months, cost centres and positions."""
    rows = sorted(
        statement.rows("pl_actual_vs_budget"),
        key=lambda row: (row["month_start"], row["cost_center"], row["position_number"]),
    )
    return [" ".join(str(row[name]) for name in columns.split()) for row in rows]


def test_both_charts_come_out_in_the_same_positions(statement: Books) -> None:
    columns = "month_end cost_center pl_position actual budget variance variance_percent profit_effect"
    assert shown(statement, columns) == [
        "2026-01-31 (none) unmapped 25.00 0.00 25.00 None -25.00",  # no account of the chart; stocks are none of it
        "2026-01-31 100 personnel 600.00 650.00 -50.00 -7.69 50.00",  # 50 of 650 saved
        "2026-01-31 200 revenue 1000.00 900.00 100.00 11.11 100.00",
        "2026-01-31 200 exchange_differences -10.00 0.00 -10.00 None -10.00",  # a loss
        "2026-01-31 300 marketing 0.00 0.00 0.00 None 0.00",  # has a row because of February
        "2026-02-20 (none) unmapped 0.00 0.00 0.00 None 0.00",
        "2026-02-20 100 personnel 0.00 650.00 -650.00 -100.00 650.00",  # salaries are booked on the 28th
        "2026-02-20 200 revenue 1150.00 1060.00 90.00 8.49 90.00",  # 1,200 - 50; 1,100 - 40
        "2026-02-20 200 exchange_differences 0.00 0.00 0.00 None 0.00",
        "2026-02-20 300 marketing 80.00 0.00 80.00 None -80.00",
    ]


def test_the_year_adds_up_and_profit_is_what_the_books_have(statement: Books) -> None:
    columns = "cost_center_name pl_position year_actual year_budget"
    assert shown(statement, columns)[5:] == [
        "(none) unmapped 25.00 0.00",
        "Engineering personnel 600.00 1300.00",
        "Sales revenue 2150.00 1960.00",
        "Sales exchange_differences -10.00 0.00",
        "300 marketing 80.00 0.00",  # a cost centre without a name
    ]
    # 1000 - 600 - 10 - 25 + 1150 - 80
    assert sum(row["profit"] for row in statement.rows("pl_actual_vs_budget")) == Decimal("1435.00")


def test_no_check_finds_anything_but_the_account_that_is_not_mapped(statement: Books, chart: Chart) -> None:
    (found,) = statement.offences().items()
    assert found[0].startswith("pl_account: Few accounts of the statement are not mapped yet")
    assert found[1] == 1
    unmapped = [row for row in statement.rows("pl_account") if row["pl_position"] == "unmapped"]
    assert [(row["account"], row["balance"]) for row in unmapped] == [(chart.unlisted, Decimal("25.00"))]


def test_a_position_that_nobody_knows_is_shown_as_not_mapped(request: pytest.FixtureRequest, engine: str) -> None:
    silver = dict(books(SKR03))
    silver["gl_account"] = [
        {**row, "pl_position": "advertising" if row["pl_position"] == "marketing" else row["pl_position"]}
        for row in silver["gl_account"]
    ]
    with closed(engine, silver, request) as found:
        rows = [row for row in found.rows("pl_actual_vs_budget") if row["pl_position"] == "unmapped"]
        assert sorted(row["actual"] for row in rows if row["actual"]) == [Decimal("25.00"), Decimal("80.00")]
        assert sum(row["profit"] for row in found.rows("pl_actual_vs_budget")) == Decimal("1435.00")


_ACCOUNTS = ["1400", "1200", "8400", "8700", "4120", "4980", "3980", "2999", "70001", "9000", "0400"]
_LINES = st.lists(
    st.tuples(
        st.dates(date(2025, 11, 1), date(2026, 3, 31)), st.sampled_from(_ACCOUNTS), st.sampled_from(_ACCOUNTS),
        st.integers(-10_000_000, 10_000_000), st.sampled_from([None, "100", "200"]),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_LINES, st.sampled_from(["SKR03", "SKR04", "IKR"]))
def test_nothing_that_is_posted_is_lost_whatever_the_accounts(
    lines: list[tuple[date, str, str, int, str | None]], name: str
) -> None:
    chart = replace(SKR03, name=name)
    silver = dict(books(chart))
    silver["gl_posting"] = [
        {"posting_key": f"{number}", "entry": entry, "chart": name, "account": account, "cost_center": center,
         "currency": "EUR", "amount": Decimal(sign * amount).scaleb(-2), "posted_on": on,
         "posting_month": on.replace(day=1), "is_personal_account": len(account) > 4}
        for number, (on, debit, credit, amount, center) in enumerate(lines)
        for entry, account, sign in (("account", debit, 1), ("contra_account", credit, -1))
    ]  # fmt: skip
    with closed_on_duckdb(STATEMENT, silver, AS_OF) as found:
        offences = {title for title in found.offences() if not title.startswith("pl_account: Few accounts")}
        assert offences == set()
