"""Landing to bronze on SQL Server, against bare loops over the same rows; and what loads cost as tables grow.

It takes the server that STRATA_TEST_SQLSERVER names, and makes databases of its own there. What counts is the time
that passes, since most of the work is the server's. A bare loop has the rows ready, writes them into a table of
bronze's form, and keeps no ledger and checks nothing; ours begins with what landed: it gates, hashes, writes, reads
back and records. The peer is pyodbc's ``executemany``, on a tenth of the rows.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import delta
import duckdb
import sales
from measurement import Figure, Run, figure, report
from prepared import FOLDER, only, peak_mb

from orchestration.bronze.load import load_source
from orchestration.contracts.source import Mode
from orchestration.settings import Settings
from orchestration.warehouse import odbc
from orchestration.warehouse.sqlserver import connecting, proof
from orchestration.warehouse.sqlserver.ddl import SqlServerDdl
from orchestration.warehouse.sqlserver.paths import ArrayBinding, OpenJson, Rows
from orchestration.warehouse.sqlserver.paths import Path as Way
from orchestration.warehouse.sqlserver.quoting import there
from orchestration.warehouse.sqlserver.types import read_as

SERVER = "STRATA_TEST_SQLSERVER"
TABLE, BARE = "[bronze_bench].[sales]", ("bronze_bench", "bare")
PEER_SHARE = 10
_STATISTICS_SECONDS = 90
LEAST_OF_LOOP, LEAST_OF_PEER, MOST_OF_PROOF = 0.8, 5.0, 0.15


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """Make an empty database for a block, and point the platform to it; gives its connection string."""
    server = re.sub(r"(?i)\bdatabase=[^;]*;?", "", os.environ[SERVER]).rstrip(";")
    name = f"strata_bench_{os.getpid()}"
    _administer(server, f"CREATE DATABASE {name}")
    os.environ |= {"STRATA_WAREHOUSE": "sqlserver", "STRATA_SQLSERVER_CONNECTION": f"{server};DATABASE={name}"}
    yield os.environ["STRATA_SQLSERVER_CONNECTION"]
    shutil.rmtree(folder / "home", ignore_errors=True)
    gc.collect()  # connections end with who has them, and a database in use cannot go
    _administer(server, f"DROP DATABASE {name}")


def _administer(server: str, statement: str) -> None:
    import pyodbc  # noqa: PLC0415 - it finds its driver when it is imported

    pyodbc.pooling = False
    with closing(pyodbc.connect(f"{server};DATABASE=master", autocommit=True)) as con:
        con.execute(statement)


def timed(work: Callable[[], object]) -> Run:
    """Run something once."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Run(time.process_time() - cpu, time.perf_counter() - wall, 0)


class Ours:
    """The engine, with its connection open and its tables there."""

    def __init__(self, folder: Path) -> None:
        """Load nothing first."""
        self.folder = folder
        self.runtime = sales.runtime(folder / "home", self._source("none"))
        self.load("none", "daily")

    def _source(self, file: str) -> sales.Sales:
        gone = self.folder / "gone.parquet" if file == "change" else None
        return sales.sales(delta.contract(), path=self.folder / f"{file}.parquet", gone=gone)

    def load(self, file: str, mode: Mode) -> Run:
        """Load a file; returns what that took beyond reading the source."""
        cpu, wall = time.process_time(), time.perf_counter()
        result = only(load_source(self.runtime, self._source(file), mode, who="bench"))
        return Run(time.process_time() - cpu, time.perf_counter() - wall - result.extract_seconds, peak_mb())


def make_files(folder: Path, rows: int) -> None:
    """Write the table, the change, and a file without rows."""
    delta.make_files(folder, rows)
    with duckdb.connect() as con:
        con.execute(f"COPY (FROM '{folder}/rows.parquet' LIMIT 0) TO '{folder}/none.parquet' (FORMAT parquet)")


class Loops:
    """The contestants that have their rows ready: those that a load of ours has written, with all its columns."""

    def __init__(self, server: str) -> None:
        """Read the rows back."""
        self.server = server
        self.remote = connecting.connect(Settings(_env_file=None))  # type: ignore[call-arg]
        self.con = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
        columns = self.remote.cursor().execute(
            "SELECT c.name, t.name, c.max_length, c.precision, c.scale FROM sys.columns c JOIN sys.types t "
            f"ON t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('{TABLE}') ORDER BY c.column_id"
        )
        self.columns = {row[0]: read_as(*row[1:]) for row in columns.fetchall()}
        typed = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in self.columns.items())
        self.con.register("stored", self.remote.cursor().execute(f"SELECT * FROM {TABLE}").arrow_reader())
        self.con.execute(f"CREATE TABLE landed AS SELECT {typed} FROM stored")
        self.con.unregister("stored")

    def all(self) -> Iterator[tuple[str, Run]]:
        """Run every one, and leave."""
        yield "bare loop, OPENJSON", self.bare(OpenJson())
        yield "bare loop, arrays", self.bare(ArrayBinding())
        yield "pyodbc executemany", self.peer()
        yield "verification", self.proof()
        self.remote.close()

    def bare(self, way: Way) -> Run:
        """Write all rows in one transaction by a way of ours, unproven."""
        self._empty()
        return timed(lambda: self._write(way))

    def _write(self, way: Way) -> None:
        cursor = self.remote.cursor()
        cursor.execute("BEGIN TRANSACTION")
        way.load(cursor, Rows(self.con, "landed", self.columns), there(BARE))
        cursor.execute("COMMIT TRANSACTION")

    def _empty(self) -> None:
        """A table of bronze's form, with its index."""
        ddl, cursor = SqlServerDdl(), self.remote.cursor()
        cursor.execute(f"DROP TABLE IF EXISTS {there(BARE)}")
        cursor.execute(ddl.create_table(BARE, ddl.bronze_shape(delta.contract())))

    def peer(self) -> Run:
        """Write a tenth of the rows by pyodbc's ``executemany``; the time is scaled to all of them."""
        import pyodbc  # noqa: PLC0415 - as above

        self._empty()
        rows = self.con.execute("SELECT * FROM landed USING SAMPLE 10 PERCENT (bernoulli, 7)").fetchall()
        (total,) = self.con.execute("SELECT count(*) FROM landed").fetchall()[0]
        marks = ", ".join("?" * len(self.columns))
        with closing(pyodbc.connect(self.server)) as con:
            run = timed(
                lambda: (con.cursor().executemany(f"INSERT INTO {there(BARE)} VALUES ({marks})", rows), con.commit())
            )
        return Run(run.cpu * total / len(rows), run.wall * total / len(rows), 0)

    def proof(self) -> Run:
        """Sum up both sides, as every load does."""
        cursor = self.remote.cursor()
        return timed(
            lambda: (
                proof.sums_of_ours(self.con, "landed", self.columns),
                proof.sums_of_theirs(self.con, cursor, TABLE, self.columns),
            )
        )


def first_loads(folder: Path, rows: int, rounds: int) -> list[Figure]:
    """Measure first loads: ours each into an empty database, the loops into an empty table."""
    runs: dict[str, list[Run]] = {}
    make_files(folder, rows)
    for _ in range(rounds):
        with database(folder) as server:
            runs.setdefault("strata", []).append(Ours(folder).load("rows", "daily"))
            for name, run in Loops(server).all():
                runs.setdefault(name, []).append(run)
    return _judged(rows, runs)


def _judged(rows: int, runs: dict[str, list[Run]]) -> list[Figure]:
    wall = {name: statistics.median(run.wall for run in found) for name, found in runs.items()}
    fastest = min((name for name in wall if name.startswith("bare")), key=wall.__getitem__)
    ours, peer = wall["strata"], wall["pyodbc executemany"]
    asked: dict[str, dict[str, Any]] = {
        "strata": {"peer": fastest, "ratio": wall[fastest] / ours, "least": LEAST_OF_LOOP},
        "pyodbc executemany": {"peer": "strata", "ratio": peer / ours, "least": LEAST_OF_PEER},
        "verification": {"peer": "strata", "ratio": wall["verification"] / ours, "limit": MOST_OF_PROOF},
    }
    speeds = {name: f"{rows / seconds:,.0f} rows/s" for name, seconds in wall.items()}
    return [
        figure("SQL Server, first load", name, rows, found, note=speeds[name], **asked.get(name, {}))
        for name, found in runs.items()
    ]


def growth(folder: Path, rows: int, rounds: int) -> list[Figure]:
    """Measure a first load, one of the same rows again, and a delta of 20,000 changed and 200 deleted ones.

    A first load tells SQL Server to look at the table's statistics; Babelfish does so by itself within a minute, and
    until then takes the table for a small one: it is given the time that lies between loads of a day.
    """
    make_files(folder, rows)
    runs: dict[str, list[Run]] = {"first load": [], "reload, unchanged": [], "delta": []}
    for _ in range(rounds):
        with database(folder):
            ours = Ours(folder)
            runs["first load"].append(ours.load("rows", "daily"))
            time.sleep(_STATISTICS_SECONDS)
            runs["reload, unchanged"].append(ours.load("rows", "daily"))
            runs["delta"].append(ours.load("change", "hourly"))
            del ours
    speed = rows / statistics.median(run.wall for run in runs["first load"])
    notes = (f"{speed:,.0f} rows/s", "", "20,000 rows changed, 200 gone")
    return [
        figure("SQL Server, growth", name, rows, found, note=note)
        for (name, found), note in zip(runs.items(), notes, strict=True)
    ]


def main() -> int:
    """Measure; without a server, say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 200_000, 1_000_000])
    parser.add_argument("--growth-rows", type=int, nargs="*", default=[100_000, 500_000, 2_000_000, 5_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=FOLDER / "sqlserver")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    if not os.environ.get(SERVER):
        print(f"{SERVER} names no T-SQL server by an ODBC connection string: nothing was measured.")
        return 0
    chosen.folder.mkdir(parents=True, exist_ok=True)
    odbc.register_driver(chosen.folder / "odbc")
    for rows in sorted(chosen.growth_rows):  # a peak of memory is the highest so far
        report(growth(chosen.folder, rows, chosen.rounds), chosen.out)
    for rows in chosen.rows:
        report(first_loads(chosen.folder, rows, chosen.rounds), chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
