"""Claims what is ready, under a lease: fair among tenants, within each endpoint's limits, its breaker and its hours.

The attempt is counted when it is claimed, so that one that kills its worker counts too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from orchestration.delivery import registry
from orchestration.delivery.queue import endpoints
from orchestration.delivery.queue.breaker import Breaker
from orchestration.delivery.queue.claimed import Claimed, Due
from orchestration.delivery.queue.contents import contents
from orchestration.delivery.queue.endpoints import EndpointState
from orchestration.delivery.queue.hours import next_open
from orchestration.delivery.queue.rate import take
from orchestration.delivery.queue.ready import Line, Room, busy, first_of, lines, share
from orchestration.delivery.queue.release import release
from orchestration.delivery.queue.rows import Key, write
from orchestration.delivery.queue.schedule import rank
from orchestration.delivery.queue.standing import ASIDE
from orchestration.delivery.queue.suspects import without_suspects
from orchestration.delivery.registration import Place, Registration


@dataclass(frozen=True)
class Claim:
    """What was claimed with its registrations; ``wake_at``: when a limit of rate that held more back has room again."""

    claimed: list[Claimed] = field(default_factory=list)
    registrations: Mapping[Place, Registration] = field(default_factory=dict)
    wake_at: int | None = None


def claim(connection: Connection, now: int, room: Room, *, lease_ms: int) -> Claim:
    """Lease deliveries until ``now + lease_ms``.

    No row is claimed twice: others pass over what this transaction holds.
    """
    groups = lines(connection, now, room)
    states = endpoints.hold(connection, [line.key for group in groups for line in group], skip=True)
    picked = _pick(connection, now, groups, states, room)
    places = {row.place for rows in picked.values() for row in rows}
    wishes = {item.place: item for item in registry.registrations(connection, places=places)} if places else {}
    chosen: list[Due] = []
    wakes: list[int] = []
    for key, rows in picked.items():
        welcome = _sort_out(connection, now, rows, wishes)
        rates = [wishes[row.place].terms.rate_per_second for row in welcome]
        count, wake = _within_rate(connection, now, key, states[key], rates)
        chosen += welcome[:count]
        wakes += [wake] if wake else []
    return Claim(
        _lease(connection, without_suspects(connection, chosen), now + lease_ms), wishes, min(wakes, default=None)
    )


def _pick(
    connection: Connection, now: int, groups: list[list[Line]], states: Mapping[Key, EndpointState], room: Room
) -> dict[Key, list[Due]]:
    """Hold rows, evenly among tenants and among each tenant's endpoints; the longest lines last: they take the rest."""
    picked: dict[Key, list[Due]] = {}
    left = room.deliveries
    # Asked only where it matters: an endpoint that failed is tried by one delivery at a time.
    probed = busy(connection) if any(state.breaker.open_until is not None for state in states.values()) else set()
    for tenants, group in zip(range(len(groups), 0, -1), reversed(groups), strict=True):
        mine = share(left, tenants, room.of_tenant(group[0].tenant))
        open_lines = [line for line in reversed(group) if line.key in states]
        for takers, line in zip(range(len(open_lines), 0, -1), open_lines, strict=True):
            wanted = _wanted(now, line, states[line.key].breaker, room, is_probed=line.key in probed)
            count = share(mine, takers, wanted)
            rows = first_of(connection, line, count) if count else []
            picked |= {line.key: rows} if rows else {}
            mine, left = mine - len(rows), left - len(rows)
    return picked


def _wanted(now: int, line: Line, breaker: Breaker, room: Room, *, is_probed: bool) -> int:
    """Return how many an endpoint takes: one probe at a time when its breaker is half open."""
    if breaker.open_until is None:
        return room.of_endpoint(line.key)
    return 1 if breaker.is_half_open(now) and not is_probed else 0


def _sort_out(connection: Connection, now: int, rows: list[Due], wishes: Mapping[Place, Registration]) -> list[Due]:
    """Return what may be sent now; the rest waits for its hours or its registration, or is cancelled with it."""
    elsewhere = {place: _elsewhere(now, wishes.get(place)) for place in {row.place for row in rows}}
    moved = [row for row in rows if elsewhere[row.place]]
    write(connection, [(row.key, elsewhere[row.place]) for row in moved])
    cancelled = [row for row in moved if elsewhere[row.place]["state"] == "cancelled"]
    release(connection, now, [row.way for row in cancelled])
    return [row for row in rows if not elsewhere[row.place]] if moved else rows


def _elsewhere(now: int, wish: Registration | None) -> dict[str, Any]:
    """Return what a delivery becomes instead of being sent; empty when it is sent."""
    if wish is None or wish.state == "disabled":
        return {"state": "cancelled", "due_at": now, "finished_at": now, "message": "Its registration is no more."}
    if wish.state == "paused":
        return {"state": "waiting", "due_at": ASIDE}
    opens = next_open(wish.terms, now)
    return {"state": "waiting", "due_at": opens, "rank": rank(opens, wish.terms)} if opens > now else {}


def _within_rate(
    connection: Connection, now: int, key: Key, state: EndpointState, rates: Sequence[float | None]
) -> tuple[int, int | None]:
    """Return how many of these an endpoint's strictest limit allows, and when it has room for the next held back."""
    limits = [rate for rate in rates if rate is not None]
    if not limits:
        return len(rates), None
    count, left, again = take(state.bucket, min(limits), len(rates), now)
    endpoints.keep_bucket(connection, key, left)
    return count, again if count < len(rates) else None


def _lease(connection: Connection, rows: Sequence[Due], until: int) -> list[Claimed]:
    token = secrets.token_hex(16)
    leased = {"state": "leased", "lease_token": token, "lease_until": until}
    claimed = contents(connection, rows, token)
    told: dict[tuple[int, int | None], dict[str, Any]] = {}
    changed = []
    for item in claimed:
        fixed = item.attempt, item.from_version or 0 if item.to_version is not None else None
        if fixed not in told:
            told[fixed] = leased | {"attempts": fixed[0], "from_version": fixed[1]}
        changed.append((item.key, told[fixed]))
    write(connection, changed)
    return claimed
