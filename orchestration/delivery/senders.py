"""Keeps ways to endpoints open between messages: opened once, shared, closed when idle or when they may be stale."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

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
    """An open way; a block that uses it enters it."""

    senders: Senders
    wish: Registration
    opening: asyncio.Task[Sender]
    opened_at: float = field(default_factory=time.monotonic)
    used_at: float = field(default_factory=time.monotonic)
    users: int = 0
    is_given_up: bool = False
    sender: Sender | None = None
    """What goes this way, once it is open."""

    async def open(self) -> Sender:
        """Return the sender when it is open; who gives up waiting does not take it from the others."""
        self.sender = await asyncio.shield(self.opening)
        return self.sender

    def __enter__(self) -> Self:
        """Count as one of its users."""
        self.users += 1
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Count no more; after some errors nobody else uses this way."""
        self.users -= 1
        self.used_at = time.monotonic()
        if error is not None or self.is_given_up:
            self.senders.left(self, error)

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

    def to(self, wish: Registration) -> _Way:
        """Return the way to a registration's endpoint as it is registered now."""
        found = self._ways.get(wish.place)
        if found and found.wish is not wish:
            if found.wish == wish:
                found.wish = wish  # those claimed with it need no comparison
            else:
                self._give_up(found)
                found = None
        if found is None:
            found = self._ways[wish.place] = _Way(self, wish, asyncio.create_task(self._open(wish)))
        return found

    def left(self, way: _Way, error: BaseException | None) -> None:
        """Give up a way that somebody left with such an error, and close it when nobody uses it."""
        if isinstance(error, StrataError) and (not isinstance(error, DeliveryFailed) or error.failure in _STALE):
            self._give_up(way)
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
