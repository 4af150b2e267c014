"""The world's calendar: business dates are its own, however late it is in the real present."""

from __future__ import annotations

from datetime import date, timedelta

START = date(2026, 1, 29)
"""The world's calendar begins here; its second business day ends a month."""
HISTORY = timedelta(days=730)
"""How far the company's past reaches back."""


def date_of(number: int) -> date:
    """Return the date of business day ``number``; day 0 is :data:`START`, weekends are left out."""
    weeks, days = divmod(number, 5)
    weekday = START.weekday() + days
    return START + timedelta(weeks=weeks, days=days + (2 if weekday > 4 else 0))
