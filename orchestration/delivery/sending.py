"""One attempt at one delivery: compose the message, send it, and say what became of it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orchestration.delivery.channels.channel import Message
from orchestration.delivery.failures import DeliveryFailed, DeliveryFailure
from orchestration.delivery.payload.compose import compose
from orchestration.delivery.queue.claimed import Claimed, Outcome
from orchestration.delivery.registration import Registration
from orchestration.delivery.senders import Senders
from orchestration.delivery.time_limit import TimeLimit
from orchestration.failures import FailureClass, StrataError
from orchestration.runtime import Runtime

LARGEST_BODY = 256_000
"""Bytes of a message that is held in memory, as a thousand others are at the same time; a larger one is a file."""
LONGEST_SECONDS = 3600.0
"""A sender keeps its own time limits; this one ends an attempt of one that does not."""
_COMPOSED_AT_ONCE = 2


@dataclass(frozen=True)
class Task:
    """A claimed delivery and its registration as it was then."""

    claimed: Claimed
    wish: Registration


Composed = Message | StrataError | None
"""A message, why there is none, or ``None`` when there is nothing to tell."""
Ready = Message | StrataError | None
"""What was composed beforehand; ``None``: nothing was."""


def composed_at_once(runtime: Runtime, task: Task, scratch: Path) -> Composed:
    """Compose a message; a fault is returned, for others wait in the same thread. Blocking."""
    try:
        return compose(runtime, task.wish, task.claimed, scratch, largest_body=LARGEST_BODY)
    except DeliveryFailed as error:
        return error
    except StrataError as error:
        return DeliveryFailed(DeliveryFailure.PAYLOAD, error.message, error.remedy)  # it says nothing of the endpoint
    except Exception as error:  # noqa: BLE001 - one message that cannot be composed must not stop the others
        return DeliveryFailed(
            DeliveryFailure.PAYLOAD, f"The message cannot be composed ({type(error).__name__}: {error})."
        )


def _composed_in(folder: Path, runtime: Runtime, task: Task) -> Composed:
    folder.mkdir(parents=True, exist_ok=True)
    return composed_at_once(runtime, task, folder)


class Attempts:
    """Makes attempts; ``clock`` returns the database's time in milliseconds."""

    def __init__(self, runtime: Runtime, senders: Senders, scratch: Path, clock: Callable[[], int]) -> None:
        """Keep what all attempts share."""
        self._runtime, self._senders, self._scratch, self._clock = runtime, senders, scratch, clock
        self._limit = TimeLimit(LONGEST_SECONDS)
        # Rows are selected in DuckDB, with all its threads and its memory for each.
        self._composing = asyncio.Semaphore(_COMPOSED_AT_ONCE)

    async def make(self, task: Task, ready: Ready) -> Outcome:
        """Make one attempt; ``ready`` is a message that was composed before."""
        started = self._clock()
        folder: Path | None = None
        try:
            message = ready
            if message is None:
                folder = self._scratch / f"{task.claimed.token}-{task.claimed.delivery_id}"
                message = await self._compose(task, folder)
            if isinstance(message, StrataError):
                return self._failed(task, started, message)
            if message is None:
                return Outcome(task.claimed, started, self._clock() - started, is_skipped=True)
            with self._senders.to(task.wish) as way:
                sender = way.sender or await way.open()
                with self._limit:
                    receipt = await sender.send(message)
        except StrataError as error:
            return self._failed(task, started, error)
        except TimeoutError:
            late = DeliveryFailed(DeliveryFailure.TIMEOUT, "The endpoint took too long.")
            return self._failed(task, started, late)
        except Exception as error:  # noqa: BLE001 - a fault of a channel is this delivery's, not the worker's
            failed = DeliveryFailed(
                DeliveryFailure.CONNECTION, f"The channel failed ({type(error).__name__}: {error})."
            )
            return self._failed(task, started, failed)
        finally:
            if folder:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return Outcome(
            task.claimed,
            started,
            self._clock() - started,
            message=receipt.detail,
            status_code=receipt.status_code,
            answer=receipt.answer,
        )

    async def _compose(self, task: Task, folder: Path) -> Composed:
        async with self._composing:
            return await asyncio.to_thread(_composed_in, folder, self._runtime, task)

    def _failed(self, task: Task, started: int, error: StrataError) -> Outcome:
        took, message = self._clock() - started, f"{error.message} {error.remedy}".strip()
        if isinstance(error, DeliveryFailed):
            return Outcome(
                task.claimed,
                started,
                took,
                error.failure,
                message,
                error.status_code,
                error.answer,
                error.retry_after,
                error.is_permanent,
            )
        is_setting = error.failure_class is FailureClass.SETTINGS
        failure = DeliveryFailure.SETTINGS if is_setting else DeliveryFailure.CONNECTION
        return Outcome(task.claimed, started, took, failure, message, is_permanent=is_setting)
