"""Pages of JSON as Salesforce's query sends them (2,000 records, each with ``attributes``), landed and gated.

Strata takes the bytes of each page, splits them into records, lands those as ``ndjson.zst``,
checks every value and ends with the typed rows in a temporary table. *Stored* also copies
them into a table of the database file, as a first load does.

Raw is DuckDB's ``read_json`` with typed columns on one NDJSON file that lies ready, into a
table of the database file: no splitting, no landing, no checks. Both have the same settings
of DuckDB. dlt is fed the records of each page as Python dicts, as its own Salesforce source
does, and loads DuckDB by way of Parquet; it is measured on fewer rows.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import sales_contract as sales
from prepared import FOLDER, measured
from text_contest import bench_python, compare, finish, land_and_gate, open_file, run_contest

from orchestration.contracts.extraction import JsonPage
from orchestration.contracts.model import Column
from orchestration.contracts.types import parse_type

PAGE, NAME = 2000, "JSON pages"
LIMIT_RAW, LIMIT_DLT = 2.5, 1 / 8
COLUMNS = {
    "Id": "text(18)",
    "IsDeleted": "boolean",
    "AccountId": "text(18)",
    "Name": "text(120)",
    "StageName": "text(40)",
    "Amount": "decimal(18,2)",
    "CurrencyIsoCode": "text(3)",
    "Probability": "decimal(5,2)",
    "CloseDate": "date",
    "Type": "text(40)",
    "IsClosed": "boolean",
    "IsWon": "boolean",
    "OwnerId": "text(18)",
    "CreatedDate": "timestamp",
    "LastModifiedDate": "timestamp",
    "SystemModstamp": "timestamp",
}
STAGES = ("Prospecting", "Qualification", "Closed Won", "Closed Lost")
CONTRACT = replace(
    sales.contract(),
    columns=tuple(
        Column(name.lower(), name, parse_type(kind), required=name in ("Id", "SystemModstamp"))
        for name, kind in COLUMNS.items()
    ),
    key=("id",),
    cursor="systemmodstamp",
)


def make_pages(folder: Path, rows: int) -> tuple[Path, Path]:
    """Write a file of pages, one a line, and the same records as NDJSON."""
    pages, lines = folder / f"pages-{rows}.jsonl", folder / f"records-{rows}.ndjson"
    if not lines.exists():
        folder.mkdir(parents=True, exist_ok=True)
        random.seed(7)
        with pages.open("w", encoding="utf-8") as page_file, lines.open("w", encoding="utf-8") as line_file:
            for start in range(0, rows, PAGE):
                records = [_json(_record(number)) for number in range(start, min(rows, start + PAGE))]
                line_file.writelines(record + "\n" for record in records)
                head = f'{{"totalSize":{rows},"done":false,"nextRecordsUrl":"/services/data/v62.0/query/01g-{start}"'
                page_file.write(f'{head},"records":[{",".join(records)}]}}\n')
    return pages, lines


def _record(number: int) -> dict[str, Any]:
    key = f"006{number:012d}AAA"
    moment = f"2026-0{1 + number % 9}-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}:07.000+0000"
    return {
        "attributes": {"type": "Opportunity", "url": f"/services/data/v62.0/sobjects/Opportunity/{key}"},
        "Id": key,
        "IsDeleted": False,
        "AccountId": f"001{number % 5000:012d}AAB",
        "Name": f"Müller & Söhne - deal {number}",
        "StageName": random.choice(STAGES),  # noqa: S311
        "Amount": round(random.random() * 1e6, 2) if number % 7 else None,  # noqa: S311
        "CurrencyIsoCode": "EUR",
        "Probability": float(10 * (number % 11)),
        "CloseDate": moment[:10],
        "Type": ("New Business", "Existing Business", None)[number % 3],
        "IsClosed": number % 2 == 0,
        "IsWon": number % 4 == 0,
        "OwnerId": f"005{number % 50:012d}AAC",
        "CreatedDate": moment,
        "LastModifiedDate": moment,
        "SystemModstamp": moment,
    }


def _json(record: dict[str, Any]) -> str:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)


def strata(pages: Path, home: Path, *, stored: bool) -> None:
    """Land and gate."""
    land_and_gate(home, CONTRACT, _pages(pages), rejects=0, stored=stored)


def raw(lines: Path, home: Path) -> None:
    """Read the records as they are."""
    columns = ", ".join(f"{name}: '{parse_type(kind).duckdb}'" for name, kind in COLUMNS.items())
    with open_file(home) as con:
        reader = f"read_json('{lines}', columns={{{columns}}}, format='newline_delimited')"
        con.execute(f"CREATE TABLE stored AS FROM {reader}")


def _pages(path: Path) -> Iterator[JsonPage]:
    # A page is about 1 MB: read with the usual 8 KB, handing them over would cost as much as splitting them.
    with path.open("rb", buffering=4 * 1024 * 1024) as lines:
        for line in lines:
            yield JsonPage(line, "records")


def _contest(chosen: argparse.Namespace) -> None:
    make_pages(chosen.folder / "json", chosen.rows)
    base = [sys.executable, __file__, "--folder", str(chosen.folder), "--rows", str(chosen.rows), "--contestant"]
    runs = run_contest({name: [*base, name] for name in ("raw", "strata", "stored")}, chosen.folder, chosen.rounds)
    named = {"raw read_json": runs["raw"], "strata": runs["strata"], "strata, stored": runs["stored"]}
    finish(
        compare(NAME, chosen.rows, named, "raw read_json", {"strata": LIMIT_RAW, "strata, stored": None}), chosen.out
    )


def _contest_dlt(chosen: argparse.Namespace) -> None:
    python = bench_python()
    if not python:
        return
    pages, _ = make_pages(chosen.folder / "json", chosen.dlt_rows)
    base = [sys.executable, __file__, "--folder", str(chosen.folder), "--rows", str(chosen.dlt_rows), "--contestant"]
    dlt = [python, str(Path(__file__).with_name("dlt_text.py")), str(chosen.folder / "home"), str(pages), "json"]
    commands = {"dlt, dicts by Parquet": dlt, "strata, stored": [*base, "stored"]}
    runs = run_contest(commands, chosen.folder, max(chosen.rounds // 2, 1))
    limits = {"strata, stored": LIMIT_DLT}
    finish(compare(f"{NAME}: against dlt", chosen.dlt_rows, runs, "dlt, dicts by Parquet", limits), chosen.out)


def main() -> None:
    """Measure, or be one contestant of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--dlt-rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--contestant", choices=("strata", "stored", "raw"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    pages, lines = (
        chosen.folder / "json" / name for name in (f"pages-{chosen.rows}.jsonl", f"records-{chosen.rows}.ndjson")
    )
    home = chosen.folder / "home"
    match chosen.contestant:
        case "raw":
            measured(lambda: raw(lines, home))
        case "strata" | "stored" as name:
            measured(lambda: strata(pages, home, stored=name == "stored"))
        case _:
            _contest(chosen)
            _contest_dlt(chosen)
            shutil.rmtree(chosen.folder / "empty", ignore_errors=True)


if __name__ == "__main__":
    main()
