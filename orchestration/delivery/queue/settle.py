"""Settles attempts: whoever still holds the lease says what became of a delivery; who comes too late is not heard."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from orchestration.control.delivery_tables import FINAL_STATES, delivery
from orchestration.delivery import registry
from orchestration.delivery.failures import ENDPOINT_FAULTS, DeliveryFailure
from orchestration.delivery.queue import attempts, breaker, endpoints
from orchestration.delivery.queue.breaker import CLOSED, Breaker
from orchestration.delivery.queue.claimed import Claimed, Outcome
from orchestration.delivery.queue.received import keep_received
from orchestration.delivery.queue.recovery import hasten
from orchestration.delivery.queue.release import release
from orchestration.delivery.queue.rows import Key, among, locked, write
from orchestration.delivery.queue.verdict import verdict
from orchestration.delivery.registration import Place, Registration

_RECEIVED = ("delivered", "skipped")


def settle(connection: Connection, now: int, outcomes: Sequence[Outcome], worker: str = "") -> list[Claimed]:
    """Write down what became of deliveries; return those that were another's by then: they are dropped."""
    still_held = held(connection, [item.claimed for item in outcomes])
    mine = [item for item in outcomes if item.claimed.key in still_held]
    places = {item.claimed.place for item in mine}
    wishes = {item.place: item for item in registry.registrations(connection, places=places)} if places else {}
    tried = [item for item in mine if item.deferred_until is None and not item.is_skipped]
    _judge_endpoints(connection, now, tried, wishes)
    states = _write(connection, now, mine, wishes)
    attempts.record(connection, tried, worker)
    settled = list(zip((item.claimed for item in mine), states, strict=True))
    keep_received(connection, now, [claimed for claimed, state in settled if state in _RECEIVED])
    release(connection, now, {claimed.way for claimed, state in settled if state in FINAL_STATES})
    return [item.claimed for item in outcomes if item.claimed.key not in still_held]


def held(connection: Connection, claimed: Iterable[Claimed]) -> set[Key]:
    """Return what is leased under the very token with which it was claimed, and hold those rows."""
    tokens = {item.key: item.token for item in claimed}
    if not tokens:
        return set()
    statement = (
        select(delivery.c.tenant_id, delivery.c.delivery_id, delivery.c.state, delivery.c.lease_token)
        .where(among(delivery, "delivery_id", tokens))
        .order_by(delivery.c.tenant_id, delivery.c.delivery_id)
    )
    found: list[Any] = list(connection.execute(locked(statement, delivery, skip=False)).all())
    return {
        (tenant, name) for tenant, name, state, token in found if state == "leased" and token == tokens[tenant, name]
    }


def _write(
    connection: Connection, now: int, outcomes: Sequence[Outcome], wishes: Mapping[Place, Registration]
) -> list[str]:
    """Write the new values of deliveries; return their states, in the order of the outcomes."""
    changed = list(zip((item.claimed.key for item in outcomes), _verdicts(now, outcomes, wishes), strict=True))
    write(connection, changed)
    return [values["state"] for _, values in changed]


def _verdicts(now: int, outcomes: Sequence[Outcome], wishes: Mapping[Place, Registration]) -> Iterator[dict[str, Any]]:
    """Yield the new values of each; those that went well at once share theirs."""
    well: dict[int, dict[str, Any]] = {}
    for item in outcomes:
        values = well.get(item.claimed.attempt) if item.is_plain else None
        if values is None:
            values = verdict(item, wishes.get(item.claimed.place), now, random.random())  # noqa: S311 - jitter
        if item.is_plain:
            well[item.claimed.attempt] = values
        yield values


def _judge_endpoints(
    connection: Connection, now: int, outcomes: Sequence[Outcome], wishes: dict[Place, Registration]
) -> None:
    """Fold outcomes into the breakers, and disable registrations whose endpoint is gone or was given up.

    A registration that is disabled here is so in ``wishes``, too.
    """
    of_endpoint: defaultdict[Key, list[Outcome]] = defaultdict(list)
    for item in sorted(outcomes, key=lambda item: item.started_at + item.milliseconds):
        of_endpoint[item.claimed.tenant, item.claimed.endpoint_id].append(item)
    changed: dict[Key, Breaker] = {}
    seen = endpoints.read(connection, of_endpoint)
    # A healthy endpoint that took everything is the usual case: nothing is written, and nobody kept waiting.
    doubtful = [key for key, state in seen.items() if _folded(state.breaker, of_endpoint[key], now) != state.breaker]
    for key, state in endpoints.hold(connection, doubtful, skip=False).items():
        after = _folded(state.breaker, of_endpoint[key], now)
        if after != state.breaker:
            changed[key] = after
        if after == CLOSED and state.breaker.open_until is not None:
            hasten(connection, now, key)
        _disable(connection, _lost(of_endpoint[key], after, now), wishes)
    endpoints.keep_breakers(connection, changed)


def _folded(before: Breaker, outcomes: Sequence[Outcome], now: int) -> Breaker:
    after = before
    for item in outcomes:
        if item.failure is None:
            after = CLOSED
        elif item.failure in ENDPOINT_FAULTS:
            after = breaker.failed(after, now, item.started_at)
    return after


def _lost(outcomes: Sequence[Outcome], after: Breaker, now: int) -> dict[Place, str]:
    """Return the registrations to be disabled, each with the reason for people."""
    found: dict[Place, str] = {}
    for item in outcomes:
        if item.failure is DeliveryFailure.GONE:
            found[item.claimed.place] = "Its endpoint answered that it is gone for good (410)."
        elif item.failure in ENDPOINT_FAULTS and after.is_hopeless(now):
            found[item.claimed.place] = f"Its endpoint has done nothing but fail for five days ({item.failure})."
    return found


def _disable(connection: Connection, lost: Mapping[Place, str], wishes: dict[Place, Registration]) -> None:
    for place, reason in sorted(lost.items()):
        if place in wishes and wishes[place].state != "disabled":
            registry.set_state(connection, place, "disabled", reason)
            wishes[place] = replace(wishes[place], state="disabled", reason=reason)
