"""The checks beside the scripts can fail: a cent that is moved in what was built is found by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import statement_books
from billed_company import AS_OF, SILVER
from billed_silver import REVENUE, STATEMENT, STATEMENT_TABLES, TABLES
from financial_close import DuckDBBooks, closed_on_duckdb

FAULTS = {
    "UPDATE finance_work.invoice_valuation SET eur_rate = NULL WHERE currency = 'USD'": [
        "invoice_valuation: Every invoice has a rate to EUR that is more than nothing",
    ],
    "DELETE FROM finance_work.invoice_valuation WHERE invoice_key = 'i4'": [
        "invoice_valuation: Every invoice by the day is there once, and no other",
    ],
    "UPDATE silver.invoice_line SET net_amount = net_amount + 0.01 WHERE invoice_line_key = 'l1'": [
        "invoice_valuation: An invoice is the sum of its lines",
        "billings_monthly: All months together are all invoices and credit notes, less those that are void",
    ],
    "DELETE FROM finance_work.billing_event WHERE document_key = 'c4'": [
        "billing_event: Every invoice line and every credit note of an invoice that is not void is billed, to the cent",
        "revenue_schedule: The schedule of every line is its amount less its credits, to the cent",
    ],
    "UPDATE finance_work.billing_event SET amount = -400 WHERE document_key = 'c1'": [
        "billing_event: No line is credited by more than it was invoiced for, in the contract's currency or in EUR",
    ],
    "UPDATE finance_work.billing_event SET amount_eur = amount_eur + 0.01 WHERE document_key = 'i2'": [
        "billing_event: In EUR a line comes to what it comes to in its currency, at its invoice's rate",
        "deferred_revenue_monthly: Recognised and deferred, less unbilled, is what was invoiced, line by line",
    ],
    "UPDATE silver.credit_note SET currency = 'USD' WHERE credit_note_key = 'c1'": [
        "billing_event: A credit note is in the currency of its invoice",
    ],
    "UPDATE finance_work.billings_monthly SET credited = credited + 0.01": [
        "billings_monthly: Invoiced less credited and voided is billed",
    ],
    "UPDATE finance_work.revenue_schedule SET recognised = recognised + 5, planned = planned - 5 "
    "WHERE invoice_line_key = 'l8'": [
        "deferred_revenue_monthly: What is deferred on the day is what the schedule still plans",
    ],
    "UPDATE finance_work.revenue_schedule SET recognised = recognised + "
    "CASE month_start WHEN DATE '2026-01-01' THEN -5 WHEN DATE '2026-02-01' THEN 5 ELSE 0 END "
    "WHERE invoice_line_key = 'l2'": [
        "revenue_schedule: A line that nothing was credited of earns the same every day, to the cent",
    ],
    "UPDATE finance_work.revenue_schedule SET planned = 1 WHERE month_start = '2026-01-01'": [
        "revenue_schedule: Nothing is planned for what is over, or recognised of what has not begun",
    ],
    "UPDATE finance_work.revenue_schedule SET recognised = 900 WHERE month_start = '2025-12-01'": [
        "revenue_schedule: No line has earned more than it was invoiced for by the end of any month",
    ],
    "UPDATE finance_work.revenue_recognition_monthly SET recognised_eur = recognised_eur + 0.01": [
        "revenue_recognition_monthly: All months together are all that was billed: earned, or still to be",
        "deferred_revenue_monthly: Every month bills and recognises what billings and revenue tell of it",
    ],
    "UPDATE finance_work.deferred_revenue_monthly SET closing_deferred = closing_deferred + 0.01 "
    "WHERE invoice_line_key = 'l4' AND month_start = '2025-12-01'": [
        "deferred_revenue_monthly: Opening and movements make the closing, in both currencies",
        "deferred_revenue_monthly: Every line's month opens with what its month before closed with, without a gap",
    ],
    "DELETE FROM finance_work.deferred_revenue_monthly WHERE invoice_line_key = 'l9' AND month_start = '2025-12-01'": [
        "deferred_revenue_monthly: Every line's month opens with what its month before closed with, without a gap",
    ],
    "DELETE FROM finance_work.unbilled_revenue WHERE basis = 'invoiced later'": [
        "unbilled_revenue: What was invoiced later is what the roll-forward has as unbilled, month by month",
    ],
    "UPDATE finance_work.unbilled_revenue SET unbilled = -1 WHERE basis = 'not invoiced'": [
        "unbilled_revenue: Unbilled is known in EUR, and estimated on the day alone, once for a subscription",
    ],
    "DELETE FROM finance_work.receivable_event WHERE document_key = 'p2'": [
        "receivable_event: An invoice is open for what it was issued for less what was credited and paid",
    ],
    "UPDATE finance_work.receivable_event SET amount_eur = amount_eur + 0.01 WHERE document_key = 'p2'": [
        "receivable_event: In EUR an invoice is open for what it is open for in its currency, at its rate",
    ],
    "UPDATE silver.payment SET currency = 'EUR' WHERE payment_key = 'p2'": [
        "receivable_event: A payment is in the currency of its invoice",
    ],
    "UPDATE finance_work.receivables_ageing SET over_90 = over_90 + 0.01 WHERE invoice_key = 'i9'": [
        "receivables_ageing: The buckets of an invoice are what is open, and one of them is all of it",
        "receivables_ageing: All buckets together are all invoices less credit notes and payments",
    ],
    "UPDATE finance_work.receivables_ageing SET bucket = '31-60' WHERE bucket = '1-30'": [
        "receivables_ageing: The bucket is the one of the days since the due day",
    ],
    "UPDATE finance_work.receivables_ageing SET revalued_eur = NULL WHERE currency = 'USD'": [
        "receivables_ageing: Every open amount is worth something known in EUR",
    ],
    "UPDATE finance_work.dso_monthly SET receivables_eur = receivables_eur + 0.01 WHERE month_start = '2026-03-01'": [
        "dso_monthly: Opening, billing and payments make the receivables that the next month opens with",
        "dso_monthly: The receivables on the day are those of the ageing",
    ],
    "UPDATE finance_work.dso_monthly SET dso_countback = -1": [
        "dso_monthly: Days are counted from nothing, and no further back than the books",
    ],
}
STATEMENT_FAULTS = {
    "INSERT INTO finance_work.pl_position FROM finance_work.pl_position": [
        "pl_position: A position is there once, and its signs are 1 or -1",
        "pl_position: What the statement does not know has its line",
    ],
    "INSERT INTO finance_work.pl_account FROM finance_work.pl_account WHERE account = '4120'": [
        "pl_account: An account has one position",
    ],
    "UPDATE finance_work.pl_actual_vs_budget SET profit = profit + 0.01 WHERE cost_center = '100'": [
        "pl_actual_vs_budget: The profit of a month is what is posted on accounts of the statement",
        "pl_actual_vs_budget: And what is posted on all others: a posting that is in neither would be lost",
    ],
    "UPDATE finance_work.pl_actual_vs_budget SET budget = budget + 0.01 WHERE cost_center = '100'": [
        "pl_actual_vs_budget: The budget of a month is what was planned on accounts of the statement",
        "pl_actual_vs_budget: The year up to a month is the sum of its months",
    ],
    "UPDATE silver.gl_posting SET currency = 'USD' WHERE account = '4600'": [
        "pl_actual_vs_budget: The books are in one currency",
    ],
}


@pytest.fixture(scope="module")
def revenue() -> Iterator[DuckDBBooks]:
    with closed_on_duckdb(REVENUE, SILVER, AS_OF) as books:
        yield books


@pytest.fixture(scope="module")
def statement() -> Iterator[DuckDBBooks]:
    with closed_on_duckdb(STATEMENT, statement_books.books(statement_books.SKR03), statement_books.AS_OF) as books:
        yield books


def found(books: DuckDBBooks, fault: str, scripts: set[str]) -> set[str]:
    """Return the checks that find a fault; the books are as before afterwards."""
    tables = [f"silver.{table}" for table in books.office.shapes]
    tables += [f"finance_work.{table}" for table in books.office.tables]
    for table in tables:
        books.execute(f"CREATE OR REPLACE TEMP TABLE {table.replace('.', '_')} AS FROM {table}")
    books.execute(fault)
    offences = set(books.offences(scripts))
    for table in tables:
        books.execute(f"CREATE OR REPLACE TABLE {table} AS FROM temp.{table.replace('.', '_')}")
    return offences


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_by_the_checks_that_are_there_for_it(revenue: DuckDBBooks, fault: str) -> None:
    assert set(FAULTS[fault]) <= found(revenue, fault, {title.partition(":")[0] for title in FAULTS[fault]})


@pytest.mark.parametrize("fault", STATEMENT_FAULTS)
def test_a_fault_in_the_statement_is_found(statement: DuckDBBooks, fault: str) -> None:
    expected = set(STATEMENT_FAULTS[fault])
    assert expected <= found(statement, fault, {title.partition(":")[0] for title in expected})


def test_every_check_has_a_title_of_its_own_and_a_fault_that_it_finds() -> None:
    proved = {title for titles in (*FAULTS.values(), *STATEMENT_FAULTS.values()) for title in titles}
    here = {*TABLES, *STATEMENT_TABLES} - {"eur_rate_monthly", "mrr_movements"}
    scripts = [item for office in (REVENUE, STATEMENT) for item in office.scripts if item.script.name in here]
    titles = [f"{item.script.name}: {check.title}" for item in scripts for check in item.checks]
    assert len(set(titles)) == len(titles)
    assert not [check.problems for item in scripts for check in item.checks if check.problems]
    assert {title for title in titles if title not in proved} == {
        "revenue_recognition_monthly: Every amount has a currency and a value in EUR",
        "billing_event: Nothing is billed after the day, and each document once for a line",
        "pl_account: Few accounts of the statement are not mapped yet: give them a position in the chart of accounts",
    }
