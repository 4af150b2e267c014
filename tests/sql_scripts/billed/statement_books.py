"""The books of two months in either chart of accounts: the same company, other numbers of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billed_silver import day
from financial_close import Row, Silver

AS_OF = date(2026, 2, 20)


@dataclass(frozen=True)
class Chart:
    """Accounts of a chart by what they are for."""

    name: str
    receivables: str
    bank: str
    revenue: str
    deductions: str
    salaries: str
    marketing: str
    rate_loss: str
    unlisted: str
    """One that the chart of accounts lacks, and that is of the statement."""
    stocks: str
    """One that the chart of accounts lacks, and that is of the balance sheet."""


SKR03 = Chart("SKR03", "1400", "1200", "8400", "8700", "4120", "4600", "2150", "4980", "3980")
SKR04 = Chart("SKR04", "1200", "1800", "4400", "4700", "6020", "6600", "6880", "6300", "1140")


def _posting(chart: Chart, on: str, accounts: tuple[str, str], amount: str, center: str | None = None) -> list[Row]:
    debit, credit = accounts
    key = f"{on} {debit} {credit} {amount} {center}"
    return [
        {
            "posting_key": key,
            "entry": entry,
            "chart": chart.name,
            "account": account,
            "cost_center": center,
            "currency": "EUR",
            "amount": Decimal(amount) * sign,
            "posted_on": day(on),
            "posting_month": day(on).replace(day=1),
            "is_personal_account": len(account) > 4,
        }
        for entry, account, sign in (("account", debit, 1), ("contra_account", credit, -1))
    ]


def _account(chart: Chart, account: str, position: str | None = None, sign: int = 1) -> Row:
    return {
        "chart": chart.name, "account": account, "account_name": f"account {account}", "pl_position": position,
        "account_sign": sign,
    }  # fmt: skip


def books(chart: Chart) -> Silver:
    """Return silver's tables of a company that books in a chart."""
    c = chart
    postings = [
        _posting(c, "2026-01-10", (c.receivables, c.revenue), "1000.00", "200"),
        _posting(c, "2026-01-31", (c.salaries, c.bank), "600.00", "100"),
        _posting(c, "2026-01-31", (c.rate_loss, c.receivables), "10.00", "200"),
        _posting(c, "2026-01-15", (c.unlisted, "70001"), "25.00"),  # a supplier, no cost centre
        _posting(c, "2026-01-15", (c.stocks, "70001"), "33.00"),
        _posting(c, "2026-02-10", ("10001", c.revenue), "1200.00", "200"),  # a customer's own account
        _posting(c, "2026-02-12", (c.deductions, "10001"), "50.00", "200"),
        _posting(c, "2026-02-14", (c.marketing, c.bank), "80.00", "300"),
        _posting(c, "2026-02-15", (c.bank, c.receivables), "500.00"),
        _posting(c, "2026-02-28", (c.salaries, c.bank), "600.00", "100"),  # after the day
    ]
    planned = [
        ("2026-01-01", "200", c.revenue, "900.00"),
        ("2026-02-01", "200", c.revenue, "1100.00"),
        ("2026-02-01", "200", c.deductions, "40.00"),
        ("2026-01-01", "100", c.salaries, "650.00"),
        ("2026-02-01", "100", c.salaries, "650.00"),
        ("2026-03-01", "100", c.salaries, "650.00"),  # after the day
    ]
    return {
        "gl_account": [
            _account(c, c.receivables),
            _account(c, c.bank),
            _account(c, c.revenue, "revenue", -1),
            _account(c, c.deductions, "revenue", 1),  # reports show deductions above zero; they lower revenue
            _account(c, c.salaries, "personnel"),
            _account(c, c.marketing, "marketing"),
            _account(c, c.rate_loss, "exchange_differences", -1),
        ],
        "gl_posting": [row for both in postings for row in both],
        "gl_budget": [
            {"budget_month": day(month), "cost_center": center, "account": account, "amount": Decimal(amount)}
            for month, center, account, amount in planned
        ],
        "cost_center": [
            {"cost_center": "100", "cost_center_name": "Engineering"},
            {"cost_center": "200", "cost_center_name": "Sales"},
        ],
    }
