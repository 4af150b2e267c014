"""The worker: claims what is due, sends it, and writes down what became of it, until it is stopped or idle.

Any number of workers may run; each holds what it claimed under a lease, and what a dead one held is
taken over when that has run out.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import uvloop

from orchestration import metering, telemetry
from orchestration.delivery.garbage import seldom_collected
from orchestration.delivery.outgoing import Outgoing
from orchestration.delivery.queue.claimed import Claimed, Outcome
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.sealing import Seal
from orchestration.delivery.senders import Senders
from orchestration.delivery.sending import Attempts, Composed, Ready, Task, composed_at_once
from orchestration.delivery.summary import Summary
from orchestration.delivery.turn import Tenure, Turn, take_turn
from orchestration.delivery.upkeep import gather_all, keep_up, tidy_up
from orchestration.failures import StrataError
from orchestration.runtime import Runtime

CONCURRENCY = 4096
"""Deliveries that one worker has at once, most of them waiting to be sent; half of them at most are one tenant's.

So many that even one tenant's do not run out while a turn is taken: with half of it sending paused in every turn.
"""
LEASE_MS = 60_000
_CLAIMED_AT_ONCE = 2048
_SETTLED_AT_ONCE = 1024
_LINGER_SECONDS = 0.05
"""How long what ended waits for others to be settled with: a commit costs the same for one and for a hundred."""
_POLL_SECONDS = 0.25
_GRACE_SECONDS = 30.0
"""How long what is under way may take to end when the worker is stopped; the rest is given back."""
_DATABASE_AWAY_SECONDS = 300.0


async def deliver(
    runtime: Runtime,
    *,
    until_idle: bool,
    stop: asyncio.Event,
    concurrency: int = CONCURRENCY,
    lease_ms: int = LEASE_MS,
) -> Summary:
    """Deliver until ``stop`` is set, taking in what is new, or with ``until_idle`` what is there until nothing is due.

    When it is stopped, what is under way ends first.

    Raises:
        SettingsError: the installation's pepper is missing here: every delivery would be a dead letter.
        StrataError: the control plane did not answer for five minutes.
    """
    if not runtime.control.embedded:
        Seal(runtime.settings, runtime.control)
    worker = _Worker(runtime, stop, concurrency, lease_ms)
    beside = None if until_idle else asyncio.create_task(keep_up(runtime))
    with seldom_collected(), runtime.control.kept_open():
        try:
            await worker.run(until_idle=until_idle)
        finally:
            if beside:
                beside.cancel()
            await worker.close()
    return worker.summary


def deliver_due(runtime: Runtime, concurrency: int = CONCURRENCY) -> Summary:
    """Take in what is new and deliver until nothing is due, and return what was done; for what ends by itself.

    Raises:
        StrataError: the control plane or the published logs cannot be read or written.
    """
    gather_all(runtime)
    summary = uvloop.run(deliver(runtime, until_idle=True, stop=asyncio.Event(), concurrency=concurrency))
    tidy_up(runtime)
    return summary


@dataclass(eq=False)
class _Worker:
    runtime: Runtime
    stop: asyncio.Event
    concurrency: int
    lease_ms: int
    summary: Summary = field(default_factory=Summary)

    def __post_init__(self) -> None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        self._tenure = Tenure(name, self.lease_ms)
        self._scratch = self.runtime.settings.scratch_dir / "deliveries" / name.replace(":", "-")
        self._senders = Senders(self.runtime)
        self._attempts = Attempts(self.runtime, self._senders, self._scratch, self._clock)
        self._outgoing = Outgoing(self._carry_out, self._end)
        self._outcomes: list[Outcome] = []
        self._ended = asyncio.Event()
        # Its own: what composes and reads secrets in threads must not keep leases from being renewed.
        self._thread = ThreadPoolExecutor(1, "turns")
        self._ahead_ms = 0.0
        self._renewed_at = self._answered_at = time.monotonic()

    async def run(self, *, until_idle: bool) -> None:
        """Take turns until there is nothing more to do."""
        while True:
            was_busy = bool(self._outgoing)  # then there may be more that there was no room for
            turn = await self._turn()
            if turn is not None:
                is_idle = not (was_busy or self._outgoing or self._outcomes or turn.moved or turn.claim.wake_at)
                if is_idle and (until_idle or self.stop.is_set()):
                    return
            await self._wait(turn)
            if self.stop.is_set():
                await self._finish()

    async def close(self) -> None:
        """Let go of connections and scratch files."""
        await self._outgoing.stop(0)
        await self._senders.close()
        self._thread.shutdown()
        await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)

    async def _turn(self) -> Turn | None:
        """Take a turn and begin what was claimed; ``None``: the database did not answer, the outcomes are kept."""
        loop = asyncio.get_running_loop()
        outcomes, self._outcomes = self._outcomes, []
        self._ended.clear()
        renewals = self._renewals()
        try:
            turn, composed = await loop.run_in_executor(self._thread, self._take_turn, outcomes, renewals, self._room())
        except StrataError:
            self._outcomes = outcomes + self._outcomes
            if time.monotonic() - self._answered_at > _DATABASE_AWAY_SECONDS:
                raise
            await asyncio.sleep(1)
            return None
        self._answered_at = time.monotonic()
        self._account(turn, outcomes)
        for task, message in composed:
            self._outgoing.begin(task, message)
        self._senders.tidy()
        return turn

    def _take_turn(
        self, outcomes: Sequence[Outcome], renewals: Sequence[Claimed], room: Room
    ) -> tuple[Turn, list[tuple[Task, Composed]]]:
        """Take a turn, and compose at once what takes no time; in a thread."""
        turn = take_turn(self.runtime.control, self._tenure, outcomes, renewals, room)
        self._ahead_ms = turn.now - time.monotonic() * 1000
        tasks = [Task(item, turn.claim.registrations[item.place]) for item in turn.claim.claimed]
        return turn, [(task, self._composed(task)) for task in tasks]

    def _composed(self, task: Task) -> Composed:
        is_quick = task.wish.payload == "reference"
        return composed_at_once(self.runtime, task, self._scratch) if is_quick else None

    def _room(self) -> Room:
        """Return what fits. The more is under way, the less an endpoint gets: slow ones never fill the worker."""
        busy = self._outgoing.busy()
        free = self.concurrency - busy.total()
        wanted = 0 if self.stop.is_set() else min(free, _CLAIMED_AT_ONCE)
        return Room(wanted, max(2, free // 2), max(1, self.concurrency // 2), busy)

    def _renewals(self) -> list[Claimed]:
        if time.monotonic() - self._renewed_at < self.lease_ms / 3000:
            return []
        self._renewed_at = time.monotonic()
        return self._outgoing.claimed()

    def _account(self, turn: Turn, outcomes: Sequence[Outcome]) -> None:
        dropped = {item.key for item in turn.dropped}
        for outcome in outcomes:
            if outcome.claimed.key not in dropped:
                self.summary.count(outcome)
        self.summary.dropped += len(dropped)
        self.summary.rescued += turn.rescued
        self._outgoing.drop(turn.lost)

    async def _carry_out(self, task: Task, ready: Ready) -> Outcome:
        claimed = task.claimed
        with telemetry.span(
            f"deliver by {task.wish.channel}",
            claimed.traceparent,
            tenant=claimed.tenant,
            registration=claimed.registration_id,
            delivery=claimed.delivery_id,
            attempt=claimed.attempt,
        ):
            outcome = await self._attempts.make(task, ready)
        _meter(task, outcome)
        return outcome

    def _end(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._ended.set()

    async def _wait(self, turn: Turn | None) -> None:
        """Wait for something to settle, a little longer for more of it, or until it is time to look again."""
        if turn is not None and turn.is_full and self._room().deliveries:
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), _POLL_SECONDS)
        until = time.monotonic() + _LINGER_SECONDS
        while self._outgoing and len(self._outcomes) < _SETTLED_AT_ONCE and time.monotonic() < until:  # noqa: ASYNC110 - an event each costs more
            await asyncio.sleep(_LINGER_SECONDS / 5)

    async def _finish(self) -> None:
        """Let end what is under way; give back what was not begun, and what takes too long."""
        unsent = self._outgoing.unsent()
        late = await self._outgoing.stop(_GRACE_SECONDS)
        now = self._clock()
        self._outcomes += [Outcome(item, now, 0, deferred_until=now) for item in (*unsent, *late)]

    def _clock(self) -> int:
        """Return the database's time, carried on by a clock that is never set back."""
        return round(time.monotonic() * 1000 + self._ahead_ms)


def _meter(task: Task, outcome: Outcome) -> None:
    if outcome.deferred_until is None:
        result = outcome.failure or ("skipped" if outcome.is_skipped else "delivered")
        metering.count("strata_attempts", 1, channel=task.wish.channel, result=str(result))
        metering.observe("strata_attempt_seconds", outcome.milliseconds / 1000, channel=task.wish.channel)
