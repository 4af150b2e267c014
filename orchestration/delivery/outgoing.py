"""What one worker has claimed and not settled yet: a line for each registration, sent by a few runners at a time.

A runner takes one delivery of its line after the other, as a clerk at a counter does: a task and a
semaphore for each delivery would cost as much as sending it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from orchestration.delivery.queue.claimed import Claimed, Outcome
from orchestration.delivery.queue.rows import Key
from orchestration.delivery.registration import Place
from orchestration.delivery.sending import Ready, Task

IN_PARALLEL = 64
"""Messages under way at once for one registration: its consumer is not run over by a worker that has thousands."""

Name = tuple[str, str]
"""A delivery's claim: its token and its id."""
Make = Callable[[Task, Ready], Awaitable[Outcome]]


@dataclass(eq=False)
class _Line:
    jobs: deque[tuple[Task, Ready]] = field(default_factory=deque)
    runners: dict[asyncio.Task[None], Name | None] = field(default_factory=dict)


class Outgoing:
    """Deliveries on their way; ``make`` makes an attempt, ``ended`` takes its outcome."""

    def __init__(self, make: Make, ended: Callable[[Outcome], None]) -> None:
        """Have nothing yet."""
        self._make, self._ended = make, ended
        self._held: dict[Name, Claimed] = {}
        self._lines: dict[Place, _Line] = {}

    def __len__(self) -> int:
        """Return how many there are, begun or not."""
        return len(self._held)

    def begin(self, task: Task, ready: Ready) -> None:
        """Take a delivery on; it is sent when its line gets there."""
        self._held[_name(task.claimed)] = task.claimed
        line = self._lines.setdefault(task.claimed.place, _Line())
        line.jobs.append((task, ready))
        self._staff(line)

    def claimed(self) -> list[Claimed]:
        """Return all there are."""
        return list(self._held.values())

    def busy(self) -> Counter[Key]:
        """Return how many there are for each endpoint."""
        return Counter((item.tenant, item.endpoint_id) for item in self._held.values())

    def drop(self, lost: Collection[Claimed]) -> None:
        """Let go of deliveries that others have by now, in the middle of sending too."""
        names = {_name(item) for item in lost}
        for name in names:
            self._held.pop(name, None)
        for line in self._lines.values():
            for runner, begun in line.runners.items():
                if begun in names:
                    runner.cancel()

    def unsent(self) -> list[Claimed]:
        """Let go of what no runner has begun, and return it."""
        waiting = [task.claimed for line in self._lines.values() for task, _ in line.jobs]
        for line in self._lines.values():
            line.jobs.clear()
        for item in waiting:
            del self._held[_name(item)]
        return waiting

    async def stop(self, patience: float) -> list[Claimed]:
        """Wait so many seconds for what was begun, break off the rest and return it."""
        runners = [runner for line in self._lines.values() for runner in line.runners]
        if runners:
            await asyncio.wait(runners, timeout=patience)
        late = self.claimed()
        self._held.clear()
        for runner in runners:
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)
        return late

    def _staff(self, line: _Line) -> None:
        if line.jobs and len(line.runners) < IN_PARALLEL:
            runner = asyncio.create_task(self._run(line))
            line.runners[runner] = None
            runner.add_done_callback(lambda ended: self._left(line, ended))

    def _left(self, line: _Line, runner: asyncio.Task[None]) -> None:
        del line.runners[runner]
        self._staff(line)  # one that was cancelled leaves work behind

    async def _run(self, line: _Line) -> None:
        me = asyncio.current_task()
        while line.jobs:
            task, ready = line.jobs.popleft()
            name = _name(task.claimed)
            if name not in self._held:
                continue
            if me is not None:
                line.runners[me] = name
            outcome = await self._make(task, ready)
            if self._held.pop(name, None) is not None:
                self._ended(outcome)


def _name(claimed: Claimed) -> Name:
    return claimed.token, claimed.delivery_id
