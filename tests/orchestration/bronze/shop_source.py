"""A small source system for tests of the engine: a SQLite file that any process can read and a test can change.

It hands over Arrow batches as database sources do. What is invalid against the
contract (a status outside the allowed set) is valid in SQLite.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from orchestration.contracts.extraction import Connection, DeletedKeys, Extractor, Window
from orchestration.contracts.model import Additions, Column, Contract, Deletes
from orchestration.contracts.source import SourceDescription, SourceSystem
from orchestration.contracts.types import ColumnType, parse_type
from orchestration.failures import ConnectionFailed

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - bronze keeps UTC without a zone
STATUSES = ("open", "paid")


def column(name: str, kind: str, **more: object) -> Column:
    return Column(name=name, source_name=name, type=parse_type(kind), **more)


CONTRACT = Contract(
    source="shop",
    entity="invoice",
    version="1.0.0",
    description="",
    owner="shop-team",
    physical_name="invoice",
    columns=(
        column("id", "bigint", required=True),
        column("status", "text(8)", allowed=STATUSES),
        column("amount", "decimal(18,2)"),
        column("is_deleted", "boolean"),
        column("updated_at", "timestamp"),
    ),
    key=("id",),
    cursor="updated_at",
    deletes=Deletes.DAILY,
    soft_delete_column=None,
    sweep_every=timedelta(hours=1),
    overlap=timedelta(minutes=15),
    reject_threshold=1.0,
    shrink_threshold=1.0,
    freshness=timedelta(hours=26),
    additions=Additions.LOAD,
    tenant_column=None,
)


def at(minutes: float) -> datetime:
    """An instant of the tests' clock, long past."""
    return EPOCH.replace(year=2026) + timedelta(minutes=minutes)


class Shop:
    """The source's database, of one tenant."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.db() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS invoice (seq INTEGER PRIMARY KEY, id INTEGER, status TEXT, amount TEXT, "
                "is_deleted INTEGER, updated_at INTEGER)"
            )
            db.execute("CREATE TABLE IF NOT EXISTS deleted (id INTEGER, at INTEGER)")
            db.execute("CREATE TABLE IF NOT EXISTS described (name TEXT, kind TEXT)")
            db.execute("CREATE TABLE IF NOT EXISTS calls (method TEXT)")

    @contextmanager
    def db(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path)
        db.execute("PRAGMA synchronous = OFF")
        try:
            with db:
                yield db
        finally:
            db.close()

    def put(
        self,
        key: int | None,
        status: str | None = "open",
        amount: str = "1.00",
        minutes: float = 0,
        *,
        gone: bool = False,
    ) -> None:
        """Write the current version of a row."""
        self.remove(key)
        self.add(key, status, amount, minutes, gone=gone)

    def add(
        self,
        key: int | None,
        status: str | None = "open",
        amount: str = "1.00",
        minutes: float = 0,
        *,
        gone: bool = False,
    ) -> None:
        """Write a further version of a row, as an append-only source does."""
        micros = int((at(minutes) - EPOCH) / timedelta(microseconds=1))
        with self.db() as db:
            db.execute(
                "INSERT INTO invoice (id, status, amount, is_deleted, updated_at) VALUES (?, ?, ?, ?, ?)",
                [key, status, amount, gone, micros],
            )

    def remove(self, key: int | None) -> None:
        with self.db() as db:
            db.execute("DELETE FROM invoice WHERE id IS ?", [key])

    def report_deleted(self, key: int, minutes: float) -> None:
        micros = int((at(minutes) - EPOCH) / timedelta(microseconds=1))
        with self.db() as db:
            db.execute("INSERT INTO deleted VALUES (?, ?)", [key, micros])

    def describe_as(self, **kinds: str) -> None:
        with self.db() as db:
            db.execute("DELETE FROM described")
            db.executemany("INSERT INTO described VALUES (?, ?)", list(kinds.items()))

    def calls(self) -> list[str]:
        with self.db() as db:
            return [method for (method,) in db.execute("SELECT method FROM calls")]


class ShopExtractor(Extractor):
    """Reads the SQLite file; ``batch_rows`` keeps pages small enough to be several."""

    batch_rows = 1000

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def _called(self, method: str) -> None:
        with self.shop.db() as db:
            db.execute("INSERT INTO calls VALUES (?)", [method])

    def extract(self, contract: Contract, window: Window) -> Iterator[pa.RecordBatch]:
        self._called("extract")
        since = int((window.since.replace(tzinfo=None) - EPOCH) / timedelta(microseconds=1)) if window.since else None
        where = "WHERE updated_at >= ?" if since is not None else ""
        names = [c.name for c in contract.columns]
        with self.shop.db() as db:
            known = {row[1] for row in db.execute("PRAGMA table_info(invoice)")}
            listed = ", ".join(f'"{name}"' if name in known else f"NULL AS {name}" for name in names)
            cursor = db.execute(f"SELECT {listed} FROM invoice {where}", [since] if since is not None else [])
            while rows := cursor.fetchmany(self.batch_rows):
                yield _batch(contract, names, rows)

    def describe(self, contract: Contract) -> Mapping[str, ColumnType]:
        with self.shop.db() as db:
            kinds = dict(db.execute("SELECT name, kind FROM described").fetchall())
        if not kinds:
            return {c.source_name: c.type for c in contract.columns}
        return {name: parse_type(kind) for name, kind in kinds.items()}

    def count(self, contract: Contract) -> int:  # noqa: ARG002 - one entity is all it has
        self._called("count")
        with self.shop.db() as db:
            return db.execute("SELECT count(*) FROM invoice").fetchone()[0]

    def keys(self, contract: Contract) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        self._called("keys")
        with self.shop.db() as db:
            ids = [key for (key,) in db.execute("SELECT id FROM invoice")]
        if ids:
            yield pa.record_batch({"id": pa.array(ids, pa.int64())})

    def deleted(self, contract: Contract, window: Window) -> DeletedKeys:  # noqa: ARG002
        self._called("deleted")
        since = int((window.since.replace(tzinfo=None) - EPOCH) / timedelta(microseconds=1))
        with self.shop.db() as db:
            ids = [key for (key,) in db.execute("SELECT DISTINCT id FROM deleted WHERE at >= ?", [since])]
        batches = [pa.record_batch({"id": pa.array(ids, pa.int64())})] if ids else []
        return DeletedKeys(iter(batches), window.until)


def _batch(contract: Contract, names: list[str], rows: list[tuple]) -> pa.RecordBatch:
    arrays = []
    for position, name in enumerate(names):
        values = [row[position] for row in rows]
        kind = contract.column(name).type
        if kind.kind == "timestamp":
            values = [None if v is None else EPOCH + timedelta(microseconds=v) for v in values]
        elif kind.kind == "decimal":
            values = [None if v is None else Decimal(v) for v in values]
        elif kind.kind == "boolean":
            values = [None if v is None else bool(v) for v in values]
        arrays.append(pa.array(values, kind.arrow))
    return pa.RecordBatch.from_arrays(arrays, names=names)


@dataclass(frozen=True)
class ShopSource(SourceSystem):
    """The source system itself; ``contract`` may be any variation of :data:`CONTRACT`."""

    contract: Contract = CONTRACT
    unreachable: frozenset[str] = frozenset()

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        return {self.contract.entity: self.contract}

    @contextmanager
    def connect(self, connection: Connection) -> Iterator[Extractor]:
        if connection.tenant in self.unreachable:
            raise ConnectionFailed(f"{connection.label}: nobody answers.", "Wait.")
        yield ShopExtractor(Shop(self.folder / f"{connection.tenant}.sqlite"))


def shop_source(folder: Path, **contract_changes: object) -> ShopSource:
    description = SourceDescription(
        title="Shop", owner="shop-team", kind="sqlite", start=datetime(2020, 1, 1, tzinfo=UTC)
    )
    return ShopSource(
        name="shop", folder=folder, description=description, contract=replace(CONTRACT, **contract_changes)
    )
