"""Whatever customers do, the accounts add up exactly, and are what a replay day by day gives."""

from __future__ import annotations

import os
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from closed_books import TABLES, Books, closed_on_duckdb, closed_on_server, ordered
from hypothesis import HealthCheck, Phase, given, seed, settings
from random_histories import AS_OF, histories
from replayed_history import Replay, month_of
from silver_rows import Row, Silver

THOROUGH = os.environ.get("STRATA_NIGHTLY") == "1"
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


def picked(rows: Iterable[Row], columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns.split()) for row in rows]


def by_key(rows: Iterable[Row], keys: str, value: str) -> dict[tuple[Any, ...], Any]:
    rows = list(rows)
    return dict(zip(picked(rows, keys), (row[value] for row in rows), strict=True))


@settings(max_examples=150 if THOROUGH else 6, deadline=None, suppress_health_check=SLOW)
@given(histories())
def test_identities_hold_exactly_and_figures_are_those_of_a_replay(silver: Silver) -> None:
    replay = Replay(silver, AS_OF)
    with closed_on_duckdb(silver, AS_OF) as books:
        assert books.offences() == {}
        movements_are_replayed(books, replay)
        closings_are_replayed(books, replay)
        retention_is_replayed(books, replay)
        cohorts_are_replayed(books, replay)
        forecasts_are_replayed(books, replay)


def movements_are_replayed(books: Books, replay: Replay) -> None:
    rows = picked(books.rows("mrr_movements"), "movement_date subscription_key kind amount")
    assert sorted(rows) == sorted((*key, *found) for key, found in replay.kinds.items())


def closings_are_replayed(books: Books, replay: Replay) -> None:
    keys = "customer_key product_key currency month_start"
    rows = [row for row in books.rows("mrr_monthly") if row["closing"]]
    assert by_key(rows, keys, "closing") == replay.closings
    assert len(rows) == len(replay.closings)
    euros = {key: replay.euros(worth, key[2], key[3]) for key, worth in replay.closings.items()}
    assert by_key(rows, keys, "closing_eur") == euros


def retention_is_replayed(books: Books, replay: Replay) -> None:
    rows = [row for row in books.rows("retention") if row["segment"] == "all"]
    months = {month for (month,) in picked(books.rows("mrr_waterfall_monthly"), "month_start")}
    expected = {month: found for month in months if (found := replay.retention(month))}
    assert sorted(picked(rows, "month_start then_eur kept_eur now_eur")) == sorted(
        (month, *amounts) for month, amounts in expected.items()
    )
    for month, nrr, grr in picked(rows, "month_start nrr grr"):
        then, kept, now = expected[month]
        assert not then or (nrr, grr) == (ratio(now, then), ratio(kept, then))


def cohorts_are_replayed(books: Books, replay: Replay) -> None:
    found = {
        row["cohort_month"]: row["cohort_customers"]
        for row in books.rows("cohort_retention")
        if row["month_start"] == month_of(AS_OF)
    }
    members = list(replay.cohorts.values())
    assert found == {month: members.count(month) for month in members}


def forecasts_are_replayed(books: Books, replay: Replay) -> None:
    rows = picked(books.rows("mrr_forecast"), "month_number subscription_key running")
    assert sorted(rows) == sorted((number, *found) for number in range(1, 13) for found in replay.running(number))


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def test_a_company_without_subscriptions_has_empty_books_and_no_offence() -> None:
    with closed_on_duckdb({}, AS_OF) as books:
        assert books.offences() == {}
        assert {table: len(books.rows(table)) for table in TABLES} == dict.fromkeys(TABLES, 0)


def test_a_server_and_the_translation_agree_digit_by_digit(server: str) -> None:
    @seed(20260217)
    @settings(
        max_examples=10 if THOROUGH else 2, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=SLOW,
    )  # fmt: skip
    @given(histories())
    def agree(silver: Silver) -> None:
        with closed_on_duckdb(silver, AS_OF) as here, closed_on_server(server, silver, AS_OF) as there:
            for table in TABLES:
                assert ordered(there.rows(table)) == ordered(here.rows(table)), table
            assert there.offences() == {}

    agree()
