"""The control plane's server crashes again and again while a worker delivers: nothing is lost, nothing stays stuck."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from orchestration.control import open_control, schema
from orchestration.delivery.worker import deliver
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings
from source_systems._simulation.postgres import PostgresServer

from .queue.queue_scene import books, enqueue, register, states
from .unreliable import UnreliableReceiver

NIGHTLY = os.environ.get("STRATA_NIGHTLY") == "1"
ROWS, CRASHES = (20_000, 8) if NIGHTLY else (600, 2)
LONG_AGO = 1_700_000_000_000
LEASE_MS = 3_000
ATTEMPTS = 12


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of this test's own, for it is crashed."""
    made = PostgresServer(tmp_path_factory.mktemp("crashing"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def runtime(server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    monkeypatch.setenv("STRATA_TEST_SIGNING_KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    monkeypatch.setenv("STRATA_TEST_PEPPER", "0" * 64)
    settings = Settings(
        home=tmp_path / "home",
        control_url=server.url(),
        key_pepper="env:STRATA_TEST_PEPPER",
        tenants_file=tmp_path / "none.yaml",
        delivery_allowed_networks="127.0.0.0/8",
        _env_file=None,
    )
    schema.upgrade(open_control(settings))
    opened = open_runtime(settings)
    yield opened
    opened.control.engine.dispose()


@contextmanager
def working(runtime: Runtime) -> Iterator[None]:
    """Let a worker deliver in a thread."""
    is_over = Event()

    async def until_over() -> None:
        stop = asyncio.Event()
        worker = asyncio.create_task(deliver(runtime, until_idle=False, stop=stop, concurrency=16, lease_ms=LEASE_MS))
        while not is_over.is_set() and not worker.done():  # noqa: ASYNC110 - another thread says so
            await asyncio.sleep(0.05)
        stop.set()
        await worker

    with ThreadPoolExecutor(1) as threads:
        worker = threads.submit(asyncio.run, until_over())
        try:
            yield
        finally:
            is_over.set()
        worker.result()


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.timeout(900)
def test_a_server_that_crashes_amid_deliveries_loses_none_and_leaves_none_stuck(
    runtime: Runtime, server: PostgresServer
) -> None:
    with UnreliableReceiver(is_reliable=True) as receiver:
        wish = register(runtime.control, url=receiver.url, retries=(0.1,) * (ATTEMPTS - 1))
        names = [name for _ in range(4) for name in enqueue(runtime.control, wish, ROWS // 4, at=LONG_AGO)]
        with working(runtime):
            for crash in range(1, CRASHES + 1):
                wait_until(lambda share=crash / (CRASHES + 1): len(receiver.taken) > share * ROWS, 300)
                port = server.port
                server.stop("immediate")
                server.start(port)
            assert len(receiver.taken) < ROWS  # the last crash came amid deliveries, too
            wait_until(lambda: states(runtime.control) == {"delivered": ROWS}, 60)
    kept = books(runtime.control, ATTEMPTS)
    assert (kept.lost, kept.unfinished, kept.over_policy) == (set(), set(), set())
    assert kept.delivered == set(receiver.taken) == set(names)
