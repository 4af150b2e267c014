"""A worker whose clock is ten minutes off claims, takes over and repeats by the database's clock, as all others do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select, update

from orchestration.control import Control
from orchestration.control.delivery_tables import attempt, delivery
from orchestration.delivery.queue.clock import database_now

from .queue_scene import enqueue, register, row_of, take

pytestmark = pytest.mark.server("libfaketime")
LONG_AGO = 1_700_000_000_000
MINUTE = 60_000

_WORKER = """
import asyncio, time
from orchestration.delivery.worker import deliver
from orchestration.runtime import open_runtime
print(time.time())
asyncio.run(deliver(open_runtime(), until_idle=True, stop=asyncio.Event()))
"""
"""Says what time it takes it to be, and delivers what is due."""


@pytest.fixture(scope="module")
def library() -> str:
    for found in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return str(found)
    pytest.skip("libfaketime is not installed")


def deliver_with(library: str, control: Control, offset: str) -> float:
    """Deliver in a process whose clock is off; return what time it took it to be."""
    nobody = control.locks.parent / "nobody.yaml"
    nobody.parent.mkdir(parents=True, exist_ok=True)
    nobody.write_text("tenants: {}\n", encoding="utf-8")
    environment = {
        **os.environ,
        "LD_PRELOAD": library,
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # a clock that is wrong goes as fast as any other
        "STRATA_CONTROL_URL": control.engine.url.render_as_string(hide_password=False),
        "STRATA_HOME": str(control.locks.parent),
        "STRATA_KEY_PEPPER": "0" * 64,
        "STRATA_TENANTS_FILE": str(nobody),
        "STRATA_DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "STRATA_TEST_SIGNING_KEY": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    command = [sys.executable, "-c", _WORKER]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=120)
    return float(done.stdout)


@contextmanager
def receiving(arrived: set[str]) -> Iterator[str]:
    """Run a receiver that keeps the ids of what arrives; yields its address."""

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            arrived.add(self.headers["webhook-id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()


def set_lease(control: Control, name: str, until: int) -> None:
    with control.transaction("test") as connection:
        connection.execute(update(delivery).where(delivery.c.delivery_id == name).values(lease_until=until))


@pytest.mark.parametrize(("offset", "seconds"), [("+600", 600), ("-600", -600)])
def test_the_databases_clock_decides_what_is_due_and_whose_lease_has_run_out(
    in_postgres: Control, library: str, offset: str, seconds: int
) -> None:
    with in_postgres.reading() as connection:
        now = database_now(connection)
    arrived: set[str] = set()
    with receiving(arrived) as url:
        wish = register(in_postgres, url=url, retries=(300,))
        anothers, orphaned = enqueue(in_postgres, wish, 2, at=LONG_AGO)
        assert len(take(in_postgres, now)) == 2
        set_lease(in_postgres, anothers, now + 5 * MINUTE)
        set_lease(in_postgres, orphaned, now - 1)
        (due,) = enqueue(in_postgres, wish, at=LONG_AGO)
        (later,) = enqueue(in_postgres, wish, at=now + 5 * MINUTE)
        with in_postgres.transaction("test") as connection:
            waits = update(delivery).where(delivery.c.delivery_id == later)
            connection.execute(waits.values(state="waiting"))
        told = deliver_with(library, in_postgres, offset)
        assert abs(told - now / 1000 - seconds) < 120  # it was wrong indeed
        assert arrived == {due, orphaned}
    assert (row_of(in_postgres, anothers).state, row_of(in_postgres, later).state) == ("leased", "waiting")
    _check_times(in_postgres, now)


def _check_times(control: Control, now: int) -> None:
    """What is written down is by the database's clock, too."""
    with control.reading() as connection:
        began = connection.execute(select(attempt.c.started_at)).scalars().all()
        ended = (
            connection.execute(select(delivery.c.finished_at).where(delivery.c.state == "delivered")).scalars().all()
        )
    assert len(began) == 3  # the one that was lost with its worker, too
    assert len(ended) == 2
    assert all(abs(moment - now) < 2 * MINUTE for moment in (*began, *ended))


def test_the_next_attempt_is_timed_by_the_databases_clock(in_postgres: Control, library: str) -> None:
    wish = register(in_postgres, url="http://127.0.0.1:9/hook", retries=(300,))
    (name,) = enqueue(in_postgres, wish, at=LONG_AGO)
    deliver_with(library, in_postgres, "+600")
    with in_postgres.reading() as connection:
        pause = row_of(in_postgres, name).due_at - database_now(connection)
    assert 3 * MINUTE < pause <= 6 * MINUTE
