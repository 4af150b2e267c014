"""A worker delivers by signed webhooks to a receiver on loopback: what arrives, how often, and what is written down."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import update
from standardwebhooks import Webhook

from orchestration.control.delivery_tables import outbox
from orchestration.delivery.summary import Summary
from orchestration.delivery.worker import deliver
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings

from .queue_scene import enqueue, failures_of, register, row_of, states

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LONG_AGO = 1_700_000_000_000
Answer = Callable[[str, int], Awaitable[int]]
"""Takes a delivery's id and how often it came before; returns the status to answer with."""


class Receiver:
    """Counts what arrives by its id, after checking the signature."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.arrived: Counter[str] = Counter()
        self.bodies: dict[str, dict[str, object]] = {}
        self._answer = answer

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        Webhook(KEY).verify(body, dict(request.headers))
        name = request.headers["webhook-id"]
        before = self.arrived[name]
        self.arrived[name] += 1
        self.bodies[name] = json.loads(body)
        return web.Response(status=await self._answer(name, before) if self._answer else 204)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    monkeypatch.setenv("STRATA_TEST_SIGNING_KEY", KEY)
    nobody = tmp_path / "none.yaml"
    return open_runtime(
        Settings(home=tmp_path / "home", tenants_file=nobody, delivery_allowed_networks="127.0.0.0/8", _env_file=None)
    )


async def serve(receiver: Receiver) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/hook"


def run(
    runtime: Runtime,
    receiver: Receiver,
    number: int,
    *,
    lane: str = "",
    terms: dict[str, Any] | None = None,
    **how: Any,
) -> tuple[Summary, list[str]]:
    """Register, write so many deliveries, and let a worker deliver, until it is idle unless told otherwise."""

    async def work() -> tuple[Summary, list[str]]:
        runner, url = await serve(receiver)
        try:
            wish = register(runtime.control, url=url, **(terms or {}))
            names = enqueue(runtime.control, wish, number, at=LONG_AGO, version=1, lane=lane)
            return await deliver(runtime, **{"until_idle": True, "stop": asyncio.Event(), **how}), names
        finally:
            await runner.cleanup()

    return asyncio.run(work())


def test_everything_arrives_once_signed_and_is_written_down(runtime: Runtime) -> None:
    receiver = Receiver()
    summary, names = run(runtime, receiver, 300)
    assert (summary.delivered, summary.failed, summary.dropped) == (300, 0, 0)
    assert receiver.arrived == Counter(names)
    assert receiver.bodies[names[4]]["id"] == names[4]
    assert states(runtime.control) == {"delivered": 300}
    assert not any((runtime.settings.scratch_dir / "deliveries").glob("*"))


def test_a_lane_arrives_in_its_order_although_attempts_fail(runtime: Runtime) -> None:
    order: list[str] = []
    stop = asyncio.Event()

    async def every_other(name: str, before: int) -> int:
        if before == 0:
            return 500
        order.append(name)
        if len(order) == 8:
            stop.set()
        return 204

    receiver = Receiver(every_other)
    _, names = run(
        runtime, receiver, 8, lane="gold.usage", terms={"retries": (0.001, 0.001)}, until_idle=False, stop=stop
    )
    assert order == names
    assert states(runtime.control) == {"delivered": 8}
    assert failures_of(runtime.control, names[3]) == ["server_error", ""]


def test_an_endpoint_that_is_gone_ends_it_for_its_registration(runtime: Runtime) -> None:
    async def gone(_name: str, _before: int) -> int:
        return 410

    run(runtime, Receiver(gone), 5, lane="gold.usage")
    assert states(runtime.control) == {"dead": 1, "cancelled": 4}


def test_a_message_that_cannot_be_composed_fails_alone(runtime: Runtime) -> None:
    receiver = Receiver()

    async def work() -> list[str]:
        runner, url = await serve(receiver)
        wish = register(runtime.control, url=url, retries=())
        names = enqueue(runtime.control, wish, 3, at=LONG_AGO)
        with runtime.control.transaction("test") as connection:
            bad = update(outbox).where(outbox.c.delivery_id == names[1]).values(event_type="no.such.event")
            connection.execute(bad)
        await deliver(runtime, until_idle=True, stop=asyncio.Event())
        await runner.cleanup()
        return names

    names = asyncio.run(work())
    assert set(receiver.arrived) == {names[0], names[2]}
    assert (row_of(runtime.control, names[1]).state, failures_of(runtime.control, names[1])) == ("dead", ["payload"])


def test_a_worker_that_is_stopped_ends_what_is_under_way_and_takes_nothing_more(runtime: Runtime) -> None:
    stop = asyncio.Event()

    async def stop_at_first(_name: str, _before: int) -> int:
        stop.set()
        await asyncio.sleep(0.3)
        return 204

    receiver = Receiver(stop_at_first)
    summary, _ = run(runtime, receiver, 40, until_idle=False, stop=stop, concurrency=8)
    assert summary.delivered == len(receiver.arrived) < 40
    assert states(runtime.control) == {"delivered": summary.delivered, "ready": 40 - summary.delivered}


def test_thirty_endpoints_that_never_answer_keep_no_other_waiting(runtime: Runtime) -> None:
    """They hold on to all they get until their time is out; what is quick gets through meanwhile."""
    waits = asyncio.Event()

    async def tarpit(_name: str, _before: int) -> int:
        await waits.wait()
        return 204

    async def work() -> tuple[float, int]:
        slow, slow_url = await serve(Receiver(tarpit))
        quick_receiver = Receiver()
        quick, quick_url = await serve(quick_receiver)
        for number in range(30):
            wish = register(runtime.control, ("acme", f"slow-{number:02}"), slow_url)
            enqueue(runtime.control, wish, 20, at=LONG_AGO)
        wish = register(runtime.control, ("acme", "quick"), quick_url)
        enqueue(runtime.control, wish, 20, at=LONG_AGO + 1)
        stop, began = asyncio.Event(), time.monotonic()
        worker = asyncio.create_task(deliver(runtime, until_idle=False, stop=stop, concurrency=64))
        while len(quick_receiver.arrived) < 20 and time.monotonic() - began < 20:  # noqa: ASYNC110 - it counts
            await asyncio.sleep(0.02)
        took = time.monotonic() - began
        waits.set()
        stop.set()
        await worker
        await quick.cleanup()
        await slow.cleanup()
        return took, len(quick_receiver.arrived)

    took, arrived = asyncio.run(work())
    assert arrived == 20
    assert took < 10  # long before a tarpit's 30 seconds


def test_a_secret_that_is_not_there_is_told_by_its_name_and_nothing_is_sent(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRATA_TEST_SIGNING_KEY")
    receiver = Receiver()
    _, (name,) = run(runtime, receiver, 1)
    row = row_of(runtime.control, name)
    assert (row.state, row.failure) == ("dead", "settings")
    assert "env:STRATA_TEST_SIGNING_KEY" in row.message
    assert not receiver.arrived


def test_an_attempt_whose_channel_keeps_no_time_is_broken_off_and_the_others_go_on(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    async def answer(name: str, _before: int) -> int:
        names.append(name)
        if name == names[0]:
            await asyncio.sleep(20)
        return 204

    monkeypatch.setattr("orchestration.delivery.sending.LONGEST_SECONDS", 0.2)
    receiver = Receiver(answer)
    began = time.monotonic()
    run(runtime, receiver, 3)
    assert time.monotonic() - began < 15
    assert states(runtime.control) == {"delivered": 2, "waiting": 1}
    assert failures_of(runtime.control, names[0]) == ["timeout"]
