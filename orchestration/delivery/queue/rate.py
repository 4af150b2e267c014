"""The rate limit of an endpoint: a bucket of tokens that fills with time; a delivery takes one."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.delivery.terms import SECOND


@dataclass(frozen=True)
class Bucket:
    """Tokens at a moment (milliseconds); a bucket that was never used is full."""

    tokens: float | None = None
    at: int | None = None

    def filled(self, rate: float, now: int) -> float:
        """Return the tokens there are now; a second's worth is kept at most, but always room for one.

        A clock that went back fills nothing.
        """
        most = max(1.0, rate)
        if self.tokens is None or self.at is None:
            return most
        return min(most, self.tokens + rate * max(0, now - self.at) / SECOND)


def take(bucket: Bucket, rate: float, wanted: int, now: int) -> tuple[int, Bucket, int]:
    """Take as many tokens as there are, up to ``wanted``: how many, what is left, and when there is one again."""
    there = bucket.filled(rate, now)
    taken = min(wanted, int(there))
    left = there - taken
    again = now if left >= 1 else now + round((1 - left) / rate * SECOND) + 1
    return taken, Bucket(left, now), again
