"""An hourly delta of 20,000 changed and 200 deleted rows into a big table, against raw DELETE + INSERT and MERGE.

The engine's path: extract from a file, land, gate, de-duplicate, compare, merge, tombstones, ledger.
Raw opens the same warehouse with the same settings and runs one transaction: DELETE USING
the keys, INSERT of the rows, DELETE of the deleted keys; it lands, checks and records nothing,
and deleted rows are gone. The second raw leaves the same table behind as bronze does: it keeps
those rows as tombstones, by INSERT plus DELETE: reading 200 rows all over a table of 10 million
costs about as much as the 20,000 together. What is asked is asked against the first. MERGE is DuckDB's own statement.
The second strata reads 100 rows more that it has already, the newest before the change, as a delta does that
begins a little before its watermark; they are compared by content.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import sales
from measurement import Figure, figure, report
from prepared import FOLDER, measured, only, prepared_contest

from orchestration.bronze.ledger import LoadResult
from orchestration.bronze.load import load_source
from orchestration.contracts.model import Contract, Deletes
from orchestration.names import DELETED_AT
from orchestration.settings import Settings
from orchestration.warehouse.duckdb import connection_settings

CHANGED, GONE, KNOWN = 20_000, 200, 100
LIMITS = {2_000_000: 2.0, 10_000_000: 1.5}
TABLE, STAMPS = "bronze_bench.sales", "_tenant_id, _connection, _load_id, _loaded_at"


def make_files(folder: Path, rows: int) -> None:
    """Write the table, the change and the deleted keys as Parquet, by DuckDB."""
    listed = ", ".join(f"{expression} AS {name}" for name, _, expression in sales.COLUMNS)
    table = f"(SELECT {listed} FROM range(1, {rows} + 1) AS r(n))"
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 2}) as con:
        con.execute(f"COPY {table} TO '{folder}/rows.parquet' (FORMAT parquet, ROW_GROUP_SIZE 122880)")
        later = "TIMESTAMP '2026-01-01' + id * INTERVAL '1 microsecond' AS updated_at, net_amount + 1 AS net_amount"
        # Nine of ten are updates spread over the whole table, the rest are new rows.
        chosen = f"(id % {rows // (CHANGED * 9 // 10)} = 3 AND id <= {rows})"
        con.execute(
            f"COPY (SELECT * REPLACE ({later}) FROM '{folder}/rows.parquet' WHERE {chosen} LIMIT {CHANGED * 9 // 10}) "
            f"TO '{folder}/old.parquet' (FORMAT parquet)"
        )
        new = f"(SELECT {listed} FROM range({rows} + 1, {rows} + {CHANGED // 10} + 1) AS r(n))"
        con.execute(
            f"COPY (FROM '{folder}/old.parquet' UNION ALL SELECT * REPLACE ({later}) FROM {new}) "
            f"TO '{folder}/change.parquet' (FORMAT parquet)"
        )
        candidates = f"id % {rows // GONE // 2} = 11 AND NOT {chosen}"
        newest = f"WHERE NOT {chosen} ORDER BY updated_at DESC, id DESC LIMIT {KNOWN}"
        known = f"SELECT * FROM '{folder}/rows.parquet' {newest}"
        con.execute(
            f"COPY (FROM '{folder}/change.parquet' UNION ALL ({known})) TO '{folder}/window.parquet' (FORMAT parquet)"
        )
        gone = f"SELECT id FROM '{folder}/rows.parquet' WHERE {candidates} LIMIT {GONE}"
        con.execute(f"COPY ({gone}) TO '{folder}/gone.parquet' (FORMAT parquet)")


def contract() -> Contract:
    """Return the contract with a feed of deletions, so that the delta takes both in one go."""
    return sales.contract(deletes=Deletes.FEED, overlap=timedelta(0))


def first_load(folder: Path, home: Path) -> None:
    """Load the table."""
    source = sales.sales(contract(), path=folder / "rows.parquet")
    only(load_source(sales.runtime(home, source), source, "daily", who="bench"))


def strata(folder: Path, home: Path) -> None:
    """Load the delta through the engine."""
    _load(folder, home, "change.parquet", known=0)


def strata_overlapping(folder: Path, home: Path) -> None:
    """Load it with rows that are known."""
    _load(folder, home, "window.parquet", known=KNOWN)


def _load(folder: Path, home: Path, rows: str, *, known: int) -> None:
    source = sales.sales(contract(), path=folder / rows, gone=folder / "gone.parquet")
    runtime = sales.runtime(home, source)
    measured(lambda: _check(only(load_source(runtime, source, "hourly", who="bench")), known))


def _check(result: LoadResult, known: int) -> None:
    if (result.inserted + result.updated, result.unchanged, result.deleted) != (CHANGED, known, GONE):
        raise RuntimeError(f"the delta did something else: {result}")


def raw_with_tombstones(folder: Path, home: Path) -> None:
    """Delete and insert; what the source deleted stays as tombstones."""
    marks = f"'load' AS _load_id, now()::TIMESTAMP AS _loaded_at, now()::TIMESTAMP AS {DELETED_AT}"
    collect = f"CREATE TEMP TABLE gone AS SELECT rowid AS place FROM {TABLE} SEMI JOIN {_gone(folder)} USING (id)"
    collected = f"FROM {TABLE} WHERE rowid IN (SELECT place FROM gone)"
    bury = [collect, f"INSERT INTO {TABLE} SELECT * REPLACE ({marks}) {collected}", f"DELETE {collected}"]
    measured(lambda: _run(home, [*_delete_and_insert(folder), *bury]))


def raw(folder: Path, home: Path) -> None:
    """Delete and insert, and nothing else: what the source deleted is gone."""
    bury = f"DELETE FROM {TABLE} USING {_gone(folder)} g WHERE {TABLE}.id = g.id"
    measured(lambda: _run(home, [*_delete_and_insert(folder), bury]))


def _delete_and_insert(folder: Path) -> list[str]:
    columns = ", ".join(name for name, _, _ in sales.COLUMNS)
    change, stamps = f"read_parquet('{folder}/change.parquet')", "'acme', 'main', 'load', now()::TIMESTAMP"
    delete = f"DELETE FROM {TABLE} t USING {change} c WHERE t.id = c.id"
    insert = f"INSERT INTO {TABLE} ({STAMPS}, {columns}) SELECT {stamps}, {columns} FROM {change}"
    return [delete, insert]


def _gone(folder: Path) -> str:
    return f"read_parquet('{folder}/gone.parquet')"


def merge_into(folder: Path, home: Path) -> None:
    """Let MERGE do it, all columns."""
    columns = [name for name, _, _ in sales.COLUMNS]
    change, gone = f"read_parquet('{folder}/change.parquet')", _gone(folder)
    listed, given = ", ".join(columns), ", ".join(f"c.{name}" for name in columns)
    assigned = ", ".join(f"{name} = c.{name}" for name in columns)
    update = f"WHEN MATCHED THEN UPDATE SET {assigned}"
    insert = f"WHEN NOT MATCHED THEN INSERT (_tenant_id, _connection, {listed}) VALUES ('acme', 'main', {given})"
    bury = f"UPDATE {TABLE} SET {DELETED_AT} = now()::TIMESTAMP FROM {gone} c WHERE {TABLE}.id = c.id"
    measured(lambda: _run(home, [f"MERGE INTO {TABLE} t USING {change} c ON t.id = c.id {update} {insert}", bury]))


def _run(home: Path, statements: list[str]) -> None:
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    with duckdb.connect(settings.warehouse_file, config=connection_settings(settings)) as con:
        con.execute("BEGIN")
        for statement in statements:
            con.execute(statement)
        con.execute("COMMIT")


CONTESTANTS = {
    "raw DELETE + INSERT": raw,
    "raw, tombstones kept": raw_with_tombstones,
    "strata": strata,
    "strata, overlap read again": strata_overlapping,
    "MERGE": merge_into,
}


def main() -> None:
    """Measure, or be one contestant of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--contestant", choices=tuple(CONTESTANTS), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.contestant:
        CONTESTANTS[chosen.contestant](chosen.folder / "delta", chosen.folder / "home")
        return
    for rows in chosen.rows:
        report(_measure(chosen.folder, rows, chosen.rounds), chosen.out)


def _measure(folder: Path, rows: int, rounds: int) -> list[Figure]:
    files, template = folder / "delta", folder / "template"
    shutil.rmtree(files, ignore_errors=True)
    shutil.rmtree(template, ignore_errors=True)
    files.mkdir(parents=True)
    make_files(files, rows)
    first_load(files, template)
    base = [sys.executable, __file__, "--folder", str(folder), "--contestant"]
    runs = prepared_contest({name: [*base, name] for name in CONTESTANTS}, template, folder / "home", rounds)
    figures = {name: figure("Delta", name, rows, runs[name]) for name in CONTESTANTS}
    raw, same, strata = (figures[name] for name in ("raw DELETE + INSERT", "raw, tombstones kept", "strata"))
    return [
        raw,
        _against(raw, same),
        replace(_against(raw, strata), limit=LIMITS.get(rows)),
        _against(same, strata),
        _against(raw, figures["strata, overlap read again"]),
        _against(raw, figures["MERGE"]),
    ]


def _against(peer: Figure, item: Figure) -> Figure:
    return replace(item, peer=peer.contestant, ratio=round(item.cpu / peer.cpu, 2))


if __name__ == "__main__":
    main()
