"""The rules of revenue and receivables once more, in plain Python and day by day, to compare the scripts with."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

from billed_silver import cents
from financial_close import Row, Silver

_DAY = timedelta(days=1)
_NOTHING = Decimal(0)


def _rounded(part: Fraction, places: int) -> Decimal:
    """Round halves away from nothing."""
    units = abs(part) * 10**places + Fraction(1, 2)
    return Decimal(units.numerator // units.denominator).scaleb(-places) * (-1 if part < 0 else 1)


class BilledLine:
    """One invoice line, with what is known of it on a day."""

    def __init__(self, silver: Silver, row: Row, head: Row, as_of: date) -> None:
        self.row, self.issued_on, self.voided_on = row, head["issued_on"], voided_on(head, as_of)
        self.notes = [
            note
            for note in silver["credit_note"]
            if note["invoice_line_key"] == row["invoice_line_key"]
            and note["issued_on"] <= as_of
            and (self.voided_on is None or note["issued_on"] < self.voided_on)
        ]
        ends = [
            change["effective_on"]
            for change in silver["subscription_change"]
            if change["subscription_key"] == row["subscription_key"] and change["change_type"] == "cancel"
        ]
        until = max(row["service_to"], row["service_from"] + _DAY)
        self.ended_on = min((day for day in ends if self.issued_on <= day < until and day <= as_of), default=None)

    def billed(self, day: date) -> Decimal:
        """Return what it has been billed for by the end of a day."""
        if day < self.issued_on or (self.voided_on and day >= self.voided_on):
            return _NOTHING
        credited = sum((note["net_amount"] for note in self.notes if note["issued_on"] <= day), _NOTHING)
        return Decimal(self.row["net_amount"] - credited)

    def earned(self, day: date) -> Decimal:
        """Return what it has earned by the end of a day."""
        if self.voided_on and day >= self.voided_on:
            return _NOTHING
        parts = self._share(self.row, day)
        parts -= sum((self._share(note, day) for note in self.notes if self._counts(note, day)), _NOTHING)
        return _rounded(Fraction(parts), 2)

    def _counts(self, note: Row, day: date) -> bool:
        """Say whether a credit note is known on a day, or is for the time after the cancellation, which is."""
        known_on = note["issued_on"]
        if self.ended_on is not None and note["service_from"] >= self.ended_on:
            known_on = min(known_on, self.ended_on)
        return bool(day >= known_on)

    def _share(self, row: Row, day: date) -> Decimal:
        since, until = row["service_from"], max(row["service_to"], row["service_from"] + _DAY)
        if self.ended_on and day >= self.ended_on:
            return Decimal(row["net_amount"])
        days = min(max((day - since).days + 1, 0), (until - since).days)
        return _rounded(Fraction(row["net_amount"]) * days / (until - since).days, 6)


def voided_on(head: Row, as_of: date) -> date | None:
    """Return the day from which an invoice is void, as known on a day."""
    if head["voided_at"] is None:
        return None
    day = max(head["voided_at"].date(), head["issued_on"])
    return day if day <= as_of else None


def eur_rate(silver: Silver, currency: str, day: date) -> Decimal:
    """Return the last rate known on a day."""
    quotes = {row["rate_date"]: row["exchange_rate"] for row in silver["exchange_rate"]
              if row["base_currency"] == currency and row["rate_date"] <= day}  # fmt: skip
    return Decimal(quotes[max(quotes)]) if currency != "EUR" else Decimal(1)


def in_euros(amount: Decimal, rate: Decimal) -> Decimal:
    return cents(amount * rate)


def month_ends(first: date, last: date) -> list[date]:
    """Return the last days of the months that two days lie in, and of those between."""
    month, found = first.replace(day=1), []
    while month <= last:
        following = (month + timedelta(days=32)).replace(day=1)
        found.append(following - _DAY)
        month = following
    return found


def open_amounts(silver: Silver, as_of: date) -> dict[str, Decimal]:
    """Return what every invoice is open for on a day, those that are settled left out."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for head in silver["invoice"]:
        key = head["invoice_key"]
        if head["issued_on"] > as_of:
            continue
        found[key] -= sum((row["amount"] for row in silver["payment"]
                           if row["invoice_key"] == key and row["paid_on"] <= as_of), _NOTHING)  # fmt: skip
        if voided_on(head, as_of) is None:
            found[key] += head["gross_amount"]
            found[key] -= sum((note["gross_amount"] for note in silver["credit_note"]
                               if note["invoice_key"] == key and note["issued_on"] <= as_of), _NOTHING)  # fmt: skip
    return {key: amount for key, amount in found.items() if amount}


def bucket(head: Row, amount: Decimal, as_of: date) -> str:
    """Return where an open invoice stands in the ageing."""
    late = (as_of - head["due_on"]).days
    if amount < 0:
        return "credit balance"
    ends = {0: "not due", 30: "1-30", 60: "31-60", 90: "61-90"}
    return next((name for end, name in ends.items() if late <= end), "over 90")


def days_outstanding(months: list[tuple[int, Decimal]], receivables: Decimal) -> Decimal:
    """Count back: months as (days, billing), the newest first."""
    days = Decimal(0)
    for length, billed in months:
        if receivables <= 0:
            break
        taken = max(billed, _NOTHING)
        if receivables < taken:
            days += _rounded(Fraction(receivables) * length / Fraction(taken), 2)
            break
        days, receivables = days + length, receivables - taken
    return days.quantize(Decimal("0.01"), ROUND_DOWN)
