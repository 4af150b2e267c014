"""A daily reload of a table that hardly changed, against extracting and landing it alone.

One row of a hundred has changed and 200 are gone. What reconciling adds (reading our rows,
comparing keys and content, writing the differences) may cost 0.3 of what reading the source
costs. The third contestant reloads an unchanged table: it has to write nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import sales
from measurement import figure, report
from prepared import FOLDER, measured, only, prepared_contest

from orchestration.bronze.extraction import Extraction, Order
from orchestration.bronze.load import load_source
from orchestration.landing.manifest import new_load_id

LIMIT = 1.3
URL = "BENCH_POSTGRES_URL"


def load(home: Path, table: str) -> None:
    """Reload bronze from a table."""
    source = sales.sales(sales.contract(f"public.{table}"), url=os.environ[URL])
    result = only(load_source(sales.runtime(home, source), source, "daily", who="bench"))
    if table == "sales" and result.inserted != result.extracted and result.changed:
        raise RuntimeError(f"an unchanged reload wrote rows: {result}")


def land(home: Path) -> None:
    """Extract and land the changed table, as the engine does, and stop there."""
    source = sales.sales(sales.contract("public.sales_changed"), url=os.environ[URL])
    runtime = sales.runtime(home, source)
    (connection,) = runtime.connections("bench")
    with source.connect(connection) as extractor:
        Extraction(extractor, connection, source.contract, runtime.landing).land(Order("full"), new_load_id())


CONTESTANTS = {
    "extract and land": land,
    "strata, 1 % changed": lambda home: load(home, "sales_changed"),
    "strata, unchanged": lambda home: load(home, "sales"),
}


def main() -> None:
    """Measure, or be one contestant of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--contestant", choices=tuple(CONTESTANTS), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    home = chosen.folder / "home"
    if chosen.contestant:
        measured(lambda: CONTESTANTS[chosen.contestant](home))
        return
    folder, template = chosen.folder / "postgres", chosen.folder / "template"
    os.environ[URL] = sales.make_postgres(folder, chosen.rows)
    try:
        shutil.rmtree(template, ignore_errors=True)
        load(template, "sales")
        base = [sys.executable, __file__, "--folder", str(chosen.folder), "--contestant"]
        runs = prepared_contest({name: [*base, name] for name in CONTESTANTS}, template, home, chosen.rounds)
    finally:
        sales.stop_postgres(folder)
    peer = "extract and land"
    figures = [figure("Reload", name, chosen.rows, runs[name]) for name in CONTESTANTS]
    compared = [
        replace(item, peer=peer, ratio=round(item.cpu / figures[0].cpu, 2), limit=LIMIT) for item in figures[1:]
    ]
    report([figures[0], *compared], chosen.out)


if __name__ == "__main__":
    main()
