"""The hours and days in which a registration takes deliveries, in its own time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from orchestration.delivery.registering.terms import DAYS
from orchestration.delivery.terms import Terms

_DAY = timedelta(days=1)
_DAYS_AHEAD = 9
"""A window opens every week; one that falls into the hour that a change of clocks leaves out, the week after."""


def next_open(terms: Terms, at: int) -> int:
    """Return ``at``, or when it is outside the window, the moment at which the window opens next; in milliseconds."""
    if not (terms.hours or terms.days) or _is_open(terms, at):
        return at
    opens = _hours(terms)[0]
    today = _local(terms, at).date()
    for ahead in range(_DAYS_AHEAD + 7):
        begin = datetime.combine(today + ahead * _DAY, opens, ZoneInfo(terms.timezone))
        moment = int(begin.timestamp() * 1000)
        if moment > at and _is_open(terms, moment):
            return moment
    return at


def _is_open(terms: Terms, at: int) -> bool:
    local = _local(terms, at)
    opens, closes = _hours(terms)
    days, minute = _days(terms), local.time()
    if closes is None or opens < closes:
        return local.weekday() in days and opens <= minute and (closes is None or minute < closes)
    # Over midnight: the small hours belong to the night that began the day before.
    yesterday = (local.weekday() - 1) % 7
    return (local.weekday() in days and minute >= opens) or (yesterday in days and minute < closes)


def _local(terms: Terms, at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(terms.timezone))


def _hours(terms: Terms) -> tuple[time, time | None]:
    """Return when it opens and closes; ``None``: at midnight."""
    begin, _, end = (terms.hours or "00:00-24:00").partition("-")
    return time.fromisoformat(begin), None if end in ("24:00", "00:00") else time.fromisoformat(end)


def _days(terms: Terms) -> set[int]:
    """Return the weekdays, Monday being 0; ``sat-mon`` goes over the week's end."""
    if not terms.days:
        return set(range(7))
    found: set[int] = set()
    for part in terms.days.split(","):
        first, _, last = part.partition("-")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found |= {(begin + step) % 7 for step in range((end - begin) % 7 + 1)}
    return found
