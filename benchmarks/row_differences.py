"""The rows that differ between two versions of five million, one in a hundred changed: sent, and counted by tenant.

``changes`` is a delivery composed by the platform: found, fetched, ordered by key and written as NDJSON.
``counted`` is what is asked once of each published version: how many rows changed of which tenant. The limits
are 10 s of wall time and 1 GB; the peer is the plainest way there is, DuckDB's EXCEPT both ways, without a limit.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
from measurement import contest, figure, report
from prepared import FOLDER

from orchestration.access.relation import reader
from orchestration.delivery.channels.channel import Message
from orchestration.delivery.events.catalogue import ROWS_CHANGED
from orchestration.delivery.payload.compose import compose
from orchestration.delivery.queue.claimed import Claimed, Event
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.publication.holding import version_path
from orchestration.publication.row_changes import tenant_changes
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse

TABLE = ("gold", "sale")
ROWS = 5_000_000
WALL_LIMIT, MEMORY_LIMIT_MB = 10.0, 1024
_MAKE = """
COPY (SELECT 'acme' AS _tenant_id, number AS id, 'customer ' || hash(number) % 200000 AS customer,
    (hash(number, 'a') % 10000000 / 100)::DECIMAL(18,2) AS amount, DATE '2020-01-01' + (number % 2000)::INT AS sold_on,
    ['open', 'paid', 'void'][1 + number % 3] AS status, hash(number, 'n')::VARCHAR AS note,
    TIMESTAMP '2026-01-01' + to_seconds(number % 1000000) AS changed_at FROM range({rows}) t(number))
TO '{first}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);
COPY (SELECT * REPLACE (CASE WHEN hash(id, 'u') % 200 = 0 THEN amount + 1 ELSE amount END AS amount) FROM '{first}'
    WHERE hash(id, 'd') % 400 <> 0
    UNION ALL SELECT * REPLACE (id + {rows} AS id) FROM '{first}' WHERE hash(id, 'i') % 400 = 0)
TO '{second}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1);"""


def _runtime(folder: Path) -> Runtime:
    settings = Settings(home=folder / "home", _env_file=None)  # type: ignore[call-arg]
    return Runtime(settings, {}, {}, open_warehouse(settings), None)  # type: ignore[arg-type]  # nothing lands here


def _make(folder: Path, rows: int) -> None:
    table = folder / "home" / "published" / "gold" / "sale"
    table.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(_MAKE.format(rows=rows, first=table / "v000001.parquet", second=table / "v000002.parquet"))


def changes(folder: Path) -> Message | None:
    """Compose a delivery of the changed rows."""
    wish = Registration(
        tenant="acme",
        registration_id="sales",
        consumer="bench",
        title="",
        events=(ROWS_CHANGED,),
        tables=(TABLE,),
        columns=(),
        where=(),
        payload="changes",
        format="ndjson",
        channel="sftp",
        settings={},
        endpoint="",
        terms=Terms(),
    )
    event = Event("gold.sale@2", ROWS_CHANGED, "gold.sale", 2, {"key": ["id"]}, 0)
    claimed = Claimed("acme", "msg_1", "sales", "", "gold.sale", "gold.sale", 1, (event,), 1, 1, 2)
    message = compose(_runtime(folder), wish, claimed, folder, largest_body=0)
    if message is None or not message.rows:
        sys.exit("nothing differs")
    return message


def counted(folder: Path) -> None:
    """Count the changed rows of each tenant."""
    runtime = _runtime(folder)
    new, old = (f"read_parquet('{version_path(runtime.settings, TABLE, version)}')" for version in (2, 1))
    with reader(runtime) as con:
        if not tenant_changes(con, new, old, (), ("_tenant_id", "id")):
            sys.exit("nothing differs")


def plain(folder: Path) -> None:
    """Take either version's rows without the other's."""
    new, old = (folder / "home" / "published" / "gold" / "sale" / f"v{number:06d}.parquet" for number in (2, 1))
    with duckdb.connect(config={"threads": 2, "temp_directory": str(folder / "spill")}) as con:
        for one, other, name in ((new, old, "new"), (old, new, "gone")):
            con.execute(f"COPY (FROM '{one}' EXCEPT FROM '{other}') TO '{folder / name}.ndjson' (FORMAT json)")


WAYS = {"changes": changes, "counted": counted, "EXCEPT both ways": plain}


def main() -> None:
    """Measure the three, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    folder = chosen.folder / "row_differences"
    if chosen.way:
        WAYS[chosen.way](folder)
        return
    shutil.rmtree(folder, ignore_errors=True)
    _make(folder, chosen.rows)
    again = [sys.executable, __file__, "--folder", str(chosen.folder), "--way"]
    runs = contest({way: [*again, way] for way in WAYS}, chosen.rounds)
    found = {way: figure("Rows that differ", way, chosen.rows, runs[way]) for way in WAYS}
    peer = found["EXCEPT both ways"]
    asked = f"asked: {WALL_LIMIT:.0f} s of wall time, {MEMORY_LIMIT_MB} MB"
    ours = [
        replace(found[way], note=asked, peer=peer.contestant, ratio=round(found[way].cpu / peer.cpu, 3))
        for way in ("changes", "counted")
    ]
    report([*ours, peer], chosen.out)


if __name__ == "__main__":
    main()
