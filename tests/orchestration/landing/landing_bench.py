"""Contracts, landed loads and what the gate says of them, in few words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.contracts.extraction import Connection, CsvPart, Page, Window
from orchestration.contracts.model import Additions, Column, Contract, Deletes
from orchestration.contracts.types import parse_type
from orchestration.landing.folder import FolderStore
from orchestration.landing.manifest import Manifest, Mode
from orchestration.landing.store import LandingStore
from orchestration.landing.writer import LandingWriter
from orchestration.quality.gate import Gated, gate

CONNECTION = Connection("acme", "shop")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def column(name: str, kind: str, *, source: str = "", required: bool = False, allowed: tuple[str, ...] = ()) -> Column:
    return Column(name, source or name, parse_type(kind), required, allowed)


def contract(*columns: Column, key: tuple[str, ...] = ("id",), cursor: str | None = None) -> Contract:
    """A contract of ``id bigint`` and further columns."""
    return Contract(
        source="shop",
        entity="order",
        version="1",
        description="",
        owner="shop",
        physical_name="public.order",
        columns=(column("id", "bigint", required=True), *columns),
        key=key,
        cursor=cursor,
        deletes=Deletes.DAILY,
        soft_delete_column=None,
        sweep_every=timedelta(hours=1),
        overlap=timedelta(minutes=15),
        reject_threshold=0.1,
        shrink_threshold=0.2,
        freshness=timedelta(hours=26),
        additions=Additions.LOAD,
        tenant_column=None,
    )


MONEY = contract(column("price", "decimal(18,2)"), column("at", "timestamp"), cursor="at")
NOTES = contract(column("note", "text"), column("state", "text(4)", required=True, allowed=("open", "paid")))


def csv(*lines: str, rows: int | None = None, end: str = "\n") -> CsvPart:
    return CsvPart(end.join(lines).encode() + end.encode(), rows)


def land(
    store: LandingStore, promised: Contract, *pages: Page, mode: Mode = "full", load_id: str | None = None
) -> Manifest:
    with LandingWriter(store, promised, CONNECTION, mode=mode, window=Window(None, NOW), load_id=load_id) as writer:
        for page in pages:
            writer.write(page)
        return writer.commit()


@dataclass(frozen=True)
class Reject:
    file: str
    row_number: int
    key: str | None
    cursor: datetime | None
    column_name: str | None
    reason: str
    raw_value: str | None
    raw_row: str


@dataclass(frozen=True)
class Judged:
    """What the gate let through, and what it did not."""

    gated: Gated
    good: list[tuple[object, ...]]
    rejects: list[Reject]

    @property
    def reasons(self) -> list[tuple[int, str | None, str]]:
        return [(reject.row_number, reject.column_name, reject.reason) for reject in self.rejects]


def judge(store: LandingStore, promised: Contract, manifest: Manifest) -> Judged:
    with connection() as con, gate(con, promised, manifest, store) as gated:
        good = con.execute(f"SELECT * FROM {gated.good} ORDER BY ALL").fetchall()
        rejects = con.execute(f"SELECT * FROM {gated.rejects} ORDER BY file, row_number").fetchall()
    return Judged(gated, good, [Reject(*row) for row in rejects])


def judge_pages(folder: Path, promised: Contract, *pages: Page, mode: Mode = "full") -> Judged:
    store = FolderStore(folder / "landing")
    return judge(store, promised, land(store, promised, *pages, mode=mode))


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection as the engine's sessions open it; what the gate makes in it is temporary, and ends with it."""
    with _database().cursor() as con:
        yield con


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One empty database for the process: a new one for each of a thousand examples took half their time."""
    con = duckdb.connect()
    for setting in ("TimeZone = 'UTC'", "memory_limit = '256MB'", "threads = 2", "preserve_insertion_order = false"):
        con.execute(f"SET GLOBAL {setting}")
    return con


def batch(**columns: object) -> pa.RecordBatch:
    return pa.record_batch(columns)
