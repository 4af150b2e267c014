"""Several at once: two loads of one entity, and readers in other processes while loads run."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from bench import Bench

from orchestration.bronze.progress import Progress
from orchestration.bronze.request import load_lock
from orchestration.landing.manifest import Place
from orchestration.publication.publish import publish
from orchestration.publication.status import read_status
from orchestration.settings import Settings
from orchestration.warehouse.lock import held

PLACE = Place("acme", "shop", "main", "invoice")
READER = """
import sys
from pathlib import Path
from orchestration.publication.published_reader import connect_published
from orchestration.publication.status import read_status
from orchestration.settings import Settings

settings = Settings(home=Path(sys.argv[1]), _env_file=None)
sys.stdout.write("ready\\n"); sys.stdout.flush()
looks = 0
while not Path(sys.argv[2]).exists():
    with connect_published(settings) as con:
        rows, versions = con.execute("SELECT count(*), count(DISTINCT status) FROM bronze_shop.invoice").fetchone()
    assert (rows, versions) == (200, 1), (rows, versions)
    assert read_status(settings).entities[0].status == "loaded"
    looks += 1
print(looks)
"""


def test_the_second_load_waits_for_the_first(bench: Bench) -> None:
    bench.shop().put(1)
    results = []
    threads = [threading.Thread(target=lambda: results.append(bench.one())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.inserted for result in results) == [0, 1]
    assert {result.status for result in results} == {"loaded"}


def test_a_load_that_waited_too_long_says_who_is_in_its_way(bench: Bench, tmp_path: Path) -> None:
    bench.shop().put(1)
    bench.one()
    bench.settings = Settings(home=bench.settings.home, lock_wait_seconds=0.2, _env_file=None)
    lock = load_lock(bench.runtime, PLACE)
    script = f"""
import sys
from pathlib import Path
from orchestration.warehouse.lock import held
with held(Path({str(lock)!r}), "load acme/shop/invoice", 5):
    print("ready", flush=True)
    sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        other.stdout.readline()
        result = bench.one()
        other.communicate("\n", timeout=20)
    assert (result.status, result.failure_class) == ("failed", "busy")
    assert f"held by process {other.pid} (load acme/shop/invoice) since" in result.message
    assert bench.one().status == "loaded"


def test_the_warehouse_is_free_while_a_source_is_being_read(bench: Bench) -> None:
    bench.shop().put(1)
    seen = []

    def look(progress: Progress) -> None:
        if progress.phase == "extract":
            with bench.runtime.warehouse.session("somebody else"):
                seen.append(progress.rows)

    bench.one(on_progress=lambda progress: _in_a_thread(look, progress))
    assert seen == [1]


def _in_a_thread(function: Callable[[Progress], None], argument: Progress) -> None:
    thread = threading.Thread(target=function, args=(argument,))
    thread.start()
    thread.join()


@pytest.mark.parametrize("warehouse", ["duckdb"])  # a server is read itself: see test_readers_of_a_server
@pytest.mark.timeout(120)
def test_a_reader_in_another_process_never_fails_and_never_sees_half_a_table(bench: Bench, tmp_path: Path) -> None:
    for key in range(200):
        bench.shop().put(key)
    bench.one()
    publish_bronze(bench)
    stop = tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(bench.settings.home), str(stop)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    reader.stdout.readline()
    for number in range(6):
        with bench.shop().db() as db:
            db.execute(
                "UPDATE invoice SET status = ?, updated_at = updated_at + 60000000", ["paid" if number % 2 else "open"]
            )
        bench.one("daily" if number % 3 else "hourly")
        publish_bronze(bench)
    stop.touch()
    output, errors = reader.communicate(timeout=60)
    assert reader.returncode == 0, errors
    assert int(output) > 0
    assert read_status(bench.settings).entities[0].rejects_open == 0


def publish_bronze(bench: Bench) -> None:
    table = ("bronze_shop", "invoice")
    with bench.runtime.warehouse.session("publish") as session:
        publish(session, bench.runtime, [table], {table: ("_tenant_id", "_connection", "id")}, "build")


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    path = Path(tmp_path) / "some.lock"
    script = f"""
import os, signal
from pathlib import Path
from orchestration.warehouse.lock import held
with held(Path({str(path)!r}), "doomed", 5):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    with held(path, "next", 1):
        pass
