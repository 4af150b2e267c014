"""The table that the engine's benchmarks load: 20 columns with money, times, text, umlauts and NULLs.

Its rows are made by formulas, so PostgreSQL and DuckDB make the same ones; the table
``sales_changed`` has one row of a hundred changed and 200 gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import SecretStr
from sales_contract import COLUMNS, contract

from orchestration.contracts.extraction import Connection, DeletedKeys, Extractor, Window
from orchestration.contracts.model import Contract
from orchestration.contracts.source import SourceDescription, SourceSystem
from orchestration.contracts.types import ColumnType, parse_type
from orchestration.landing.store import open_landing
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.tenants import Tenant
from orchestration.warehouse import open_warehouse
from source_systems._simulation.postgres import PostgresServer
from source_systems.product.extract import connect

GONE = 200


def make_postgres(folder: Path, rows: int) -> str:
    """Start a PostgreSQL server in ``folder`` with the tables of that many rows; returns its address."""
    server = PostgresServer(folder)
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as db:
        if not _has_rows(db, rows):
            _fill(db, rows)
    return server.url()


def stop_postgres(folder: Path) -> None:
    """Stop the server; its data stays for the next run."""
    PostgresServer(folder).stop()


def _has_rows(db: psycopg.Connection, rows: int) -> bool:
    if db.execute("SELECT to_regclass('public.sales_changed')").fetchone() == (None,):
        return False
    return db.execute("SELECT max(id) FROM sales").fetchone() == (rows,)


def _fill(db: psycopg.Connection, rows: int) -> None:
    listed = ", ".join(f"{expression} AS {name}" for name, _, expression in COLUMNS)
    db.execute("DROP TABLE IF EXISTS sales, sales_changed")
    db.execute(f"CREATE TABLE sales AS SELECT {listed} FROM generate_series(1, {rows}::bigint) AS n")
    changed = ", ".join(_changed(name, kind) for name, kind, _ in COLUMNS)
    db.execute(f"CREATE TABLE sales_changed AS SELECT {changed} FROM sales WHERE id > {GONE}")
    db.execute("VACUUM ANALYZE")


def _changed(name: str, kind: str) -> str:
    if name == "net_amount":
        return f"CASE WHEN id % 100 = 7 THEN net_amount + 1 ELSE net_amount END::{_postgres(kind)} AS net_amount"
    return name


def _postgres(kind: str) -> str:
    return kind.replace("decimal", "numeric")


def raw_query(table: str = "sales") -> str:
    """Return the SELECT of the raw copy: money as scaled integers, as the engine reads it."""
    scale = {name: parse_type(kind).scale for name, kind, _ in COLUMNS if kind.startswith("decimal")}
    items = (f"({n} * {10 ** scale[n]})::int8 AS {n}" if n in scale else n for n, _, _ in COLUMNS)
    return f"SELECT {', '.join(items)} FROM {table}"


class ParquetExtractor(Extractor):
    """Reads a Parquet file in batches: a source that costs next to nothing; ``gone`` holds keys reported deleted."""

    def __init__(self, path: Path, gone: Path | None) -> None:
        """Remember the files."""
        self._path, self._gone = path, gone

    def extract(self, contract: Contract, window: Window) -> Iterator[pa.RecordBatch]:
        """Yield the file's rows, whatever the window: the file is what the window holds."""
        del contract, window
        yield from _batches(self._path)

    def describe(self, contract: Contract) -> Mapping[str, ColumnType]:
        """Return the contract's own columns."""
        return {column.source_name: column.type for column in contract.columns}

    def deleted(self, contract: Contract, window: Window) -> DeletedKeys:
        """Return the keys of the second file."""
        del contract
        return DeletedKeys(_batches(self._gone) if self._gone else iter(()), window.until)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with closing(pq.ParquetFile(path, pre_buffer=False)) as file:
        # Arrow's own threads cost more than the file: measured for 20,000 rows, 11 to 70 CPU ms against 8.
        yield from file.iter_batches(batch_size=65_536, use_threads=False)


@dataclass(frozen=True)
class Sales(SourceSystem):
    """The source system: PostgreSQL when ``url`` is given, else a Parquet file."""

    contract: Contract = field(default_factory=contract)
    url: str = ""
    path: Path = Path()
    gone: Path | None = None

    @cached_property
    def contracts(self) -> dict[str, Contract]:
        """The one contract."""
        return {self.contract.entity: self.contract}

    def connect(self, connection: Connection) -> AbstractContextManager[Extractor]:
        """Open the product database's own extractor, or the file."""
        return connect(connection) if self.url else _opened(ParquetExtractor(self.path, self.gone))


@contextmanager
def _opened(extractor: Extractor) -> Iterator[Extractor]:
    yield extractor


def sales(contract: Contract, url: str = "", path: Path = Path(), gone: Path | None = None) -> Sales:
    """Return the source system for a contract."""
    description = SourceDescription(title="Bench", owner="bench", kind="bench", start=datetime(2000, 1, 1, tzinfo=UTC))
    return Sales(
        name="bench", folder=path.parent, description=description, contract=contract, url=url, path=path, gone=gone
    )


def runtime(home: Path, source: Sales) -> Runtime:
    """Return an installation with one tenant and this source."""
    connection = Connection("acme", "bench", settings={"url": SecretStr(source.url)})
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    tenants = {"acme": Tenant("acme", "Acme", (connection,))}
    return Runtime(settings, {"bench": source}, tenants, open_warehouse(settings), open_landing(settings))
