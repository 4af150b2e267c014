"""The one financial script, on random subscriptions: the same numbers as plain Python, and bridges that close."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import duckdb
import pytest

from orchestration.scripts import read_script
from orchestration.scripts.execution import Turn, run_program
from orchestration.scripts.outline import outline
from orchestration.scripts.program import compile_script
from orchestration.scripts.scope import visible
from orchestration.settings import PROJECT

AS_OF = date(2026, 11, 17)
SCRIPT = PROJECT / "sql_scripts" / "financial" / "mrr_monthly.sql"
Change = tuple[str, str, str, str, date, Decimal]
CENT = Decimal("0.01")
TABLES = """
CREATE TABLE silver.subscription_change (
    _tenant_id VARCHAR, subscription_change_key VARCHAR, subscription_key VARCHAR, customer_key VARCHAR,
    product_key VARCHAR, currency VARCHAR, effective_on DATE, created_at TIMESTAMP, mrr_after DECIMAL(18,2)
);
CREATE TABLE silver.product_exchange_rate (
    _tenant_id VARCHAR, base_currency VARCHAR, quote_currency VARCHAR, rate_date DATE, exchange_rate DECIMAL(18,8),
    is_deleted BOOLEAN
);
"""
CLOSINGS = """
SELECT customer_key, product_key, currency, month_start, closing FROM finance.mrr_monthly
WHERE closing <> 0 AND _tenant_id = ?
"""
OPEN_BRIDGES = """
SELECT count(*) FROM finance.mrr_monthly
WHERE opening + new_mrr + reactivation + expansion - contraction - churn IS DISTINCT FROM closing
    OR opening_eur + new_eur + reactivation_eur + expansion_eur - contraction_eur - churn_eur + fx_eur
        IS DISTINCT FROM closing_eur
    OR least(opening, new_mrr, reactivation, expansion, contraction, churn) < 0
"""


def changes(seed: int) -> Iterator[Change]:
    """Yield (subscription, customer, product, currency, day, mrr after) of subscriptions with ups, downs and pauses."""
    chance = Random(seed)  # noqa: S311 - a story, no secret
    for number in range(30):
        customer, day = number % 7, date(2025, 1, 1) + timedelta(days=chance.randrange(500))
        while day < date(2026, 12, 15):
            worth = Decimal(chance.choice([0, 0, 1000, 25050, 300333])).scaleb(-2)
            currency = ("EUR", "USD", "GBP")[customer % 3]
            yield f"s{number}", f"c{customer}", f"p{number % 3}", currency, day, worth
            day += timedelta(days=chance.randrange(1, 150))


def rates(seed: int) -> dict[tuple[str, date], Decimal]:
    """Return a rate to EUR for most days."""
    chance = Random(seed)  # noqa: S311 - a story, no secret
    days = (date(2025, 1, 1) + timedelta(days=number) for number in range(800))
    return {
        (currency, day): Decimal(chance.randrange(70_000_000, 120_000_000)).scaleb(-8)
        for day in days
        for currency in ("USD", "GBP")
        if chance.random() < 0.8 or day == date(2025, 1, 1)
    }


@pytest.fixture(params=range(3), scope="module")
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def finance(seed: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which the script has run for two tenants with the same keys."""
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA silver; CREATE SCHEMA finance; CREATE SCHEMA finance_work")
        con.execute(TABLES)
        for tenant, story in (("acme", seed), ("globex", seed + 100)):
            rows = [
                (tenant, f"k{i:06}", *row[:4], row[4], "2026-01-01", row[5]) for i, row in enumerate(changes(story))
            ]
            con.executemany("INSERT INTO silver.subscription_change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            known = [(tenant, base, "EUR", day, rate, False) for (base, day), rate in rates(story).items()]
            con.executemany("INSERT INTO silver.product_exchange_rate VALUES (?, ?, ?, ?, ?, ?)", known)
        for tenant in ("acme", "globex"):
            build(con, tenant)
        yield con


def build(con: duckdb.DuckDBPyConnection, tenant: str) -> None:
    """Run the script for a tenant and keep its rows with the tenant's name, as a close does."""
    script = read_script(SCRIPT)
    program = compile_script(script, visible(con, outline(script).reads))
    run_program(con, program, Turn(tenant, AS_OF))
    made = f"SELECT '{tenant}' AS _tenant_id, * FROM finance_work.mrr_monthly"
    con.execute(f"CREATE TABLE IF NOT EXISTS finance.mrr_monthly AS {made} LIMIT 0")
    con.execute(f"INSERT INTO finance.mrr_monthly {made}; DROP TABLE finance_work.mrr_monthly")


def closings(story: int) -> dict[tuple[str, str, str, date], Decimal]:
    """Return what each customer pays for each product at the end of each month, by replaying the changes."""
    state: dict[str, tuple[tuple[str, str, str], Decimal]] = {}
    found: dict[tuple[str, str, str, date], Decimal] = defaultdict(Decimal)
    history = sorted((row for row in changes(story) if row[4] <= AS_OF), key=lambda row: row[4])
    month = history[0][4].replace(day=1)
    while month <= AS_OF:
        following = (month + timedelta(days=32)).replace(day=1)
        for row in history:
            if month <= row[4] < following:
                state[row[0]] = (row[1], row[2], row[3]), row[5]
        for line, worth in state.values():
            found[(*line, month)] += worth
        month = following
    return {key: worth for key, worth in found.items() if worth}


def test_closings_are_what_a_replay_of_the_changes_gives(finance: duckdb.DuckDBPyConnection, seed: int) -> None:
    for tenant, story in (("acme", seed), ("globex", seed + 100)):
        rows = finance.execute(CLOSINGS, [tenant]).fetchall()
        assert {tuple(row[:4]): row[4] for row in rows} == closings(story)
        assert len(rows) == len(closings(story))


def test_both_bridges_close_in_every_row(finance: duckdb.DuckDBPyConnection) -> None:
    assert finance.execute(OPEN_BRIDGES).fetchall() == [(0,)]


def test_a_month_opens_with_what_the_month_before_closed(finance: duckdb.DuckDBPyConnection) -> None:
    key = "_tenant_id, customer_key, product_key, currency"
    broken = finance.execute(
        f"SELECT count(*) FROM finance.mrr_monthly AS now LEFT JOIN finance.mrr_monthly AS before USING ({key}) "
        "WHERE before.month_start = now.month_start - INTERVAL 1 MONTH "
        "AND (before.closing <> now.opening OR before.closing_eur <> now.opening_eur)"
    ).fetchall()
    assert broken == [(0,)]


def test_euros_come_from_the_last_rate_known_at_the_months_end(finance: duckdb.DuckDBPyConnection, seed: int) -> None:
    known = rates(seed)
    rows = finance.execute(
        "SELECT currency, month_end, closing, eur_rate, closing_eur FROM finance.mrr_monthly WHERE _tenant_id = 'acme'"
    ).fetchall()
    for currency, month_end, closing, rate, closing_eur in rows:
        days = [day for base, day in known if base == currency and day <= month_end]
        assert rate == (known[currency, max(days)] if days else 1)
        assert closing_eur == (closing * rate).quantize(CENT, ROUND_HALF_UP)
    assert {month_end for _, month_end, *_ in rows if month_end > date(2026, 10, 31)} == {AS_OF}


def test_the_first_revenue_is_new_and_later_revenue_after_none_is_reactivation(
    finance: duckdb.DuckDBPyConnection,
) -> None:
    by_line = defaultdict(list)
    for *line, new, reactivation in finance.execute(
        "SELECT _tenant_id, customer_key, product_key, currency, new_mrr, reactivation FROM finance.mrr_monthly "
        "ORDER BY month_start"
    ).fetchall():
        by_line[tuple(line)].append((new, reactivation))
    for movements in by_line.values():
        assert movements[0][0] > 0
        assert all(new == 0 for new, _ in movements[1:])
    assert any(reactivation > 0 for movements in by_line.values() for _, reactivation in movements)
