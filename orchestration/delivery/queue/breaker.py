"""The breaker of an endpoint: failures in a row open it, one probe at a time tries it, a success closes it.

While it is open, nothing is claimed for the endpoint: what waits costs no attempts.
Every probe that fails doubles the pause, up to an hour.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from orchestration.delivery.terms import SECOND

MOST_FAILURES = 10
"""In a row; then it opens."""
FIRST_PAUSE, LONGEST_PAUSE = 30 * SECOND, 3600 * SECOND
GIVEN_UP_AFTER = 5 * 24 * 3600 * SECOND
"""An endpoint that did nothing but fail for so long is given up."""


@dataclass(frozen=True)
class Breaker:
    """The state as it is kept in the endpoint's row; times in milliseconds.

    ``open_until`` is ``None`` when it is closed; from that moment on, an open one is half open.
    """

    failures: int = 0
    failing_since: int | None = None
    open_until: int | None = None
    trips: int = 0

    def is_half_open(self, now: int) -> bool:
        """Whether it is time for a probe."""
        return self.open_until is not None and self.open_until <= now

    def is_hopeless(self, now: int) -> bool:
        """Whether the endpoint failed for so long that it is given up."""
        return self.failing_since is not None and self.failing_since <= now - GIVEN_UP_AFTER


CLOSED = Breaker()


def failed(breaker: Breaker, now: int, started_at: int) -> Breaker:
    """Return the breaker after an attempt failed that had begun at ``started_at``.

    Attempts that were under way when it opened are no probes: they open it no further.
    """
    since = breaker.failing_since if breaker.failing_since is not None else now
    counted = replace(breaker, failures=breaker.failures + 1, failing_since=since)
    is_probe = breaker.open_until is not None and started_at >= breaker.open_until
    if not is_probe and (breaker.open_until is not None or counted.failures < MOST_FAILURES):
        return counted
    pause = min(FIRST_PAUSE * 2 ** min(breaker.trips, 20), LONGEST_PAUSE)
    return replace(counted, open_until=now + pause, trips=breaker.trips + 1)
