"""What a worker does beside sending: takes in what is new, tells people of trouble, and forgets what ended long ago."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from orchestration.delivery import alarms
from orchestration.delivery.outbox.gather import gather
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.queue.forget import forget
from orchestration.failures import Busy, StrataError
from orchestration.runtime import Runtime

_log = logging.getLogger(__name__)

GATHER_SECONDS, TELL_SECONDS, FORGET_SECONDS = 1.0, 60.0, 3600.0


def gather_all(runtime: Runtime) -> None:
    """Take in all that is new, batch by batch.

    Raises:
        StrataError: the control plane or the published logs cannot be read or written.
    """
    while gather(runtime):
        pass


def tidy_up(runtime: Runtime) -> None:
    """Tell of trouble, unless the warehouse is held for long: who is next does; forget what ended long ago.

    Raises:
        StrataError: the control plane cannot be read or written.
    """
    with suppress(Busy):
        alarms.tell(runtime)
    _forget(runtime)


async def keep_up(runtime: Runtime) -> None:
    """Do all of it again and again until cancelled; what fails is done the next time."""
    await asyncio.gather(
        _repeat(GATHER_SECONDS, gather_all, runtime),
        _repeat(TELL_SECONDS, alarms.tell, runtime),
        _repeat(FORGET_SECONDS, _forget, runtime),
    )


async def _repeat(seconds: float, deed: Callable[[Runtime], object], runtime: Runtime) -> None:
    while True:
        began = time.monotonic()
        try:
            await asyncio.to_thread(deed, runtime)
        except StrataError:
            pass
        except Exception:  # noqa: BLE001 - it is logged with its traceback
            # Whatever it is, a worker that goes on sending and takes nothing in would be late in silence.
            _log.exception("%s failed; it is tried again", getattr(deed, "__name__", deed))
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - began)))


def _forget(runtime: Runtime) -> None:
    """Delete in small transactions, for others write at the same time."""
    forgotten = 1
    while forgotten:
        with runtime.control.transaction("delivery") as connection:
            forgotten = forget(connection, database_now(connection), runtime.settings.ledger_retention_days)
