"""A suspended tenant is not loaded: not from the next load on, not from the next page on, and never committed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench import Bench
from shop_source import ShopExtractor

from orchestration.bronze import admission
from orchestration.bronze.admission import Stopped
from orchestration.bronze.progress import Progress
from orchestration.contracts.extraction import CsvPart
from orchestration.control import changes, tables
from orchestration.tenancy import states

SCRIPT = Path(__file__).parent / "suspend_tenant.py"


@pytest.fixture
def two(bench: Bench) -> Bench:
    """Two tenants that the control plane knows."""
    both = Bench(bench.folder, bench.settings, ("acme", "globex"))
    control = both.runtime.control
    with control.transaction("test") as connection:
        for name in both.tenants:
            changes.insert(connection, tables.tenant, {"tenant_id": name, "title": name, "state": "active"})
    return both


def suspend(bench: Bench, tenant: str) -> None:
    """Suspend in another process, and wait until it says that it is done."""
    command = [sys.executable, str(SCRIPT), str(bench.settings.home), tenant]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "suspended\n", done.stderr


def once(action: Callable[[], None], phase: str, tenant: str = "acme") -> Callable[[Progress], None]:
    """Return a listener that acts at a tenant's first progress of a phase."""
    waiting = [action]

    def listen(progress: Progress) -> None:
        if progress.phase == phase and progress.label.startswith(tenant) and waiting:
            waiting.pop()()

    return listen


def rows(bench: Bench, tenant: str) -> int:
    return len(bench.bronze(tenant=tenant))


def test_a_suspended_tenant_is_left_out_and_the_others_are_loaded(two: Bench) -> None:
    for tenant in two.tenants:
        two.shop(tenant).put(1)
    suspend(two, "acme")
    told: list[tuple[str, str]] = []
    (result,) = two.load(on_left_out=lambda *what: told.append(what))
    assert (result.tenant_id, result.status) == ("globex", "loaded")
    assert told == [("acme", "it is suspended")]
    with pytest.raises(Stopped, match="strata tenant resume acme"):
        two.load(tenants=("acme",))
    states.resume(two.runtime.control, "acme")
    assert {result.tenant_id for result in two.load()} == {"acme", "globex"}


def test_a_load_under_way_stops_between_pages(two: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShopExtractor, "batch_rows", 1)
    monkeypatch.setattr(admission, "_SECONDS_BETWEEN_PAGES", 0)
    for key in range(20):
        two.shop("acme").put(key)
    two.shop("globex").put(1)
    pages: list[int] = []

    def listen(progress: Progress) -> None:
        if progress.phase == "extract" and progress.label.startswith("acme"):
            pages.append(progress.rows)
            if progress.rows == 5:
                suspend(two, "acme")

    stopped, loaded = two.load(on_progress=listen)
    assert (stopped.tenant_id, stopped.status, stopped.failure_class) == ("acme", "failed", "suspended")
    assert loaded.status == "loaded"
    assert pages[-1] == 5
    assert rows(two, "acme") == 0
    assert list(two.landing.folders("acme/shop/main/invoice/")) == []


def test_a_file_under_way_stops_before_its_end(two: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_SECONDS_BETWEEN_PAGES", 0)
    path = tmp_path / "invoices.csv"
    path.write_bytes(b"id,status,amount,is_deleted,updated_at\n" + b"1,open,1.00,false,2026-01-01\n" * 200_000)
    monkeypatch.setattr(ShopExtractor, "extract", lambda *_: _as_a_file(path))
    read: list[int] = []

    def listen(progress: Progress) -> None:
        read.append(progress.bytes)
        if len(read) == 3:
            suspend(two, "acme")

    (stopped,) = two.load(tenants=("acme",), on_progress=listen)
    assert (stopped.status, stopped.failure_class) == ("failed", "suspended")
    assert 0 < read[0] < read[1] < read[2] < path.stat().st_size
    assert list(two.landing.folders("acme/shop/main/invoice/")) == []


def _as_a_file(path: Path) -> Iterator[CsvPart]:
    with path.open("rb") as file:
        yield CsvPart(file)


@pytest.mark.parametrize("mode", ["daily", "hourly"])
def test_what_is_read_when_the_tenant_is_suspended_is_not_committed(two: Bench, mode: str) -> None:
    two.shop("acme").put(1)
    two.load()
    two.shop("acme").put(2, minutes=60)
    results = two.load(mode, tenants=("acme",), on_progress=once(lambda: suspend(two, "acme"), "load"))
    assert [result.failure_class for result in results] == ["suspended"]
    assert rows(two, "acme") == 1


def test_a_look_that_found_nothing_is_not_recorded_for_a_suspended_tenant(two: Bench) -> None:
    for tenant in two.tenants:
        two.shop(tenant).put(1)
    two.load()
    results = two.load("hourly", on_progress=once(lambda: suspend(two, "acme"), "done"))
    assert {result.tenant_id: result.failure_class for result in results} == {"acme": "suspended", "globex": None}


@pytest.mark.timeout(120)
def test_nothing_is_committed_once_the_suspending_process_has_ended(two: Bench) -> None:
    """Loads go on and on in a thread; the count that stands when the other process ends stands for ever."""
    loaded, ended = threading.Event(), threading.Event()

    def load_again_and_again() -> None:
        for key in range(1000):
            if ended.is_set():
                return
            two.shop("acme").put(key, minutes=key)
            two.load("hourly")
            loaded.set()

    two.shop("globex").put(1)
    loader = threading.Thread(target=load_again_and_again)
    loader.start()
    try:
        assert loaded.wait(60)
        suspend(two, "acme")
        known = rows(two, "acme")
        time.sleep(1)
    finally:  # a thread that goes on takes half a processor from every test after this one
        ended.set()
        loader.join()
    assert rows(two, "acme") == known > 0


def test_a_tenant_that_is_removed_as_it_loads_is_stopped_too(two: Bench) -> None:
    two.shop("acme").put(1)

    def remove() -> None:
        with two.runtime.control.transaction("test") as connection:
            changes.soft_delete(connection, tables.tenant, {"tenant_id": "acme"})

    (result,) = two.load(tenants=("acme",), on_progress=once(remove, "load"))
    assert result.failure_class == "suspended"
    assert "is removed" in result.message
