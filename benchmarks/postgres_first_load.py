"""PostgreSQL → bronze, a first load, against a raw ADBC copy of the same table into DuckDB.

The engine's whole path: extract, land as Parquet, gate, load, ledger. Raw: the same SELECT
(money as scaled integers), the same driver, DuckDB with the same settings, ``INSERT INTO``
from the driver's batches; no file, no check, no ledger. The limit is 1.5 times its CPU time.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import sales
from adbc_driver_postgresql import dbapi
from measurement import Figure, Run, contest, figure, report
from prepared import FOLDER
from text_contest import bench_python

from orchestration.bronze.load import load_source
from orchestration.settings import Settings
from orchestration.warehouse.duckdb import connection_settings

NAME = "PostgreSQL, first load"
LIMIT = 1.5
DLT = {"connectorx": 1.3, "pyarrow": 2.5}
"""dlt's backends, and how many times strata's CPU time they are expected to take."""
URL = "BENCH_POSTGRES_URL"


def strata(url: str, home: Path) -> None:
    """Load through the engine, into an empty home."""
    source = sales.sales(sales.contract(), url=url)
    (result,) = load_source(sales.runtime(home, source), source, "daily", who="bench")
    if result.status != "loaded":
        raise RuntimeError(result.message)


def raw(url: str, home: Path) -> None:
    """Copy the table by the driver alone."""
    home.mkdir(parents=True)
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    contract = sales.contract()
    with (
        dbapi.connect(url) as db,
        db.cursor() as cursor,
        duckdb.connect(home / "raw.duckdb", config=connection_settings(settings)) as con,
    ):
        cursor.execute(sales.raw_query())
        batches = cursor.fetch_record_batch()
        schema = pa.schema([pa.field(c.name, _arrow(c.type)) for c in contract.columns])
        typed = pa.RecordBatchReader.from_batches(schema, (_typed(batch, schema) for batch in batches))
        columns = ", ".join(f"{column.name} {column.type.duckdb}" for column in contract.columns)
        con.execute(f"CREATE TABLE sales ({columns})")
        con.register("typed", typed)
        con.execute("INSERT INTO sales SELECT * FROM typed")


def _arrow(kind: object) -> pa.DataType:
    precision, scale = getattr(kind, "precision", 0), getattr(kind, "scale", 0)
    return pa.decimal64(precision, scale) if precision else kind.arrow  # type: ignore[attr-defined]


def _typed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        pa.Array.from_buffers(field.type, len(array), array.buffers(), array.null_count, array.offset)
        if pa.types.is_decimal(field.type)
        else array.cast(field.type)
        for array, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def main() -> None:
    """Measure, or be one contestant of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peers", action="store_true", help="run dlt too")
    parser.add_argument("--contestant", choices=("strata", "raw"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.contestant:
        home = chosen.folder / f"home-{chosen.contestant}"
        shutil.rmtree(home, ignore_errors=True)
        {"strata": strata, "raw": raw}[chosen.contestant](os.environ[URL], home)
        return
    folder = chosen.folder / "postgres"
    url = sales.make_postgres(folder, chosen.rows)
    try:
        os.environ[URL] = url
        runs = contest(_commands(chosen.folder, url, peers=chosen.peers), chosen.rounds)
    finally:
        sales.stop_postgres(folder)
    report(_figures(runs, chosen.rows), chosen.out)


def _commands(folder: Path, url: str, *, peers: bool) -> dict[str, list[str]]:
    base = [sys.executable, __file__, "--folder", str(folder), "--contestant"]
    commands = {name: [*base, name] for name in ("raw", "strata")}
    if peers and (python := bench_python()):
        script = str(Path(__file__).with_name("peer_dlt.py"))
        for backend in DLT:
            commands[f"dlt, {backend}"] = [python, script, url, backend, str(folder / "home-dlt")]
    return commands


def _figures(runs: Mapping[str, Sequence[Run]], rows: int) -> list[Figure]:
    own = figure(NAME, "strata", rows, runs["strata"])
    raw_copy = figure(NAME, "raw ADBC", rows, runs["raw"])
    figures = [raw_copy, replace(own, peer="raw ADBC", ratio=round(own.cpu / raw_copy.cpu, 2), limit=LIMIT)]
    for backend, least in DLT.items():
        if f"dlt, {backend}" in runs:
            peer = figure(NAME, f"dlt, {backend}", rows, runs[f"dlt, {backend}"])
            figures.append(replace(peer, peer="strata", ratio=round(peer.cpu / own.cpu, 2), least=least))
    return figures


if __name__ == "__main__":
    main()
