"""Numbers of the ledger and of events come to be seen in their order: who reads on from the last one misses none."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bench import Bench

from orchestration.bronze import ledger
from orchestration.bronze.failure import failed
from orchestration.bronze.ledger import LoadResult
from orchestration.failures import ConnectionFailed
from orchestration.landing.manifest import new_load_id
from orchestration.settings import Settings
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.protocol import Session, Warehouse

pytestmark = [
    pytest.mark.sqlserver,
    pytest.mark.timeout(180),
    pytest.mark.proves("Loads of different places write at the same time; of one place, and builds, in turn"),
]
WRITERS, LOADS = 4, 8
LOGS = ("load_ledger", "event_log")


@pytest.fixture
def warehouse() -> str:
    return "sqlserver"


def a_failure(writer: int) -> LoadResult:
    draft = LoadResult(
        new_load_id(), f"tenant{writer}", "main", "shop", "invoice", "delta", "hourly", "loaded", utc_now(), "test", "1"
    )
    return failed(draft, ConnectionFailed("Nobody answers.", "Wait."))


def write(warehouse: Warehouse, writer: int) -> list[LoadResult]:
    """Record loads that draw a number early and commit late, some of them never."""
    rng, written = random.Random(writer), []  # noqa: S311 - a repeatable story
    for _ in range(LOADS):
        with warehouse.session("a load", beside=f"place {writer}") as session:
            try:
                with session.transaction():
                    stamp = ledger.next_stamp(session)
                    time.sleep(rng.uniform(0, 0.1))
                    recorded = ledger.record(session, a_failure(writer), stamp)
                    time.sleep(rng.uniform(0, 0.05))
                    _ = 1 // rng.randrange(6)  # some fail at the last moment
                written.append(recorded)
            except ZeroDivisionError:
                continue
    return written


def follow(warehouse: Warehouse, done: threading.Event) -> dict[str, list[int]]:
    """Read each log on from the last number that was seen, until the writers are done."""
    seen: dict[str, list[int]] = {log: [0] for log in LOGS}
    with warehouse.reading("follow") as session:
        last = False
        while not last:
            last = done.is_set()
            for log in LOGS:
                seen[log] += numbers_after(session, log, seen[log][-1])
    return {log: numbers[1:] for log, numbers in seen.items()}


def numbers_after(session: Session, log: str, last: int) -> list[int]:
    return [seq for (seq,) in session.execute(f"SELECT seq FROM strata.{log} WHERE seq > ? ORDER BY seq", [last])]


def test_a_reader_who_goes_on_from_the_last_number_misses_none(tmp_path: Path, settings: Settings) -> None:
    bench = Bench(tmp_path / "shop", settings)
    bench.one()  # the tables are there
    done = threading.Event()
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(follow, bench.warehouse, done)
        try:
            writers = [pool.submit(write, bench.warehouse, number) for number in range(WRITERS)]
            written = [result for writer in writers for result in writer.result()]
        finally:
            done.set()
        seen = reader.result()
    with bench.warehouse.reading("look") as session:
        assert seen == {log: numbers_after(session, log, 0) for log in LOGS}
        known = session.execute("SELECT tenant_id, seq FROM strata.load_state WHERE seq > 1 ORDER BY 1")
    assert sorted(result.seq for result in written) == list(range(2, len(written) + 2)), "none twice, none left out"
    newest = {result.tenant_id: result for result in sorted(written, key=lambda result: result.seq)}
    assert known == [(tenant, newest[tenant].seq) for tenant in sorted(newest)]
    for tenant in newest:  # of loads side by side, the one recorded first may carry the later instant
        instants = [item.finished_at for item in sorted(written, key=lambda item: item.seq) if item.tenant_id == tenant]
        assert instants == sorted(set(instants))
