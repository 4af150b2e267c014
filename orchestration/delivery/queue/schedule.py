"""When a delivery is tried again, and what goes first: pure functions of a registration's terms."""

from __future__ import annotations

from orchestration.delivery.queue.hours import next_open
from orchestration.delivery.terms import SECOND, Terms

JITTER = 0.2
PRIORITY_STEP = 60 * SECOND
"""A step of priority weighs as much as a minute's wait, so that nothing waits for ever."""


def next_due(
    terms: Terms, attempts: int, now: int, *, retry_after: float | None = None, chance: float = 0.5
) -> int | None:
    """Return when to try again after so many attempts, in milliseconds; ``None`` when that was the last.

    ``chance`` (0 to 1) moves the pause by up to ±20 %. What the endpoint asks for (``retry_after``, in seconds)
    is kept within the pause and twice the pause: it can neither hurry a delivery nor put it off for good.
    """
    if attempts >= terms.most_attempts:
        return None
    pause = terms.retries[attempts - 1]
    if retry_after is None:
        pause *= 1 - JITTER + 2 * JITTER * chance
    else:
        pause = min(max(retry_after, pause), 2 * pause) * (1 + JITTER * chance)
    return next_open(terms, now + round(pause * SECOND))


def rank(due_at: int, terms: Terms) -> int:
    """Return what orders deliveries that are ready, smallest first."""
    return due_at + terms.priority * PRIORITY_STEP
