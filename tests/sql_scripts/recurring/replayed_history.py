"""The same figures another way: a history is lived through day by day in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from silver_rows import Row, Silver

_NOTHING = Decimal("0.00")
Line = tuple[str, str, str]
"""Customer, product, currency."""


def month_of(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def month_after(month: date, number: int = 1) -> date:
    """Return the first day of a later month."""
    place = month.year * 12 + month.month - 1 + number
    return date(place // 12, place % 12 + 1, 1)


class Replay:
    """What a history comes to on each day up to ``as_of``."""

    def __init__(self, silver: Silver, as_of: date) -> None:
        """Live through all days."""
        self.as_of = as_of
        self.changes: list[dict[str, Any]] = [dict(row) for row in silver["subscription_change"]]
        self.changes.sort(key=lambda row: (row["created_at"], row["mrr_after"]))
        self.rates: list[dict[str, Any]] = [dict(row) for row in silver["exchange_rate"]]
        self.kinds: dict[tuple[date, str], tuple[str, Decimal]] = {}
        self.closings: dict[tuple[str, str, str, date], Decimal] = {}
        self.cohorts: dict[str, date] = {}
        self._live()

    def _live(self) -> None:
        worths: dict[str, tuple[Line, Decimal]] = {}
        days = [row["effective_on"] for row in self.changes if row["effective_on"] <= self.as_of]
        day = min(days, default=self.as_of)
        while days and day <= self.as_of:
            self._day(day, worths)
            day += timedelta(days=1)
            if day.day == 1 or day > self.as_of:
                self._close(month_of(day - timedelta(days=1)), worths)

    def _day(self, day: date, worths: dict[str, tuple[Line, Decimal]]) -> None:
        last = {row["subscription_key"]: row for row in self.changes if row["effective_on"] == day}
        paid = self._payers(worths)
        moved = {}
        for key, row in last.items():
            before = worths[key][1] if key in worths else _NOTHING
            worths[key] = (row["customer_key"], row["product_key"], row["currency"]), row["mrr_after"]
            if row["mrr_after"] != before:
                moved[key] = row["customer_key"], row["mrr_after"] - before
        pays = self._payers(worths)
        for key, (customer, amount) in moved.items():
            self.kinds[day, key] = self._kind(customer, amount, paid, pays), amount
        for customer in pays - set(self.cohorts):
            self.cohorts[customer] = month_of(day)

    def _kind(self, customer: str, amount: Decimal, paid: set[str], pays: set[str]) -> str:
        if customer not in paid:
            return "reactivation" if customer in self.cohorts else "new"
        if customer not in pays:
            return "churn"
        return "expansion" if amount > 0 else "contraction"

    def _payers(self, worths: dict[str, tuple[Line, Decimal]]) -> set[str]:
        return {line[0] for line, worth in worths.values() if worth > 0}

    def _close(self, month: date, worths: dict[str, tuple[Line, Decimal]]) -> None:
        sums: dict[Line, Decimal] = defaultdict(Decimal)
        for line, worth in worths.values():
            sums[line] += worth
        self.closings |= {(*line, month): worth for line, worth in sums.items() if worth}

    def rate(self, currency: str, month: date) -> Decimal:
        """Return what one unit is worth in EUR at a month's end."""
        end = min(month_after(month) - timedelta(days=1), self.as_of)
        if currency == "EUR":
            return Decimal(1)
        known = [row for row in self.rates if row["base_currency"] == currency and row["rate_date"] <= end]
        return Decimal(max(known, key=lambda row: row["rate_date"])["exchange_rate"])

    def euros(self, amount: Decimal, currency: str, month: date) -> Decimal:
        """Value an amount at a month's rate, to the cent."""
        return (amount * self.rate(currency, month)).quantize(Decimal("0.01"), ROUND_HALF_UP)

    def retention(self, month: date) -> tuple[Decimal, Decimal, Decimal] | None:
        """Return what last year's customers brought then, what of it is kept and what they bring now, in EUR."""
        then, now = self._customers(month_after(month, -12), month), self._customers(month, month)
        if not then:
            return None
        kept = sum((min(worth, now.get(customer, _NOTHING)) for customer, worth in then.items()), _NOTHING)
        return sum(then.values(), _NOTHING), kept, sum((now.get(name, _NOTHING) for name in then), _NOTHING)

    def _customers(self, month: date, valued: date) -> dict[str, Decimal]:
        by_currency: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for (customer, _, currency, closed), worth in self.closings.items():
            if closed == month:
                by_currency[customer, currency] += worth
        found: dict[str, Decimal] = defaultdict(Decimal)
        for (customer, currency), worth in by_currency.items():
            found[customer] += self.euros(worth, currency, valued)
        return found

    def running(self, number: int) -> Iterator[tuple[str, Decimal]]:
        """Yield what each subscription will bring at the end of a month after the close's, as far as is known."""
        end = month_after(month_of(self.as_of), number + 1) - timedelta(days=1)
        known = [row for row in self.changes if min(row["effective_on"], row["created_at"]) <= self.as_of]
        last = {row["subscription_key"]: row for row in _in_time(known) if row["effective_on"] <= end}
        yield from ((key, row["mrr_after"]) for key, row in last.items() if row["mrr_after"])


def _in_time(rows: Sequence[Row]) -> list[Any]:
    return sorted(rows, key=lambda row: str(row["effective_on"]))
