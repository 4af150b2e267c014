"""On a server, loads of different places write at the same time; those of one place, and builds, take turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from many_entities import bench_of
from shop_source import CONTRACT, column

from orchestration.bronze import applying
from orchestration.bronze.ledger import LoadResult, all_loads
from orchestration.bronze.merge import Incoming, Merged
from orchestration.failures import Busy
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.lock import held
from orchestration.warehouse.sqlserver.connecting import connect

pytestmark = [
    pytest.mark.sqlserver,
    pytest.mark.timeout(240),
    pytest.mark.proves("Loads of different places write at the same time; of one place, and builds, in turn"),
]
SECONDS = 120


@pytest.fixture
def warehouse() -> str:
    return "sqlserver"


@pytest.fixture
def bench(tmp_path: Path, settings: Settings) -> Bench:
    """Two entities that were loaded once, and have changed since."""
    bench = bench_of(tmp_path / "shop", settings.model_copy(update={"load_threads": 2}), ("a", "b"))
    bench.shop().put(1)
    assert {result.status for result in bench.load()} == {"loaded"}
    bench.shop().put(1, "paid", minutes=30)
    return bench


class Gate:
    """Keeps loads of one entity inside their transaction, with their rows written, until it is opened."""

    def __init__(self, entity: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._entity, self._merge = entity, applying.merge
        self.reached, self.opened = threading.Event(), threading.Event()
        monkeypatch.setattr(applying, "merge", self._stop)

    def _stop(self, session: Any, incoming: Incoming, *rest: Any) -> Merged:
        merged = self._merge(session, incoming, *rest)
        if incoming.contract.entity == self._entity:
            self.reached.set()
            assert self.opened.wait(SECONDS)
        return merged

    @contextmanager
    def held_open(self, load: Callable[[], list[LoadResult]]) -> Iterator[Future[list[LoadResult]]]:
        """Have a load stand in its transaction for the block."""
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(load)
            try:
                assert self.reached.wait(SECONDS)
                yield loading
            finally:
                self.opened.set()


def only(results: list[LoadResult]) -> tuple[str, int]:
    (result,) = results
    return result.status, result.updated


def test_a_load_commits_while_another_entitys_is_in_its_transaction(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate("a", monkeypatch)
    with gate.held_open(lambda: bench.load(entities=("a",))) as first:
        assert only(bench.load(entities=("b",))) == ("loaded", 1)
        with bench.warehouse.reading("look") as session:
            assert session.execute("SELECT status FROM bronze_shop.b") == [("paid",)]
            assert session.execute("SELECT status FROM bronze_shop.a") == [("open",)]
        assert not first.done()
    assert only(first.result()) == ("loaded", 1)
    assert bench.query("SELECT entity, seq FROM strata.load_ledger WHERE updated = 1 ORDER BY seq") == [
        ("b", 3),
        ("a", 4),
    ], "numbers are given in the order of commits"


def test_a_load_waits_for_one_of_the_same_place_on_another_machine(bench: Bench) -> None:
    place = bench.load(entities=("b",))[0].place
    bench.shop().put(1, "open", minutes=60)
    bench.settings = bench.settings.model_copy(update={"lock_wait_seconds": 0.5})
    there, bench.warehouse = bench.warehouse, open_warehouse(bench.settings)
    with there.session("another machine", beside=place.prefix):
        (busy,) = bench.load("hourly", entities=("b",))
        assert (busy.status, busy.failure_class) == ("failed", "busy")
        assert "another load of the same" in busy.message
        assert only(bench.load("hourly", entities=("a",)))[0] == "loaded", "another place is free"
    assert only(bench.load("hourly", entities=("b",))) == ("loaded", 1)


def test_a_build_waits_for_loads_and_loads_wait_for_a_build(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient = open_warehouse(bench.settings.model_copy(update={"lock_wait_seconds": 0.5}))
    gate = Gate("a", monkeypatch)
    with (
        gate.held_open(lambda: bench.load(entities=("a",))) as first,
        pytest.raises(Busy, match="build"),
        impatient.exclusive("build"),
    ):
        pytest.fail("a load was in its transaction")
    assert only(first.result()) == ("loaded", 1)
    with ThreadPoolExecutor(1) as pool:
        with impatient.exclusive("build"):
            second = pool.submit(bench.load, entities=("b",))
            with pytest.raises(TimeoutError):
                second.result(1)
            with impatient.session("within the build") as session:
                assert session.execute("SELECT status FROM bronze_shop.b") == [("open",)]
        assert only(second.result(SECONDS)) == ("loaded", 1)


def test_two_loads_in_a_deadlock_are_both_done_in_the_end(
    bench: Bench, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = connect(settings)
    other.cursor().execute("CREATE TABLE pair (id int PRIMARY KEY, n int)")
    other.cursor().execute("INSERT INTO pair VALUES (1, 0), (2, 0)")
    merge, both, tries = applying.merge, threading.Barrier(2), []

    def merge_in_each_others_way(session: Any, incoming: Incoming, *rest: Any) -> Merged:
        merged = merge(session, incoming, *rest)
        first = 1 if incoming.contract.entity == "a" else 2
        tries.append(first)
        session.run("UPDATE pair SET n = n + 1 WHERE id = ?", first)
        if len(tries) <= 2:
            both.wait(SECONDS)
        session.run("UPDATE pair SET n = n + 1 WHERE id = ?", 3 - first)
        return merged

    monkeypatch.setattr(applying, "merge", merge_in_each_others_way)
    assert {(result.status, result.updated) for result in bench.load()} == {("loaded", 1)}
    assert len(tries) == 3, "one was the victim, and began anew"
    assert [tuple(row) for row in other.cursor().execute("SELECT n FROM pair").fetchall()] == [(2,), (2,)]
    other.close()


def test_a_table_that_a_load_has_to_change_is_changed_by_it_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate("a", monkeypatch)
    with gate.held_open(lambda: bench.load(entities=("a",))) as first, ThreadPoolExecutor(1) as pool:
        wider = bench_of(bench.folder, bench.settings, ("b",))
        wider.contract(columns=(*CONTRACT.columns, column("paid_by", "text(20)")))
        with wider.shop().db() as db:
            db.execute("ALTER TABLE invoice ADD COLUMN paid_by TEXT DEFAULT 'card'")
        second = pool.submit(wider.load, "daily", entities=("b",))
        with pytest.raises(TimeoutError):
            second.result(3)
        gate.opened.set()
        assert only(second.result(SECONDS)) == ("loaded", 1)
    assert only(first.result()) == ("loaded", 1)
    assert bench.query("SELECT status, paid_by FROM bronze_shop.b") == [("paid", "card")]


def test_a_load_is_done_though_somebody_writes_the_status_for_long(tmp_path: Path, settings: Settings) -> None:
    bench = Bench(tmp_path / "shop", settings.model_copy(update={"lock_wait_seconds": 0.5}))
    bench.shop().put(1)
    with ThreadPoolExecutor(1) as pool, held(bench.settings.locks_dir / "status.lock", "test", 0):
        result = pool.submit(bench.one).result()
    assert (result.status, len(bench.bronze())) == ("loaded", 1)
    with bench.warehouse.reading("look") as session:
        assert [load.status for load in all_loads(session)] == ["loaded"]
