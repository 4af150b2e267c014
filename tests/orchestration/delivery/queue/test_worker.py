"""A worker delivers by signed webhooks to a receiver on loopback: what arrives, how often, and what is written down."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from orchestration.delivery.summary import Summary
from orchestration.delivery.worker import deliver
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings

from .queue_scene import NOW, enqueue, register, states

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
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


def work_off(runtime: Runtime, receiver: Receiver, number: int, **options: object) -> tuple[Summary, list[str]]:
    """Register, write so many deliveries, and let a worker deliver until it is idle."""

    async def run() -> tuple[Summary, list[str]]:
        runner, url = await serve(receiver)
        terms = options.pop("terms", {})
        try:
            wish = register(runtime.control, url=url, **terms)  # type: ignore[arg-type]
            names = enqueue(
                runtime.control, wish, number, at=NOW - 10**11, version=1, lane=str(options.pop("lane", ""))
            )
            return await deliver(runtime, until_idle=True, stop=asyncio.Event(), **options), names  # type: ignore[arg-type]
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def test_everything_arrives_once_signed_and_is_written_down(runtime: Runtime) -> None:
    receiver = Receiver()
    summary, names = work_off(runtime, receiver, 300)
    assert (summary.delivered, summary.failed, summary.dropped) == (300, 0, 0)
    assert receiver.arrived == Counter(names)
    assert receiver.bodies[names[4]]["id"] == names[4]
    assert states(runtime.control) == {"delivered": 300}
    assert not any((runtime.settings.scratch_dir / "deliveries").glob("*"))
