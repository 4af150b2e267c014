"""A load that is killed at any moment and run again leaves the bronze of one that never was.

The load runs in a process of its own and gets SIGKILL after a random time. What it left
in landing and in the warehouse's log is all that the next process has.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench import Bench

from orchestration.contracts.model import Deletes
from orchestration.settings import Settings

ROUNDS = 100 if os.environ.get("STRATA_NIGHTLY") else 6
SCRIPT = Path(__file__).parent / "load_once.py"


def start(bench: Bench, mode: str, *names: str) -> subprocess.Popen[str]:
    arguments = [str(bench.folder), str(bench.settings.home), mode, bench.source.contract.deletes.value, *names]
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | in_words(bench.settings),
    )  # fmt: skip


def in_words(settings: Settings) -> dict[str, str]:
    """The warehouse of settings as another process is told it."""
    server = settings.sqlserver_connection
    words = {"STRATA_WAREHOUSE": settings.warehouse}
    return words | ({"STRATA_SQLSERVER_CONNECTION": server.get_secret_value()} if server else {})


def finish(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "failed" not in output, output


def change(bench: Bench, rng: random.Random, minute: int) -> list[tuple[object, ...]]:
    """Change the source; returns what bronze has to be after a complete load."""
    with bench.shop().db() as db:
        keys = [key for (key,) in db.execute("SELECT id FROM invoice")]
        for key in rng.sample(keys, min(len(keys), 15)):
            db.execute("DELETE FROM invoice WHERE id = ?", [key])
    for key in rng.sample(range(600), 60):
        bench.shop().put(key, rng.choice(["open", "paid"]), f"{rng.randrange(1000)}.00", minute)
    with bench.shop().db() as db:
        return [tuple(row) for row in db.execute("SELECT id, status FROM invoice ORDER BY id")]


def time_one_load(bench: Bench, mode: str, *names: str) -> float:
    process = start(bench, mode, *names)
    process.stdout.readline()
    began = time.monotonic()
    finish(process)
    return time.monotonic() - began


def put_600(bench: Bench) -> None:
    with bench.shop().db() as db:
        db.executemany(
            "INSERT INTO invoice (id, status, amount, is_deleted, updated_at) VALUES (?, 'open', '1.00', 0, 0)",
            [(key,) for key in range(600)],
        )


@pytest.mark.timeout(1800)
@pytest.mark.proves("Loads of different places write at the same time; of one place, and builds, in turn")
def test_loads_killed_side_by_side_and_run_again_leave_the_bronze_of_ones_never_killed(bench: Bench) -> None:
    rng, names = random.Random(4), ("a", "b", "c", "d")  # noqa: S311 - a repeatable story, no secret
    put_600(bench)
    usual, killed = time_one_load(bench, "daily", *names), 0
    for number in range(max(ROUNDS // 2, 3)):
        wanted = change(bench, rng, minute=number * 20)
        process = start(bench, "daily", *names)
        process.stdout.readline()
        time.sleep(rng.uniform(0, usual))
        process.kill()
        process.communicate()
        killed += process.returncode != 0
        finish(start(bench, "daily", *names))
        for name in names:
            rows = f"SELECT id, status FROM bronze_shop.{name} WHERE _deleted_at IS NULL ORDER BY id"
            assert bench.query(rows) == wanted
            doubles = f"SELECT count(*) - count(DISTINCT id) FROM bronze_shop.{name}"
            assert bench.query(doubles) == [(0,)]
        assert bench.query("SELECT count(*) - count(DISTINCT seq) FROM strata.load_ledger") == [(0,)]
    assert killed > 0


@pytest.mark.timeout(1800)
def test_a_killed_load_run_again_leaves_the_bronze_of_one_never_killed(bench: Bench) -> None:
    rng = random.Random(20261121)  # noqa: S311 - a repeatable story, no secret
    bench.contract(deletes=Deletes.SWEEP)
    put_600(bench)
    usual = time_one_load(bench, "daily")
    killed = 0
    for number in range(ROUNDS):
        wanted = change(bench, rng, minute=number * 20)
        mode = rng.choice(["daily", "hourly"])
        process = start(bench, mode)
        process.stdout.readline()
        time.sleep(rng.uniform(0, usual))
        process.kill()
        process.communicate()
        killed += process.returncode != 0
        finish(start(bench, mode))
        assert bench.bronze() == wanted
        check_that_nothing_is_left_over(bench)
    assert killed > 0


def check_that_nothing_is_left_over(bench: Bench) -> None:
    """Every row is accounted for, and every landed load is in the ledger."""
    sums = "extracted = inserted + updated + unchanged + superseded + rejected"
    assert bench.query(f"SELECT count(*) FROM strata.load_ledger WHERE status <> 'failed' AND NOT ({sums})") == [(0,)]
    doubles = "SELECT count(*) - count(DISTINCT id) FROM bronze_shop.invoice"
    assert bench.query(doubles) == [(0,)]
    ledgered = {load_id for (load_id,) in bench.query("SELECT load_id FROM strata.load_ledger")}
    assert set(bench.landing.folders("acme/shop/main/invoice/")) <= ledgered
