"""What a service period costs: the charges of an invoice, and how amounts divide over days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Charge:
    """A line on its way to an invoice; the service period begins on ``since`` and ends before ``until``."""

    line_type: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    net: Decimal
    since: date
    until: date


@dataclass
class Billed:
    """How far a subscription is invoiced (``until``, exclusive), and what waits for its next invoice."""

    until: date
    pending: list[Charge] = field(default_factory=list)

    def take(self) -> list[Charge]:
        """Return what waited; nothing waits then."""
        taken, self.pending = self.pending, []
        return taken


def cents(amount: Decimal) -> Decimal:
    """Round to whole cents, halves up."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def month_after(day: date) -> date:
    """Return the first day of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def worth(mrr: Decimal, since: date, until: date) -> Decimal:
    """Return what a monthly amount comes to in a period: whole months in full, parts by the day, rounded once."""
    total = Decimal(0)
    while since < until:
        following = month_after(since)
        end = min(following, until)
        total += mrr * (end - since).days / (following - since.replace(day=1)).days
        since = end
    return cents(total)


def part_from(day: date, amount: Decimal, since: date, until: date) -> Decimal:
    """Return the part of an amount, spread evenly over the days of its period, that falls on a day or later."""
    days = (until - max(since, day)).days
    return cents(amount * max(0, days) / (until - since).days)
