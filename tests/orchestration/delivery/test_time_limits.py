"""One limit watches over many at once: what takes too long is ended, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from orchestration.delivery.time_limit import TimeLimit


def test_what_takes_too_long_is_told_so_and_the_others_go_on() -> None:
    async def take(limit: TimeLimit, seconds: float) -> str:
        try:
            with limit:
                await asyncio.sleep(seconds)
        except TimeoutError:
            return "late"
        return "done"

    async def scene() -> list[str]:
        limit = TimeLimit(0.2)
        first = asyncio.gather(*(take(limit, seconds) for seconds in (5, 0.01, 5)))
        await asyncio.sleep(0.1)  # those that begin later end later
        later = asyncio.gather(take(limit, 0.15), take(limit, 5))
        return [*await first, *await later]

    assert asyncio.run(scene()) == ["late", "done", "late", "done", "late"]


def test_a_task_that_somebody_else_ends_is_not_told_that_it_was_late() -> None:
    async def scene() -> None:
        limit = TimeLimit(0.05)

        async def wait() -> None:
            with limit:
                await asyncio.sleep(5)

        for pause in (0, 0.05):  # before its time, and at the very moment
            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(pause, task.cancel)
            with pytest.raises((asyncio.CancelledError, TimeoutError) if pause else asyncio.CancelledError):
                await task

    asyncio.run(scene())


def test_of_two_limits_the_shorter_one_ends_a_block() -> None:
    async def scene() -> str:
        try:
            with TimeLimit(5):
                try:
                    with TimeLimit(0.02):
                        await asyncio.sleep(3)
                except TimeoutError:
                    await asyncio.sleep(0)  # the task is not ended: it may go on
                    return "the inner one"
        except TimeoutError:
            return "the outer one"
        return "none"

    assert asyncio.run(scene()) == "the inner one"


def test_a_limit_that_was_idle_for_long_counts_anew() -> None:
    async def scene() -> None:
        limit = TimeLimit(0.1)
        with limit:
            pass
        await asyncio.sleep(0.15)
        with limit:
            await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError), limit:
            await asyncio.sleep(1)

    asyncio.run(scene())
