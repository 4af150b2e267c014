"""Ends what takes too long, with one timer for all that is under way: a timer for each message cost a twentieth."""

from __future__ import annotations

import asyncio
from types import TracebackType


class TimeLimit:
    """A limit that every block entered with it has for itself; several tasks may be in one at once, each once.

    Raises:
        TimeoutError: the block took longer.
    """

    def __init__(self, seconds: float) -> None:
        """Watch over nothing yet."""
        self._seconds = seconds
        self._ends: dict[asyncio.Task[object], float] = {}
        """By task, on the loop's clock; in the order in which they end, for all have as long."""
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Begin to count for the task that runs."""
        me, loop = _me(), asyncio.get_running_loop()
        self._ends[me] = ends = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(ends, self._look)

    def __exit__(self, kind: type[BaseException] | None, _error: object, _traceback: TracebackType | None) -> None:
        """Count no more; who was ended here is told so, unless somebody else wanted the task to end, too."""
        me = _me()
        self._ends.pop(me, None)
        if me in self._late:
            self._late.discard(me)
            if me.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError from None

    def _look(self) -> None:
        """End what is over, and look again when the next one is."""
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._ends:
            task, ends = next(iter(self._ends.items()))
            if ends > loop.time():
                self._timer = loop.call_at(ends, self._look)
                return
            del self._ends[task]
            self._late.add(task)
            task.cancel()


def _me() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a limit of time holds within a task alone")
    return task
