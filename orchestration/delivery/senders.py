"""Keeps ways to endpoints open between messages: opened once, shared, closed when idle or when they may be stale."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property

from orchestration.delivery import registry
from orchestration.delivery.channels.channel import Sender, channel
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.delivery.registration import Place, Registration
from orchestration.delivery.sealing import Seal
from orchestration.failures import StrataError
from orchestration.runtime import Runtime

IDLE_SECONDS = 60.0
OLDEST_SECONDS = 300.0
"""A secret that was replaced where its reference leads is noticed after so long, without a restart."""
_STALE = frozenset(
    {
        DeliveryFailure.AUTHENTICATION,
        DeliveryFailure.SETTINGS,
        DeliveryFailure.HOST_KEY,
        DeliveryFailure.CONNECTION,
        DeliveryFailure.UNCONFIRMED,
    }
)
"""After these the next message goes another way: with secrets read again, over a new connection."""


@dataclass(eq=False)
class _Way:
    wish: Registration
    opening: asyncio.Task[Sender]
    opened_at: float = field(default_factory=time.monotonic)
    used_at: float = field(default_factory=time.monotonic)
    users: int = 0
    is_given_up: bool = False

    def is_over(self, now: float) -> bool:
        idle = self.users == 0 and now - self.used_at > IDLE_SECONDS
        return idle or now - self.opened_at > OLDEST_SECONDS


class Senders:
    """The open ways of one worker, by registration."""

    def __init__(self, runtime: Runtime) -> None:
        """Open nothing yet."""
        self._runtime = runtime
        self._ways: dict[Place, _Way] = {}
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def to(self, wish: Registration) -> AsyncIterator[Sender]:
        """Yield a sender for a registration as it is now.

        Raises:
            StrataError: the way cannot be opened.
        """
        way = self._way(wish)
        way.users += 1
        try:
            # Shielded: who gives up waiting does not take the way from the others.
            yield await asyncio.shield(way.opening)
        except StrataError as error:
            if not isinstance(error, DeliveryFailed) or error.failure in _STALE:
                self._give_up(way)
            raise
        finally:
            way.users -= 1
            way.used_at = time.monotonic()
            self._close_when_free(way)

    def tidy(self) -> None:
        """Give up what has been idle or open for long."""
        now = time.monotonic()
        for way in [way for way in self._ways.values() if way.is_over(now)]:
            self._give_up(way)

    async def close(self) -> None:
        """Close every way; those in use too."""
        for way in list(self._ways.values()):
            way.users = 0
            self._give_up(way)
        await asyncio.gather(*self._closing)

    def _way(self, wish: Registration) -> _Way:
        found = self._ways.get(wish.place)
        if found and found.wish is not wish and found.wish != wish:
            self._give_up(found)
            found = None
        if found is None:
            found = self._ways[wish.place] = _Way(wish, asyncio.create_task(self._open(wish)))
        return found

    async def _open(self, wish: Registration) -> Sender:
        endpoint = await asyncio.to_thread(registry.resolve_endpoint, wish, self._seal)
        return await channel(wish.channel).open(endpoint, self._runtime)

    @cached_property
    def _seal(self) -> Seal:
        return Seal(self._runtime.settings, self._runtime.control)

    def _give_up(self, way: _Way) -> None:
        way.is_given_up = True
        if self._ways.get(way.wish.place) is way:
            del self._ways[way.wish.place]
        self._close_when_free(way)

    def _close_when_free(self, way: _Way) -> None:
        if way.is_given_up and way.users == 0:
            task = asyncio.create_task(_close(way.opening))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


async def _close(opening: asyncio.Task[Sender]) -> None:
    # What could not be opened needs no closing, and a way that breaks while it is closed is closed.
    with suppress(StrataError, OSError):
        await (await opening).close()
