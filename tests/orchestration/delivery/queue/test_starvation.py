"""A tenant with a backlog keeps no other waiting: counted in deliveries that go before, which no machine sways."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from orchestration.delivery.worker import deliver
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings

from .queue_scene import enqueue, register

NIGHTLY = os.environ.get("STRATA_NIGHTLY") == "1"
BACKLOG = 100_000 if NIGHTLY else 3_000
CALM, CONCURRENCY = 40, 64
LONG_AGO = 1_700_000_000_000


class Receiver:
    """Notes the order in which deliveries arrive."""

    def __init__(self) -> None:
        self.order: list[str] = []

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        self.order.append(request.headers["webhook-id"])
        return web.Response(status=204)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setenv("STRATA_TEST_SIGNING_KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    nobody = tmp_path / "none.yaml"
    return open_runtime(
        Settings(home=tmp_path / "home", tenants_file=nobody, delivery_allowed_networks="127.0.0.0/8", _env_file=None)
    )


@pytest.mark.timeout(900)
def test_what_comes_amid_another_tenants_backlog_goes_before_nearly_all_of_it(runtime: Runtime) -> None:
    ahead = sorted(asyncio.run(_measure(runtime)))
    assert len(ahead) == CALM
    assert ahead[int(CALM * 0.95)] <= 2 * CONCURRENCY  # p95: what the worker had, and one claim more


async def _measure(runtime: Runtime) -> list[int]:
    """Return for each delivery of the calm tenant how many arrived between its writing and its arrival."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    storm = register(runtime.control, ("storm", "r"), url)
    for _ in range(BACKLOG // 1000):
        enqueue(runtime.control, storm, 1000, at=LONG_AGO)
    calm, stop = register(runtime.control, ("calm", "r"), url), asyncio.Event()
    worker = asyncio.create_task(deliver(runtime, until_idle=False, stop=stop, concurrency=CONCURRENCY))
    written: dict[str, int] = {}
    while len(written) < CALM:
        await _until(lambda: len(receiver.order) >= 20 * (len(written) + 1))
        (name,) = await asyncio.to_thread(enqueue, runtime.control, calm, at=LONG_AGO + 1)
        written[name] = len(receiver.order)
    await _until(lambda: written.keys() <= set(receiver.order))
    assert len(receiver.order) < BACKLOG  # it was a backlog all the time
    stop.set()
    await worker
    await runner.cleanup()
    return [receiver.order.index(name) - before for name, before in written.items()]


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not happened():  # noqa: ASYNC110 - it looks at a list that grows
            await asyncio.sleep(0.005)
