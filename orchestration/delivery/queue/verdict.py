"""What follows from the outcome of an attempt: the values that a delivery's row takes."""

from __future__ import annotations

from typing import Any

from orchestration.delivery.queue.claimed import Outcome
from orchestration.delivery.queue.schedule import next_due, rank
from orchestration.delivery.registration import Registration

_LONGEST_MESSAGE = 500


def verdict(outcome: Outcome, wish: Registration | None, now: int, chance: float) -> dict[str, Any]:
    """Return the new values of a delivery that was leased; always the same columns.

    ``wish`` is its registration as it is now, ``None`` when it was removed; ``chance`` is for the jitter.
    """
    attempts = outcome.claimed.attempt
    if outcome.deferred_until is not None:
        return _again(wish, outcome.deferred_until) | {"attempts": attempts - 1, "failure": None, "message": None}
    told = {"attempts": attempts, "failure": outcome.failure, "message": outcome.message[:_LONGEST_MESSAGE] or None}
    if outcome.failure is None:
        return _final("skipped" if outcome.is_skipped else "delivered", now) | told
    if outcome.is_permanent:
        return _final("dead", now) | told
    if wish is None or wish.state == "disabled":
        return _final("cancelled", now) | told
    due = next_due(wish.terms, attempts, now, retry_after=outcome.retry_after, chance=chance)
    return (_final("dead", now) if due is None else _again(wish, due)) | told


def _again(wish: Registration | None, due_at: int) -> dict[str, Any]:
    placed = rank(due_at, wish.terms) if wish else due_at
    return {**_RELEASED, "state": "waiting", "due_at": due_at, "rank": placed, "finished_at": None}


def _final(state: str, now: int) -> dict[str, Any]:
    return {**_RELEASED, "state": state, "due_at": now, "rank": now, "finished_at": now}


_RELEASED: dict[str, Any] = {"lease_token": None, "lease_until": None}
