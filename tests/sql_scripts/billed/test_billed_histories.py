"""Whatever happens to invoices, every identity holds to the cent, and the figures are those of a replay in Python."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal

from billed_histories import AS_OF, FIRST_DAY, histories
from billed_silver import REVENUE, TABLES
from financial_close import Books, Silver, closed_on_duckdb, closed_on_server, ordered
from hypothesis import HealthCheck, Phase, given, seed, settings
from replayed_billing import BilledLine, bucket, days_outstanding, eur_rate, in_euros, month_ends, open_amounts

THOROUGH = os.environ.get("STRATA_NIGHTLY") == "1"
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""A close takes a second: to find a smaller history takes minutes that CI does not have."""


@settings(max_examples=150 if THOROUGH else 8, deadline=None, suppress_health_check=SLOW, phases=UNSHRUNK)
@given(histories())
def test_identities_hold_exactly_and_figures_are_those_of_a_replay(silver: Silver) -> None:
    with closed_on_duckdb(REVENUE, silver, AS_OF) as books:
        assert books.offences() == {}
        schedules_are_replayed(books, silver)
        balances_are_replayed(books, silver)
        receivables_are_replayed(books, silver)
        days_outstanding_are_replayed(books)


def known_lines(silver: Silver) -> dict[str, tuple[BilledLine, Decimal]]:
    """Return the lines of invoices that were issued by the day, each with its rate to EUR."""
    heads = {head["invoice_key"]: head for head in silver["invoice"] if head["issued_on"] <= AS_OF}
    return {
        row["invoice_line_key"]: (BilledLine(silver, row, head, AS_OF), rate)
        for row in silver["invoice_line"]
        if (head := heads.get(row["invoice_key"]))
        for rate in [eur_rate(silver, head["currency"], head["issued_on"])]
    }


def schedules_are_replayed(books: Books, silver: Silver) -> None:
    """Earned by a day is the sum of the schedule's months up to it, in both currencies."""
    schedule = books.rows("revenue_schedule")
    for key, (line, rate) in known_lines(silver).items():
        rows = [row for row in schedule if row["invoice_line_key"] == key]
        for day in [*month_ends(FIRST_DAY, date(2026, 12, 31)), date(2030, 12, 31)]:
            past = [row for row in rows if row["month_end"] <= day]
            assert sum(row["recognised"] + row["planned"] for row in past) == line.earned(day)
            assert sum(row["recognised_eur"] + row["planned_eur"] for row in past) == in_euros(line.earned(day), rate)
        assert sum(row["recognised"] for row in rows) == line.earned(AS_OF)


def balances_are_replayed(books: Books, silver: Silver) -> None:
    """What is deferred, less what is unbilled, is what was billed and not earned, at the end of every month."""
    rolled = books.rows("deferred_revenue_monthly")
    for key, (line, rate) in known_lines(silver).items():
        for row in (row for row in rolled if row["invoice_line_key"] == key):
            billed, earned = line.billed(row["month_end"]), line.earned(row["month_end"])
            assert row["closing_deferred"] - row["closing_unbilled"] == billed - earned
            euros = in_euros(billed, rate) - in_euros(earned, rate)
            assert row["closing_deferred_eur"] - row["closing_unbilled_eur"] == euros


def receivables_are_replayed(books: Books, silver: Silver) -> None:
    heads = {head["invoice_key"]: head for head in silver["invoice"]}
    found = {row["invoice_key"]: (row["open_amount"], row["bucket"]) for row in books.rows("receivables_ageing")}
    assert found == {
        key: (amount, bucket(heads[key], amount, AS_OF)) for key, amount in open_amounts(silver, AS_OF).items()
    }
    for row in books.rows("receivables_ageing"):
        rate = eur_rate(silver, row["currency"], heads[row["invoice_key"]]["issued_on"])
        assert row["open_eur"] == in_euros(row["open_amount"], rate)


def days_outstanding_are_replayed(books: Books) -> None:
    rows = sorted(books.rows("dso_monthly"), key=lambda row: row["month_start"])
    months = [((row["month_end"] - row["month_start"]).days + 1, row["billed_eur"]) for row in rows]
    for number, row in enumerate(rows, 1):
        assert row["dso_countback"] == days_outstanding(months[:number][::-1], row["receivables_eur"])


def test_a_server_and_the_translation_agree_digit_by_digit(server: str) -> None:
    @seed(20260217)
    @settings(
        max_examples=10 if THOROUGH else 2, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=SLOW,
    )  # fmt: skip
    @given(histories())
    def agree(silver: Silver) -> None:
        with (
            closed_on_duckdb(REVENUE, silver, AS_OF) as here,
            closed_on_server(REVENUE, server, silver, AS_OF) as there,
        ):
            for table in TABLES:
                assert ordered(there.rows(table)) == ordered(here.rows(table)), table
            assert there.offences() == {}

    agree()
