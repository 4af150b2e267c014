"""Many processes work on one queue; some die, sleep too long or are killed by what they carry."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from babelfish_limits import skip_on_babelfish
from sqlalchemy import Connection, select

from orchestration.control import Control
from orchestration.control.delivery_tables import delivery
from orchestration.delivery.failures import DeliveryFailure
from orchestration.delivery.queue.claim import claim
from orchestration.delivery.queue.claimed import Outcome
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.queue.promote import promote
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.queue.rescue import rescue
from orchestration.delivery.queue.settle import settle

from .queue_scene import LEASE, NOW, books, enqueue, register, row_of, states, take

NIGHTLY = os.environ.get("STRATA_NIGHTLY") == "1"
PROCESSES, ROWS, ROUNDS = (8, 20_000, 1_000) if NIGHTLY else (4, 1_200, 25)

_CLAIMER = """
import sys
from orchestration.control import open_control
from orchestration.settings import load_settings
from orchestration.delivery.queue.claim import claim
from orchestration.delivery.queue.claimed import Outcome
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.queue.ready import Room
from orchestration.delivery.queue.settle import settle
control, held, misses = open_control(load_settings()), [], 0
sys.stdin.readline()
while misses < 20:
    with control.transaction("claimer") as connection:
        now = database_now(connection)
        assert settle(connection, now, [Outcome(item, now, 0) for item in held]) == []
        held = claim(connection, now, Room(100, 100, 100), lease_ms=600_000).claimed
    misses = 0 if held else misses + 1
    for item in held:
        sys.stdout.write(item.delivery_id + chr(10))
"""
"""Claims and settles until nothing is left; prints what it had."""

_WORKER = """
import asyncio, os, sys
from orchestration.delivery import sending, worker
from orchestration.runtime import open_runtime
from orchestration.delivery.channels import webhook
compose, poison = sending.compose, sys.argv[1]
def composing(runtime, wish, claimed, scratch, **more):
    if claimed.delivery_id == poison:
        os._exit(9)
    return compose(runtime, wish, claimed, scratch, **more)
sending.compose = composing
runtime = open_runtime()
print("here", flush=True)
asyncio.run(worker.deliver(runtime, until_idle=False, stop=asyncio.Event(), lease_ms=700))
"""
"""Delivers with a short lease; one delivery kills it."""


def start(program: str, control: Control, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    given = {**os.environ, "STRATA_CONTROL_URL": control.url, "STRATA_HOME": str(control.locks.parent), **environment}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.proves("Queue of deliveries: many workers at once")
def test_no_row_is_claimed_twice_by_many_processes(control: Control) -> None:
    skip_on_babelfish(control, "holds no rows for UPDLOCK")
    wishes = [register(control, ("acme", f"r{number}")) for number in range(3)]
    names = [name for wish in wishes for name in enqueue(control, wish, ROWS // 3, at=1_700_000_000_000)]
    processes = [start(_CLAIMER, control) for _ in range(PROCESSES)]
    printed = [process.communicate("go\n")[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES
    assert Counter(name for lines in printed for name in lines) == Counter(names)
    assert books(control, 1).unfinished == set()


@pytest.mark.proves("Queue of deliveries: many workers at once")
def test_a_rescuer_and_a_settlement_at_the_same_moment_exclude_each_other(control: Control) -> None:
    """Whoever is first decides; the other changes nothing, in any of the rounds."""
    skip_on_babelfish(control, "holds no rows for UPDLOCK")
    wish = register(control, retries=(1,) * 3)
    for step in range(ROUNDS):
        (name,) = enqueue(control, wish)
        (item,) = take(control, NOW)
        told = _at_the_same_moment(
            control,
            lambda connection, item=item: settle(connection, NOW + LEASE + 1, [Outcome(item, NOW, 1)]),
            lambda connection: rescue(connection, NOW + LEASE + 1),
        )
        row = row_of(control, name)
        if row.state == "ready":
            assert (len(told[0]), told[1]) == (1, 1)
            with control.transaction("worker") as connection:
                again = claim(connection, NOW + LEASE + 2, Room(9, 9, 9), lease_ms=LEASE).claimed
                settle(connection, NOW + LEASE + 2, [Outcome(each, NOW, 1) for each in again])
        else:
            assert (row.state, *told) == ("delivered", [], 0), step


def _at_the_same_moment(control: Control, *deeds: Callable[[Connection], Any]) -> list[Any]:
    """Do deeds in a transaction each, begun together; return what each returned."""
    barrier = threading.Barrier(len(deeds))

    def do(deed: Callable[[Connection], Any]) -> Any:
        barrier.wait()
        with control.transaction("racer") as connection:
            return deed(connection)

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(do, deeds))


@pytest.fixture
def somewhere(tmp_path: Path) -> str:
    """An address at which nobody answers."""
    return "http://127.0.0.1:9/hook"


def test_what_kills_every_worker_is_dead_in_the_end_and_the_others_go_on(here: Control, somewhere: str) -> None:
    wish = register(here, url=somewhere, retries=(0.1, 0.1))
    names = enqueue(here, wish, 6, at=1_700_000_000_000)
    poison = names[2]
    environment = {"STRATA_TEST_SIGNING_KEY": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    environment["STRATA_DELIVERY_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    deaths, deadline = 0, time.monotonic() + 60
    while time.monotonic() < deadline and states(here)["dead"] < 6:
        process = start(_WORKER, here, poison, **environment)
        while process.poll() is None and time.monotonic() < deadline and states(here)["dead"] < 6:
            time.sleep(0.1)
        deaths += process.poll() == 9
        process.kill()
        process.communicate()
    assert deaths == 3
    assert row_of(here, poison).failure == DeliveryFailure.CRASHED
    others = {row_of(here, name).failure for name in names if name != poison}
    assert others == {DeliveryFailure.CONNECTION}  # nobody listens there: they failed by themselves


def test_a_worker_that_slept_through_its_lease_is_not_heard_and_another_took_over(control: Control) -> None:
    wish = register(control)
    (name,) = enqueue(control, wish, at=1_700_000_000_000)
    sleeper = start(_CLAIMER.replace("600_000", "500").replace("misses = 0 if held else misses + 1", _PAUSE), control)
    assert sleeper.stdin
    assert sleeper.stdout
    sleeper.stdin.write("go\n")
    sleeper.stdin.flush()
    assert sleeper.stdout.readline().strip() == "claimed"
    os.kill(sleeper.pid, signal.SIGSTOP)
    taken_over = _take_over(control)
    os.kill(sleeper.pid, signal.SIGCONT)
    sleeper.communicate("go on\n")
    assert sleeper.returncode == 1  # its settlement was dropped, which that program takes for an error
    row = row_of(control, name)
    assert (row.state, row.lease_token, row.attempts) == ("leased", taken_over, 2)


_PAUSE = "sys.stdout.write('claimed' + chr(10)); sys.stdout.flush(); sys.stdin.readline()"


def _take_over(control: Control) -> str:
    """Rescue what is overdue as soon as it is, and claim it; return the new token."""
    began = time.monotonic()
    while time.monotonic() - began < 5.5:
        with control.transaction("heir") as connection:
            now = database_now(connection)
            rescue(connection, now)
            promote(connection, now, 10)
            claimed = claim(connection, now, Room(9, 9, 9), lease_ms=LEASE).claimed
        if claimed:
            return claimed[0].token
        time.sleep(0.05)
    raise AssertionError("nothing was taken over within the lease and five seconds")


def test_what_is_leased_is_found_by_its_lease_alone(here: Control) -> None:
    """No worker is written down anywhere that a rescue would need."""
    enqueue(here, register(here))
    take(here)
    with here.reading() as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN "
            + str(
                select(delivery.c.delivery_id)
                .where(delivery.c.state == "leased", delivery.c.lease_until < NOW)
                .compile(compile_kwargs={"literal_binds": True})
            )
        ).all()
    assert "ix_delivery_lease" in str(plan)
