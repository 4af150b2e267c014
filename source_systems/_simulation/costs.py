"""What the company spends, and what it had planned to: salaries, rent, hosting, marketing and travel."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from source_systems._simulation.accounts import (
    ADMINISTRATION,
    CAMPAIGNS,
    DOMESTIC,
    ENGINEERING,
    EUROPEAN,
    HOSTING,
    MARKETING,
    OVERSEAS,
    RENT,
    SALARIES,
    SALES,
    SOCIAL,
    SUCCESS,
    TRAVEL,
    Account,
)
from source_systems._simulation.business_days import HISTORY, START
from source_systems._simulation.charges import cents, month_after
from source_systems._simulation.company import Company

FIRST_MONTH = month_after(START - HISTORY)
_GROWN = 24
"""Months in which the company grew to its size."""
_FAIR_MONTHS = {4: 22, 9: 12, 11: 18}
_TRAVEL_MONTHS = {1: 7, 3: 13, 4: 14, 7: 6, 8: 5, 9: 15, 10: 13, 12: 6}
_BONUS_MONTH = 11


class Spending(NamedTuple):
    """A kind of cost: net euros a month for each customer, the day it is booked on (0: the month's last)."""

    account: Account
    cost_center: str
    net: Decimal
    day: int
    text: str
    variation: int
    is_taxed: bool = True


_STAFF = {ENGINEERING: 750, SALES: 450, CAMPAIGNS: 150, SUCCESS: 300, ADMINISTRATION: 200}
SPENDINGS = (
    *(Spending(SALARIES, place, Decimal(net), 0, "Gehälter", 2, is_taxed=False) for place, net in _STAFF.items()),
    *(
        Spending(SOCIAL, place, Decimal(net) * 21 / 100, 0, "Sozialabgaben", 2, is_taxed=False)
        for place, net in _STAFF.items()
    ),
    Spending(RENT, ADMINISTRATION, Decimal(150), 3, "Büromiete", 0),
    Spending(HOSTING, ENGINEERING, Decimal(210), 5, "Rechenzentrum", 8),
    Spending(HOSTING, SUCCESS, Decimal(40), 5, "Ticketsystem", 4),
    Spending(MARKETING, CAMPAIGNS, Decimal(140), 10, "Online-Werbung", 20),
    Spending(MARKETING, CAMPAIGNS, Decimal(70), 20, "Messen und Drucksachen", 25),
    Spending(TRAVEL, SALES, Decimal(55), 25, "Reisekosten", 30),
    Spending(TRAVEL, SUCCESS, Decimal(25), 26, "Reisekosten", 30),
)


class Cost(NamedTuple):
    """What was spent: net euros on a day."""

    spending: Spending
    day: date
    net: Decimal


class Planned(NamedTuple):
    """A budget line, in whole euros as reports show them: revenue and costs above zero."""

    month: date
    cost_center: str
    account: Account
    amount: Decimal


def costs(company: Company, until: date) -> Iterator[Cost]:
    """Yield what was spent up to and including a day."""
    month = FIRST_MONTH
    while month <= until:
        for number, spending in enumerate(SPENDINGS):
            chance = company.random("cost", month, number)
            percent = 100 + chance.randint(-spending.variation, spending.variation)
            net = cents(_usual(company, spending, month) * percent / 100)
            day = month + timedelta(days=spending.day - 1) if spending.day else month_after(month) - timedelta(days=1)
            if day <= until:
                yield Cost(spending, day, net)
        month = month_after(month)


def plan(company: Company, year: int) -> Iterator[Planned]:
    """Yield a year's budget; months before the company's books begin have none."""
    for number in range(1, 13):
        month = date(year, number, 1)
        if month < FIRST_MONTH:
            continue
        yield from _planned_revenue(company, month)
        total: dict[tuple[str, Account], Decimal] = {}
        for spending in SPENDINGS:
            place = spending.cost_center, spending.account
            total[place] = total.get(place, Decimal(0)) + _usual(company, spending, month)
        for (cost_center, account), amount in total.items():
            yield Planned(month, cost_center, account, _hundreds(amount))


def _planned_revenue(company: Company, month: date) -> Iterator[Planned]:
    """Customers come from six countries alike: one of them is home, two are in the EU."""
    total = company.size * Decimal(3500) * max(0, _age(month) - 2) / (_GROWN - 2)
    for account, sixths in ((DOMESTIC, 1), (EUROPEAN, 2), (OVERSEAS, 3)):
        yield Planned(month, SALES, account, _hundreds(total * sixths / 6))


def _usual(company: Company, spending: Spending, month: date) -> Decimal:
    """Return what a spending comes to in a month when nothing special happens."""
    tenths = 10
    if spending.account is MARKETING:
        tenths = _FAIR_MONTHS.get(month.month, 9)
    elif spending.account is TRAVEL:
        tenths = _TRAVEL_MONTHS.get(month.month, 10)
    elif spending.account is SALARIES and month.month == _BONUS_MONTH:
        tenths = 16
    return company.size * spending.net * tenths / 10 * (16 + _age(month)) / 40


def _age(month: date) -> int:
    return (month.year - FIRST_MONTH.year) * 12 + month.month - FIRST_MONTH.month


def _hundreds(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1E2")).quantize(Decimal("0.01"))
