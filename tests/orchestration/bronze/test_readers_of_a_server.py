"""On a server, readers see the tables themselves: never a gap, never half of a load, never an error.

The reader polls in a process and over a connection of its own, while an entity is loaded in every way there is.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bench import Bench
from shop_source import CONTRACT, column

READER = """
import sys
from pathlib import Path
import mssql_python

cursor = mssql_python.connect(sys.stdin.readline(), autocommit=True).cursor()
seen, last, ready = [], None, False
while not Path(sys.argv[1]).exists():
    cursor.execute("SELECT COUNT(*), COUNT(DISTINCT status), MIN(status) FROM bronze_shop.invoice")
    now = tuple(cursor.fetchall()[0])
    if now != last:
        seen.append(now)
        last = now
    if not ready:
        print("ready", flush=True)
        ready = True
print(seen, flush=True)
"""


@pytest.fixture
def warehouse() -> str:
    return "sqlserver"


@contextmanager
def reader(bench: Bench, stop: Path) -> Iterator[list[tuple[int, int, str | None]]]:
    """Poll while the block runs; afterwards the list has each state that was seen, in order."""
    seen: list[tuple[int, int, str | None]] = []
    process = subprocess.Popen(
        [sys.executable, "-c", READER, str(stop)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    server = bench.settings.sqlserver_connection.get_secret_value()
    process.stdin.write(";".join(part for part in server.split(";") if not part.startswith("DRIVER")) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    try:
        yield seen
    finally:
        stop.touch()
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        seen += eval(output)  # noqa: S307 - what the script above printed


def put_all(bench: Bench, status: str, minute: int, count: int = 300) -> None:
    with bench.shop().db() as db:
        db.execute("DELETE FROM invoice")
        db.executemany(
            "INSERT INTO invoice (id, status, amount, is_deleted, updated_at) VALUES (?, ?, '1.00', 0, ?)",
            [(key, status, 1767225600000000 + minute * 60000000) for key in range(count)],
        )


@pytest.mark.sqlserver
@pytest.mark.timeout(120)
def test_a_reader_sees_whole_loads_and_nothing_else(bench: Bench, tmp_path: Path) -> None:
    bench.contract(columns=(CONTRACT.columns[0], column("status", "text(8)"), *CONTRACT.columns[2:]))
    put_all(bench, "none", 0, count=0)
    bench.one()  # the table is there
    with reader(bench, tmp_path / "stop") as seen:
        put_all(bench, "open", 0)
        assert bench.one().inserted == 300
        put_all(bench, "paid", 30)
        assert bench.one("hourly").updated == 300
        put_all(bench, "kept", 60)
        assert bench.one().updated == 300
        bench.contract(columns=(CONTRACT.columns[0], column("status", "text(20)"), *CONTRACT.columns[2:]))
        assert bench.one("init").unchanged == 300
    assert seen == [(0, 0, None), (300, 1, "open"), (300, 1, "paid"), (300, 1, "kept")]
