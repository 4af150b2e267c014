"""Revenue and receivables of ten subscriptions, by hand, on every engine: what each measure means, in numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from financial_close import Books


def shown(books: Books, table: str, columns: str, **where: object) -> list[str]:
    """Return columns of the rows that have these values, as text, in order."""
    found = [row for row in books.rows(table) if all(row[name] == value for name, value in where.items())]
    return sorted(" ".join(str(row[name]) for name in columns.split()) for row in found)


def month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")


def test_no_check_finds_anything(books: Books) -> None:
    assert books.offences() == {}


def test_a_line_is_earned_by_its_days_and_a_credit_note_takes_back_the_rest_of_them(books: Books) -> None:
    rows = shown(books, "revenue_schedule", "month_start recognised planned", invoice_line_key="l1")
    # 1.00 a day; 153.00 are credited over the 306 days from 1 March on: 0.50 a day is left.
    assert rows[:4] == [
        "2026-01-01 31.00 0.00",
        "2026-02-01 28.00 0.00",
        "2026-03-01 7.50 8.00",  # 15 days are over on the day of the close, 16 are to come
        "2026-04-01 0.00 15.00",
    ]
    # 31 + 28 + 306 x 0.50 = 212.00 = 365.00 - 153.00
    assert sum(Decimal(row.split()[1]) + Decimal(row.split()[2]) for row in rows) == Decimal("212.00")


def test_cents_are_cumulative_so_that_a_schedule_is_its_line_in_both_currencies(books: Books) -> None:
    columns = "month_start recognised planned recognised_eur planned_eur"
    # By 31 January 17 of 90 days: 18.89 USD. By the end of February 45: 50.00. By 15 March 60: 66.67; by 31 March 76:
    # 84.44. At 0.90, the rate of 15 January: 17.00, 45.00, 60.00, 76.00, 90.00.
    assert shown(books, "revenue_schedule", columns, invoice_line_key="l2") == [
        "2026-01-01 18.89 0.00 17.00 0.00",
        "2026-02-01 31.11 0.00 28.00 0.00",
        "2026-03-01 16.67 17.77 15.00 16.00",
        "2026-04-01 0.00 15.56 0.00 14.00",
    ]


def test_what_is_not_credited_of_a_line_is_earned_when_its_subscription_is_cancelled(books: Books) -> None:
    # 2.00 a day for 62 days = 124.00; of the 606.00 that are left 400.00 are credited, 206.00 kept.
    assert shown(books, "revenue_schedule", "month_start recognised planned", invoice_line_key="l4") == [
        "2025-12-01 62.00 0.00",
        "2026-01-01 62.00 0.00",
        "2026-02-01 206.00 0.00",
    ]


def test_a_cancellation_that_is_dated_back_ends_revenue_on_its_day_and_what_is_to_be_credited_stays_deferred(
    books: Books,
) -> None:
    # 45 days are served. The 45.00 of the others are owed back until the credit note of March.
    columns = "month_start opening_deferred invoiced credited recognised closing_deferred"
    assert shown(books, "deferred_revenue_monthly", columns, invoice_line_key="l6") == [
        "2026-01-01 0.00 90.00 0.00 31.00 59.00",
        "2026-02-01 59.00 0.00 0.00 14.00 45.00",
        "2026-03-01 45.00 0.00 45.00 0.00 0.00",
    ]


def test_what_is_void_or_credited_afterwards_is_taken_back_on_that_day(books: Books) -> None:
    assert shown(books, "revenue_schedule", "month_start recognised", invoice_line_key="l5") == [
        "2026-01-01 22.00",
        "2026-02-01 -22.00",
    ]
    assert shown(books, "revenue_schedule", "month_start recognised", invoice_line_key="l9") == [
        "2025-11-01 30.00",
        "2026-01-01 -10.00",  # November was closed long before the credit note of 5 January
    ]


def test_what_is_earned_before_it_is_invoiced_is_unbilled(books: Books) -> None:
    columns = "month_start opening_deferred invoiced recognised unbilled_change closing_deferred closing_unbilled"
    assert shown(books, "deferred_revenue_monthly", columns, invoice_line_key="l3") == [
        "2026-01-01 0.00 0.00 50.00 50.00 0.00 50.00",
        "2026-02-01 0.00 50.00 0.00 -50.00 0.00 0.00",
    ]
    columns = "basis month_start subscription_key unbilled unbilled_eur"
    assert shown(books, "unbilled_revenue", columns) == [
        "invoiced later 2026-01-01 s3 50.00 50.00",
        "not invoiced 2026-03-01 s10 3.00 2.55",  # 3 of 31 days of 31.00 USD, at 0.85
        "not invoiced 2026-03-01 s7 10.00 10.00",  # 10 of 31 days of 31.00
        "not invoiced 2026-03-01 s8 5.00 5.00",  # 31.00 more since 11 March: 5 of 31 days
    ]


def test_months_tell_what_was_billed_and_what_was_earned(books: Books) -> None:
    def total(table: str, column: str) -> list[str]:
        months = sorted({row["month_start"] for row in books.rows(table)})
        return [str(sum(row[column] for row in books.rows(table) if row["month_start"] == each)) for each in months[:5]]

    # November to March, in EUR: 30, 730, 365 + 90 + 31 + 90 - 10, 50 - 400 - 31, 62 - 153 - 45.
    assert total("billings_monthly", "billed_eur") == ["30.00", "730.00", "566.00", "-381.00", "-136.00"]
    # 30; 62; 31 + 17 + 50 + 62 + 22 + 31 - 10; 28 + 28 + 206 - 22 + 14; 7.50 + 15 + 30.
    assert total("revenue_recognition_monthly", "recognised_eur") == ["30.00", "62.00", "203.00", "254.00", "52.50"]
    # 0; 668; 334 + 73 + 606 + 9 + 59; 306 + 45 + 45; 145.50 + 30 + 32.
    assert total("deferred_revenue_monthly", "closing_deferred_eur") == [
        "0.00",
        "668.00",
        "1081.00",
        "396.00",
        "207.50",
    ]


def test_open_invoices_stand_in_the_bucket_of_their_days(books: Books) -> None:
    columns = "invoice_key bucket days_overdue open_amount open_eur revalued_eur unrealised_fx_eur"
    assert shown(books, "receivables_ageing", columns) == [
        "i1 credit balance 0 -182.07 -182.07 -182.07 0.00",  # 153.00 + 19 % are credited, and all was paid
        "i2 1-30 29 100.00 90.00 85.00 -5.00",  # 119.00 - 19.00 USD, since 14 February; at 0.90 and at 0.85
        "i4 61-90 74 392.70 392.70 392.70 0.00",  # (730.00 - 400.00) + 19 %; paid on 16 March
        "i6 31-60 43 53.55 53.55 53.55 0.00",  # (90.00 - 45.00) + 19 %
        "i8 not due 0 73.78 73.78 73.78 0.00",  # made void on 20 March
        "i9 over 90 104 23.80 23.80 23.80 0.00",  # (30.00 - 10.00) + 19 %
    ]
    buckets = ("not_due", "days_1_30", "days_31_60", "days_61_90", "over_90", "credit_balance")
    sums = [str(sum(row[name] for row in books.rows("receivables_ageing"))) for name in buckets]
    assert sums == ["73.78", "100.00", "53.55", "392.70", "23.80", "-182.07"]


def test_days_sales_outstanding_count_back_through_the_months_billing(books: Books) -> None:
    columns = "month_start billed_eur paid_eur receivables_eur dso_countback dso_simple"
    assert shown(books, "dso_monthly", columns) == [
        "2025-11-01 35.70 0.00 35.70 30.00 30.00",
        "2025-12-01 868.70 0.00 904.40 61.00 61.00",
        # 434.35 + 107.10 + 36.89 + 107.10 - 11.90. All 31 days of January take 673.54 of 1,143.59; the 470.05 that are
        # left are 470.05/868.70 of December: 16.77 days. Simple: 1,143.59 / 1,577.94 x 92 days.
        "2026-01-01 673.54 434.35 1143.59 47.77 66.68",
        # 59.50 - 476.00 - 36.89: February takes nothing and counts in full, 28 + 613.60/673.54 x 31.
        "2026-02-01 -453.39 76.60 613.60 56.24 50.72",
        # 15 + 28 + 451.76/673.54 x 31 days. Simple: so little billing says little.
        "2026-03-01 -161.84 0.00 451.76 63.79 573.32",
    ]
