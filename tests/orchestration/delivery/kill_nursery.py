"""Forks the processes that a kill test kills: a scheduler that publishes, a sensor that gathers, workers that deliver.

Everything is imported once; a child then starts in milliseconds. Run as a program: each line on its standard
input (``publish``, ``gather``, ``work``, ``finish``) makes a child, whose pid it prints. ``finish`` ends by
itself: it gathers and delivers until nothing is due.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "outbox"))

from outbox_scene import BILL, Scene

from orchestration.delivery.channels import webhook
from orchestration.delivery.outbox.gather import gather
from orchestration.delivery.queue.clock import database_now
from orchestration.delivery.queue.promote import promote
from orchestration.delivery.worker import deliver
from orchestration.failures import StrataError
from orchestration.settings import load_settings

LEASE_MS = 1500
_IMPORTED = (BILL, webhook)


def publish() -> None:
    """Publish a version every moment, each with a change for every tenant."""
    scene, draw = Scene(load_settings()), random.Random()  # noqa: S311 - chance for a test
    while True:
        with suppress(StrataError):  # the warehouse's lock is taken over from a publisher that was killed
            amount = time.time_ns()
            scene.publish(("acme", draw.randrange(5), amount), ("globex", draw.randrange(5), amount))
        time.sleep(0.1)


def gather_on() -> None:
    """Gather every moment."""
    scene = Scene(load_settings())
    while True:
        with suppress(StrataError):
            gather(scene.runtime)
        time.sleep(0.05)


def work() -> None:
    """Deliver until killed."""
    scene = Scene(load_settings())
    asyncio.run(deliver(scene.runtime, until_idle=False, stop=asyncio.Event(), lease_ms=LEASE_MS))


def finish() -> None:
    """Deliver whatever is left: retries too, and what dead workers held."""
    scene = Scene(load_settings())
    while gather(scene.runtime):
        pass
    for _ in range(100):
        asyncio.run(deliver(scene.runtime, until_idle=True, stop=asyncio.Event(), lease_ms=LEASE_MS))
        if not any(scene.deliveries(state=state) for state in ("waiting", "ready", "leased", "blocked")):
            break
        time.sleep(0.1)
    with scene.runtime.control.transaction("test") as connection:
        assert promote(connection, database_now(connection), 1) == 0


ROLES = {"publish": publish, "gather": gather_on, "work": work, "finish": finish}


def main() -> None:
    """Fork what is asked for."""
    faulthandler.enable()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are killed
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            sys.stdin.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            ROLES[line.strip()]()
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
