"""CSV parts with broken rows: landed, gated and quarantined, against DuckDB's own typed ``read_csv``.

Strata takes each part as a source hands it over, an opened file, lands it as ``csv.zst``,
checks every value and ends with the typed rows, in memory while they are few and else in a
Parquet file of its own, and the rejects in a temporary table. *Stored* also copies the rows into
a table of the database file, as a first load does: the figure beside it, because both peers end there.

Raw reads the same files, where they lie ready, with ``columns=`` and ``store_rejects=true``
into a table of the database file: no landing, and none of the faults that DuckDB does not
see (a fraction beyond the scale is rounded, a value outside the allowed set goes in). Both
have the same settings of DuckDB. dlt reads parts without broken rows, with its ``filesystem``
source into DuckDB by way of Parquet, in its faster (``read_csv_duckdb``) and its usual way
(``read_csv``): with broken ones the first makes whole columns text, and the second, told the
types, gives up. It is measured on fewer rows, and so are we. What our time is made of, and why
the bound against its faster way is missed, says ``docs/decisions/0023``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import sales_contract as sales
from prepared import FOLDER, measured
from text_contest import bench_python, compare, finish, land_and_gate, open_file, run_contest

from orchestration.contracts.extraction import CsvPart
from orchestration.contracts.types import parse_type

PART_ROWS, ONE_BROKEN_IN = 150_000, 1000
LIMIT_RAW, LIMIT_DLT, NAME = round(1 / 0.7, 3), 0.25, "CSV with rejects"
CONTESTANTS = ("raw", "strata", "stored", "clean", "clean-stored")
FAULTS = (
    ("net_amount", "'1.239'"),
    ("net_amount", "'twelve'"),
    ("quantity", "'22.7'"),
    ("issued_on", "'2026-02-30'"),
    ("status", "'unknown'"),
    ("currency", "'EURO'"),
    ("rate", "'123456789.5'"),
    ("is_paid", "'perhaps'"),
)


def make_parts(folder: Path, rows: int, *, broken: bool) -> None:
    """Write CSV parts by DuckDB; every thousandth row has a fault, each kind in turn."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    row = "id // " + str(ONE_BROKEN_IN)
    listed = ", ".join(f"{expression} AS {name}" for name, _, expression in sales.COLUMNS)
    texts = ", ".join(f"{_broken(name, row) if broken else name} AS {name}" for name, _, _ in sales.COLUMNS)
    with duckdb.connect() as con:
        for start in range(0, rows, PART_ROWS):
            source = f"(SELECT {listed} FROM range({start}, {min(rows, start + PART_ROWS)}) AS r(n))"
            path = folder / f"{start:010d}.csv"
            con.execute(f"COPY (SELECT {texts} FROM {source}) TO '{path}' (FORMAT csv, HEADER)")


def _broken(name: str, row: str) -> str:
    whens = [
        f"WHEN id % {ONE_BROKEN_IN} = 7 AND {row} % {len(FAULTS)} = {number} THEN {fault}"
        for number, (column, fault) in enumerate(FAULTS)
        if column == name
    ]
    return f"CASE {' '.join(whens)} ELSE CAST({name} AS VARCHAR) END" if whens else name


def strata(parts: Path, home: Path, *, broken: bool, stored: bool) -> None:
    """Land and gate."""
    rejects = len(range(7, int(parts.name), ONE_BROKEN_IN)) if broken else 0
    land_and_gate(home, sales.contract(), _pages(parts), rejects=rejects, stored=stored)


def raw(parts: Path, home: Path) -> None:
    """Read the files as they are."""
    columns = ", ".join(f"{name}: '{parse_type(kind).duckdb}'" for name, kind, _ in sales.COLUMNS)
    options = f"columns={{{columns}}}, header=true, auto_detect=false, delim=',', quote='\"', store_rejects=true"
    with open_file(home) as con:
        con.execute(f"CREATE TABLE stored AS FROM read_csv('{parts}/*.csv', {options})")


def _pages(parts: Path) -> Iterator[CsvPart]:
    for path in sorted(parts.glob("*.csv")):
        with path.open("rb") as file:
            yield CsvPart(file)


def _contest(chosen: argparse.Namespace) -> None:
    base = [sys.executable, __file__, "--folder", str(chosen.folder), "--rows", str(chosen.rows), "--contestant"]
    make_parts(chosen.folder / "csv-broken" / str(chosen.rows), chosen.rows, broken=True)
    runs = run_contest({name: [*base, name] for name in ("raw", "strata", "stored")}, chosen.folder, chosen.rounds)
    named = {"raw read_csv": runs["raw"], "strata": runs["strata"], "strata, stored": runs["stored"]}
    finish(compare(NAME, chosen.rows, named, "raw read_csv", {"strata": LIMIT_RAW, "strata, stored": None}), chosen.out)


def _contest_dlt(chosen: argparse.Namespace) -> None:
    python = bench_python()
    if not python:
        return
    parts = chosen.folder / "csv-clean" / str(chosen.dlt_rows)
    make_parts(parts, chosen.dlt_rows, broken=False)
    base = [sys.executable, __file__, "--folder", str(chosen.folder), "--rows", str(chosen.dlt_rows), "--contestant"]
    dlt = [python, str(Path(__file__).with_name("dlt_text.py")), str(chosen.folder / "home"), str(parts)]
    commands = {
        "dlt, read_csv_duckdb": [*dlt, "csv-duckdb"],
        "dlt, read_csv": [*dlt, "csv"],
        "strata": [*base, "clean"],
        "strata, stored": [*base, "clean-stored"],
    }
    runs = run_contest(commands, chosen.folder, max(chosen.rounds // 2, 1))
    for peer in ("dlt, read_csv", "dlt, read_csv_duckdb"):
        limits = {"strata": None, "strata, stored": LIMIT_DLT}
        finish(compare(f"{NAME}: against dlt", chosen.dlt_rows, runs, peer, limits), chosen.out)


def main() -> None:
    """Measure, or be one contestant of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--dlt-rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    broken, clean = (chosen.folder / kind / str(chosen.rows) for kind in ("csv-broken", "csv-clean"))
    home = chosen.folder / "home"
    match chosen.contestant:
        case "raw":
            measured(lambda: raw(broken, home))
        case "clean" | "clean-stored" as name:
            measured(lambda: strata(clean, home, broken=False, stored=name == "clean-stored"))
        case "strata" | "stored" as name:
            measured(lambda: strata(broken, home, broken=True, stored=name == "stored"))
        case _:
            _contest(chosen)
            _contest_dlt(chosen)
            shutil.rmtree(chosen.folder / "empty", ignore_errors=True)


if __name__ == "__main__":
    main()
