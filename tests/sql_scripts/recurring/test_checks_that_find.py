"""The checks beside the scripts can fail: a cent that is moved in what was built is found by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from closed_books import SCRIPTS, TABLES, DuckDBBooks, closed_on_duckdb
from example_company import AS_OF, SILVER

FAULTS = {
    "UPDATE finance_work.mrr_movements SET amount = amount + 0.01 WHERE subscription_key = 's2'": [
        "mrr_monthly: The months' movements are those of mrr_movements, to the cent",
        "mrr_movements: The sum of a subscription's movements is what the ledger of amendments says it is worth",
    ],
    "UPDATE finance_work.mrr_movements SET kind = 'churn' WHERE kind = 'contraction'": [
        "mrr_movements: After churn a customer pays nothing",
    ],
    "UPDATE finance_work.mrr_movements SET mrr_before = mrr_before + 1 WHERE kind = 'expansion'": [
        "mrr_movements: Every movement begins where the subscription's movement before it ended",
    ],
    "UPDATE finance_work.mrr_monthly SET closing_eur = closing_eur + 0.01 WHERE month_start = '2025-09-01'": [
        "mrr_monthly: Every customer's month opens with what its month before closed with",
        "mrr_monthly: Opening and movements make the closing, in the contract's currency and in EUR",
        "mrr_waterfall_monthly: All segments together close with all that customers bring",
    ],
    "DELETE FROM finance_work.mrr_monthly WHERE month_start = '2025-09-01' AND customer_key = 'customer 1'": [
        "mrr_monthly: Every customer's month opens with what its month before closed with",
        "mrr_waterfall_monthly: All segments together close with all that customers bring",
    ],
    "UPDATE finance_work.mrr_waterfall_monthly SET churned_customers = churned_customers + 1": [
        "mrr_waterfall_monthly: Opening and movements make the closing, in EUR and in customers",
    ],
    "UPDATE finance_work.retention SET grr = 1.000001 WHERE segment = 'all'": [
        "retention: Gross retention lies between 0 and 1, and net retention not below it",
    ],
    "DELETE FROM finance_work.retention WHERE segment = 'small'": ["retention: All is the sum of the segments"],
    "UPDATE finance_work.cohort_retention SET paying_customers = paying_customers - 1 WHERE month_number = 1": [
        "cohort_retention: The cohorts of a month have all its paying customers between them",
    ],
    "UPDATE finance_work.mrr_forecast SET contracted = contracted + 1 WHERE month_number = 3": [
        "mrr_forecast: All that runs is contracted, up for renewal or ended, and one of them",
    ],
    "DELETE FROM finance_work.bowtie_stages WHERE stage = 'won'": [
        "bowtie_stages: Every opportunity that was won is won here",
    ],
    "UPDATE finance_work.bowtie_monthly SET moved = moved + 1 WHERE stage = 'lead'": [
        "bowtie_monthly: Who entered has moved on, is lost, waits or has reached the goal",
    ],
}


@pytest.fixture(scope="module")
def closed() -> Iterator[DuckDBBooks]:
    with closed_on_duckdb(SILVER, AS_OF) as books:
        yield books


@pytest.fixture
def books(closed: DuckDBBooks) -> Iterator[DuckDBBooks]:
    """Books that a test may falsify."""
    for table in TABLES:
        closed.execute(f"CREATE OR REPLACE TABLE {table} AS FROM finance_work.{table}")
    yield closed
    for table in TABLES:
        closed.execute(f"CREATE OR REPLACE TABLE finance_work.{table} AS FROM {table}")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_by_the_checks_that_are_there_for_it(books: DuckDBBooks, fault: str) -> None:
    scripts = {title.partition(":")[0] for title in FAULTS[fault]}
    assert books.offences(scripts) == {}
    books.execute(fault)
    assert set(FAULTS[fault]) <= set(books.offences(scripts))


def test_every_script_has_checks_and_every_check_a_title_of_its_own() -> None:
    for item in SCRIPTS:
        titles = [check.title for check in item.checks]
        assert titles, item.name
        assert len(set(titles)) == len(titles)
        assert not [check.problems for check in item.checks if check.problems]
