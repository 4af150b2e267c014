"""Workers, sensor and scheduler are killed at random, the receiver is at its worst: nothing is lost, and every
repetition has the id of the first."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestration.delivery.terms import Terms
from orchestration.settings import Settings

from .kill_nursery import BILL, LEASE_MS
from .outbox.outbox_scene import Scene
from .queue.queue_scene import books
from .unreliable import UnreliableReceiver

KILLS = 200 if os.environ.get("STRATA_NIGHTLY") == "1" else 8
MOST_ATTEMPTS = 61
ROLES = ("publish", "gather", "work", "work")
NURSERY = Path(__file__).with_name("kill_nursery.py")


class Nursery:
    """Starts processes and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pids: dict[int, str] = {}

    def start(self, role: str) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{role}\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        self.pids[pid] = role
        return pid

    def kill(self, pid: int) -> str:
        role = self.pids.pop(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            raise AssertionError(f"{role} ended by itself before it was killed; it says why on stderr") from None
        return role

    def wait(self, pid: int) -> None:
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.05)
        self.pids.pop(pid, None)


@contextmanager
def nursery(settings: Settings) -> Iterator[Nursery]:
    environment = {
        **os.environ,
        "STRATA_HOME": str(settings.home),
        "STRATA_DELIVERY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "STRATA_LOCK_WAIT_SECONDS": "5",
        "STRATA_TEST_SIGNING_KEY": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    process = subprocess.Popen(
        [sys.executable, str(NURSERY)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    made = Nursery(process)
    try:
        yield made
    finally:
        for pid in made.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def register(scene: Scene, tenant: str, url: str, *, ordering: str) -> None:
    scene.register(
        tenant,
        f"kills-{ordering}",
        events=("gold.table.updated",),
        payload="reference",
        settings={"url": {"value": f"{url}/{tenant}"}, "signing_key": {"reference": "env:STRATA_TEST_SIGNING_KEY"}},
        terms=Terms(ordering=ordering, retries=(0.05,) * (MOST_ATTEMPTS - 1), timeout_seconds=2),  # type: ignore[arg-type]
    )


@pytest.mark.timeout(900)
def test_nothing_is_lost_and_repetitions_keep_their_id_however_often_somebody_is_killed(tmp_path: Path) -> None:
    draw = random.Random()  # noqa: S311 - chance for a test
    settings = Settings(home=tmp_path / "home", _env_file=None)
    scene = Scene(settings)
    scene.set_up()
    with UnreliableReceiver() as receiver, nursery(settings) as house:
        for tenant in ("acme", "globex"):
            for ordering in ("table", "none"):
                register(scene, tenant, receiver.url, ordering=ordering)
        for role in ROLES:
            house.start(role)
        for _ in range(KILLS):
            time.sleep(draw.uniform(0.1, 0.7))
            house.start(house.kill(draw.choice(list(house.pids))))
        _publish_until_taken(scene, receiver)
        for pid in list(house.pids):
            house.kill(pid)
            house.wait(pid)  # until its locks are free: who gathers does not wait for them
        receiver.is_reliable = True
        house.wait(house.start("finish"))
    _check(scene, receiver)


def _publish_until_taken(scene: Scene, receiver: UnreliableReceiver) -> None:
    """Give a run in which everybody was killed early the time to have published and delivered something."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (len(receiver.taken) < 40 or receiver.answered < 20):
        time.sleep(0.1)


def _check(scene: Scene, receiver: UnreliableReceiver) -> None:
    """Compare the warehouse's log, the outbox, the queue and what the receiver has."""
    with scene.runtime.warehouse.session("count") as session:
        rows = session.execute("SELECT version FROM strata.publication_log WHERE table_name = ?", [BILL[1]])
    published = {int(version) for (version,) in rows}
    assert len(published) > 5
    outbox = scene.outbox()
    wanted: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row in outbox:
        wanted[row["tenant_id"], row["registration_id"]].append(row["version"])
    skipped = {place: published - set(versions) for place, versions in wanted.items() if set(versions) != published}
    assert not skipped
    assert [len(versions) for versions in wanted.values()] == [len(published)] * 4  # and none twice
    assert len({row["delivery_id"] for row in outbox}) == len(outbox)

    kept = books(scene.runtime.control, MOST_ATTEMPTS)
    assert (kept.lost, kept.unfinished, kept.over_policy) == (set(), set(), set())
    assert kept.delivered == {row["delivery_id"] for row in outbox}
    assert set(receiver.taken) == kept.delivered

    told = defaultdict(set)
    for delivery_id, bodies in receiver.taken.items():
        assert {body["id"] for body in bodies} == {delivery_id}
        told[delivery_id] = {body["sequence"] for body in bodies}
        assert len(told[delivery_id]) == 1
    assert LEASE_MS < 5_000
