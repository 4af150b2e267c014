"""The figures of three customers, computed by hand, on every engine: what each measure means, in numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from closed_books import Books
from example_company import ONE, THREE, TWO


def shown(books: Books, table: str, columns: str, **where: object) -> list[tuple[str, ...]]:
    """Return columns of the rows that have these values, as text, in order."""
    found = [row for row in books.rows(table) if all(row[name] == value for name, value in where.items())]
    return sorted(tuple(str(row[name]) for name in columns.split()) for row in found)


def month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")


def test_no_check_finds_anything(books: Books) -> None:
    assert books.offences() == {}


def test_movements_say_what_every_change_was_for_the_company(books: Books) -> None:
    assert shown(books, "mrr_movements", "movement_date subscription_key kind change_type amount amount_eur") == [
        ("2025-01-10", "s1", "new", "new", "100.00", "100.00"),
        ("2025-01-15", "s3", "new", "new", "200.00", "180.00"),  # 200 USD at 0.90
        ("2025-02-20", "s1", "expansion", "upgrade", "50.00", "50.00"),  # 150 - 100: the correction counts
        ("2025-03-05", "s2", "expansion", "new", "40.00", "40.00"),  # a second product of a customer
        ("2025-03-20", "s4", "new", "new", "10.00", "10.00"),
        ("2025-04-10", "s3", "churn", "pause", "-200.00", "-190.00"),  # at 0.95, the rate of 30 April
        ("2025-06-01", "s3", "reactivation", "resume", "200.00", "160.00"),  # at 0.80, the rate of 30 June
        ("2025-06-30", "s2", "contraction", "cancel", "-40.00", "-40.00"),  # the customer goes on paying for s1
        ("2026-01-31", "s1", "contraction", "downgrade", "-30.00", "-30.00"),  # on its day, not when it was recorded
        ("2026-03-01", "s4", "churn", "cancel", "-10.00", "-10.00"),
    ]


def test_a_month_opens_with_what_the_month_before_closed_with_and_rates_are_told_apart(books: Books) -> None:
    columns = "month_start opening new_mrr churn reactivation closing opening_eur churn_eur fx_eur closing_eur"
    rows = shown(books, "mrr_monthly", columns, customer_key=TWO)
    assert rows[:3] + rows[4:5] == [
        ("2025-01-01", "0.00", "200.00", "0.00", "0.00", "200.00", "0.00", "0.00", "0.00", "180.00"),
        ("2025-02-01", "200.00", "0.00", "0.00", "0.00", "200.00", "180.00", "0.00", "0.00", "180.00"),
        ("2025-03-01", "200.00", "0.00", "0.00", "0.00", "200.00", "180.00", "0.00", "0.00", "180.00"),
        # There is no row for May, in which the customer brought nothing.
        ("2025-06-01", "0.00", "0.00", "0.00", "200.00", "200.00", "0.00", "0.00", "0.00", "160.00"),
    ]
    # April: it opened with 180.00 EUR and lost 190.00: 200 USD had gained 10.00 by then.
    assert rows[3] == ("2025-04-01", "200.00", "0.00", "200.00", "0.00", "0.00", "180.00", "190.00", "10.00", "0.00")


def test_the_waterfall_adds_customers_up_by_segment(books: Books) -> None:
    columns = "segment opening_eur new_eur expansion_eur contraction_eur churn_eur fx_eur closing_eur"
    assert shown(books, "mrr_waterfall_monthly", columns, month_start=month("2025-03")) == [
        ("enterprise", "180.00", "0.00", "0.00", "0.00", "0.00", "0.00", "180.00"),
        ("small", "150.00", "10.00", "40.00", "0.00", "0.00", "0.00", "200.00"),
    ]
    assert shown(books, "mrr_waterfall_monthly", columns, month_start=month("2026-03")) == [
        ("enterprise", "160.00", "0.00", "0.00", "0.00", "0.00", "10.00", "170.00"),  # 200 USD at 0.85
        ("small", "130.00", "0.00", "0.00", "0.00", "10.00", "0.00", "120.00"),
    ]
    columns = "segment opening_customers new_customers reactivated_customers churned_customers closing_customers"
    assert shown(books, "mrr_waterfall_monthly", columns, month_start=month("2025-06")) == [
        ("enterprise", "0", "0", "1", "0", "1"),
        ("small", "2", "0", "0", "0", "2"),
    ]
    # 15 months, and a row for each segment in each.
    assert len(books.rows("mrr_waterfall_monthly")) == 30


def test_annual_revenue_is_twelve_times_the_month_and_committed_counts_what_is_signed(books: Books) -> None:
    columns = "customer_key mrr_eur arr_eur pending_mrr_eur committed_arr_eur"
    assert shown(books, "arr", columns, month_start=month("2026-03")) == [
        (ONE, "120.00", "1440.00", "10.00", "1560.00"),  # 130 from May on, recorded on 10 March
        (TWO, "170.00", "2040.00", "0.00", "2040.00"),  # the cancellation was recorded after the day
    ]
    # On 31 January the downgrade of that day was not recorded yet, and is in force all the same.
    assert shown(books, "arr", columns, month_start=month("2026-01"), customer_key=ONE) == [
        (ONE, "120.00", "1440.00", "0.00", "1440.00")
    ]


def test_retention_compares_a_years_customers_at_one_rate(books: Books) -> None:
    columns = "month_start customers_then customers_kept then_eur expansion_eur contraction_eur churn_eur nrr grr"
    assert shown(books, "retention", columns, segment="all") == [
        # January 2025 at 0.80: 100 + 160 = 260. Now 120 + 160 = 280: nrr 280/260; grr (100 + 160)/260.
        ("2026-01-01", "2", "2", "260.00", "20.00", "0.00", "0.00", "1.076923", "1.000000"),
        # February: 150 + 160 = 310; customer 1 brings 120: 280/310.
        ("2026-02-01", "2", "2", "310.00", "0.00", "30.00", "0.00", "0.903226", "0.903226"),
        # March at 0.85: 190 + 170 + 10 = 370; 120 + 170 + 0 = 290; 70 of customer 1 and 10 of customer 3 are gone.
        ("2026-03-01", "3", "2", "370.00", "0.00", "70.00", "10.00", "0.783784", "0.783784"),
    ]
    assert shown(books, "retention", "segment logo_retention nrr", month_start=month("2026-03")) == [
        ("all", "0.666667", "0.783784"),
        ("enterprise", "1.000000", "1.000000"),  # 170/170: the rate alone moved nothing
        ("small", "0.500000", "0.600000"),  # 120/200
    ]


def test_cohorts_are_compared_with_their_first_day_at_the_last_rates(books: Books) -> None:
    columns = "month_number cohort_customers paying_customers cohort_mrr_eur mrr_eur mrr_retention"
    cohort = {"cohort_month": month("2025-01")}
    # 100 EUR + 200 USD at 0.85 = 270.00. April: 190 EUR, customer 2 pauses. March 2026: 120 + 170.
    assert shown(books, "cohort_retention", columns, month_number=3, **cohort) == [
        ("3", "2", "1", "270.00", "190.00", "0.703704")
    ]
    assert shown(books, "cohort_retention", columns, month_number=14, **cohort) == [
        ("14", "2", "2", "270.00", "290.00", "1.074074")
    ]
    assert shown(books, "cohort_retention", columns, cohort_month=month("2025-03"), month_number=12) == [
        ("12", "1", "0", "10.00", "0.00", "0.000000")
    ]


def test_the_forecast_follows_contracts_and_renews_at_last_years_gross_retention(books: Books) -> None:
    columns = "month_start running contracted up_for_renewal ended renewed forecast"
    # Contract 1 runs to 30 June; 130 from May on. From July on 130.00 x 0.783784 = 101.89192.
    assert shown(books, "mrr_forecast", columns, subscription_key="s1")[:4] == [
        ("2026-04-01", "120.00", "120.00", "0.00", "0.00", "0.00", "120.00"),
        ("2026-05-01", "130.00", "130.00", "0.00", "0.00", "0.00", "130.00"),
        ("2026-06-01", "130.00", "130.00", "0.00", "0.00", "0.00", "130.00"),
        ("2026-07-01", "130.00", "0.00", "130.00", "0.00", "101.89", "101.89"),
    ]
    # Contract 3 is terminated to 31 May: nothing is renewed. 200 USD at 0.85 = 170.00 EUR.
    assert shown(books, "mrr_forecast", "month_start contracted ended forecast forecast_eur", subscription_key="s3")[
        :3
    ] == [
        ("2026-04-01", "200.00", "0.00", "200.00", "170.00"),
        ("2026-05-01", "200.00", "0.00", "200.00", "170.00"),
        ("2026-06-01", "0.00", "200.00", "0.00", "0.00"),
    ]
    assert {row["subscription_key"] for row in books.rows("mrr_forecast")} == {"s1", "s3"}
    assert len(books.rows("mrr_forecast")) == 24


def test_stages_of_the_acquisition_have_volume_conversion_and_time(books: Books) -> None:
    columns = "month_start stage entered moved lost waiting reached conversion_rate average_days median_days"
    assert shown(books, "bowtie_monthly", columns, side="acquisition", segment="all") == [
        # l1 is qualified after 3 days, l2 is lost, l3 waits.
        ("2025-01-01", "lead", "3", "1", "1", "1", "0", "0.333333", "3.00", "3.00"),
        ("2025-01-01", "negotiation", "1", "0", "1", "0", "0", "0.000000", "None", "None"),
        ("2025-01-01", "proposal", "1", "1", "0", "0", "0", "1.000000", "12.00", "12.00"),  # straight to won
        # o1 took 7 days to qualification, o2 20 to negotiation.
        ("2025-01-01", "prospecting", "2", "2", "0", "0", "0", "1.000000", "13.50", "13.50"),
        ("2025-01-01", "qualification", "1", "1", "0", "0", "0", "1.000000", "8.00", "8.00"),
        ("2025-01-01", "qualified_lead", "1", "1", "0", "0", "0", "1.000000", "0.00", "0.00"),
        ("2025-02-01", "qualification", "1", "0", "1", "0", "0", "0.000000", "None", "None"),  # o2 fell back
        ("2025-02-01", "won", "1", "0", "0", "0", "1", "None", "None", "None"),
    ]
    assert shown(books, "bowtie_monthly", "stage entered", segment="enterprise", side="acquisition") == [
        ("negotiation", "1"),
        ("prospecting", "1"),
        ("qualification", "1"),
    ]


def test_stages_of_the_expansion_follow_customers(books: Books) -> None:
    columns = "subject_key stage entered_on outcome moved_on days_in_stage"
    assert shown(books, "bowtie_stages", columns, side="expansion") == [
        (ONE, "active", "2025-01-10", "moved", "2025-02-20", "41"),
        (ONE, "expanded", "2025-02-20", "moved", "2025-12-27", "310"),
        (ONE, "onboarding", "2024-12-27", "moved", "2025-01-10", "14"),
        (ONE, "renewed", "2025-12-27", "reached", "None", "None"),
        # Paused in 2025 and back again: not lost; renewed on the contract's first anniversary.
        (TWO, "active", "2025-01-15", "moved", "2026-01-01", "351"),
        (TWO, "onboarding", "2025-01-01", "moved", "2025-01-15", "14"),
        (TWO, "renewed", "2026-01-01", "reached", "None", "None"),
        (THREE, "active", "2025-03-20", "lost", "None", "None"),  # gone on 1 March 2026
        (THREE, "onboarding", "2025-03-06", "moved", "2025-03-20", "14"),
    ]


def test_amounts_are_exact_decimals(books: Books) -> None:
    amounts = [row["closing_eur"] for row in books.rows("mrr_monthly")]
    assert all(isinstance(amount, Decimal) and amount.as_tuple().exponent == -2 for amount in amounts)
