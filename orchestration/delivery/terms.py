"""The terms of a registration: how long changes gather, how often and when it is delivered, and in which order."""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestration.decoding import decodable

SECOND = 1000
RETRIES = (5, 300, 1800, 7200, 18000, 36000, 36000)
"""Seconds between attempts, each with ±20 % of jitter: eight attempts in about 28 hours, as Svix does it."""

Ordering = Literal["table", "subject", "none"]


@decodable
class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything is in seconds; the defaults deliver each event at once.

    ``quiet_seconds`` gathers events until none came for so long, but never longer than
    ``longest_wait_seconds`` after the first and never more than ``largest_batch`` of them.
    ``priority``: 0 goes first, 9 last; a step weighs as much as a minute's wait.
    ``rate_per_second`` limits an endpoint. ``ordering``: ``table`` delivers a table's versions one
    after another (the default; changed rows need it), ``subject`` the events about one thing, ``none``
    as fast as it goes. ``hours`` such as ``06:00-20:00`` and ``days`` such as ``mon-fri`` say, in ``timezone``,
    when deliveries may be made. ``retries`` are the pauses before further attempts.
    """

    quiet_seconds: float = 0
    longest_wait_seconds: float = 3600
    largest_batch: int = 10_000
    priority: int = 5
    rate_per_second: float | None = None
    ordering: Ordering = "table"
    hours: str = ""
    days: str = ""
    timezone: str = "UTC"
    retries: tuple[float, ...] = RETRIES
    timeout_seconds: float = 30

    @property
    def most_attempts(self) -> int:
        """The first attempt and every retry."""
        return len(self.retries) + 1
