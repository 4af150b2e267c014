"""Finds the file and row of rows that came through the gate.

Good rows do not carry them: only when some turn out to contradict each other does anybody ask,
and then what landed is read once more, for the rows of those keys alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from orchestration import names
from orchestration.arrow_values import integer_array
from orchestration.contracts.model import Contract
from orchestration.landing.manifest import Manifest, Part
from orchestration.landing.store import LandingStore
from orchestration.quality.rows.arrow_memory import frugal_arrow
from orchestration.quality.rows.csv_texts import CsvTexts, texts_of
from orchestration.quality.rows.exact_parts import exact_part
from orchestration.quality.rows.json_parts import read_json
from orchestration.quality.rows.parquet_parts import scan_parquet
from orchestration.quality.rows.scan import Scan
from orchestration.quality.rows.text import create_macros, judge_text, layered

_PLACES, _NEAR, _TEXTS = "place", "near_place", "place_texts"


@dataclass(frozen=True)
class Places:
    """Where the rows of a load that has been gated on this connection lie.

    ``unknown``: columns that the contract did not have yet when the load landed.
    """

    con: duckdb.DuckDBPyConnection
    contract: Contract
    manifest: Manifest
    store: LandingStore
    unknown: Collection[str]

    def find(self, keys: str) -> str:
        """Return the table of the good rows with these keys: file, row_number and the contract's columns.

        ``keys`` goes after FROM and has the key's columns. The table lasts until the next call.
        """
        columns = ", ".join(f"{names.quote(c.name)} {c.type.duckdb}" for c in self.contract.columns)
        create_macros(self.con)
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {_PLACES} (file VARCHAR, row_number BIGINT, {columns})")
        with frugal_arrow():
            for part in self.manifest.of_role("rows"):
                self._find_in(part, keys)
        return _PLACES

    def _find_in(self, part: Part, keys: str) -> None:
        if part.format == "csv" and part.regular:
            with self._csv(part) as (scan, texts):
                self._take_near(scan, keys)
            if texts.finished:
                self._keep_good(scan)
                return
        with self._scan(part) as scan:
            self._take_near(scan, keys)
            self._keep_good(scan)

    def _take_near(self, scan: Scan, keys: str) -> None:
        """Set the few rows of these keys apart, so that only they are judged as a whole."""
        key = self.contract.key
        ours = ", ".join(f"{scan.trusted(name)} AS _key_{number}" for number, name in enumerate(key))
        same = " AND ".join(f"_key_{number} = wanted.{names.quote(name)}" for number, name in enumerate(key))
        rows = f"(SELECT *, {ours} FROM {scan.source}) SEMI JOIN {keys} AS wanted ON {same}"
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {_NEAR} AS SELECT * FROM {rows}")

    def _keep_good(self, scan: Scan) -> None:
        near = replace(scan, source=_NEAR)
        rows = f"SELECT {near.file}, {near.row_number}, {near.values} FROM {near.source} WHERE NOT ({near.fault})"
        self.con.execute(f"INSERT INTO {_PLACES} {rows}")

    @contextmanager
    def _scan(self, part: Part) -> Iterator[Scan]:
        columns, as_text = self.contract.columns, self.manifest.mode == "replay"
        if part.format == "parquet":
            (scan,) = scan_parquet(self.con, columns, [part], self.store, unknown=self.unknown)
            yield scan
        elif part.format == "ndjson" and part.regular:
            texts = read_json(columns, self.store.local_path(part.key), json_as_text=as_text)
            judgements = tuple(judge_text(item) for item in texts.items)
            yield Scan(layered(texts.sql, texts.items), judgements, names.literal(part.key), "_row")
        else:
            with exact_part(self.con, columns, self.store, part, unknown=self.unknown, json_as_text=as_text) as scan:
                yield scan

    @contextmanager
    def _csv(self, part: Part) -> Iterator[tuple[Scan, CsvTexts]]:
        """Return a scan that reads once, and what tells afterwards whether it came to the end."""
        texts = texts_of(part, self.store, self.contract.columns, self.unknown)
        schema = pa.schema([("_row", pa.int64()), *((item.text, pa.string()) for item in texts.items)])
        self.con.register(_TEXTS, pa.RecordBatchReader.from_batches(schema, _numbered(texts)))
        try:
            judgements = tuple(judge_text(item) for item in texts.items)
            yield Scan(layered(_TEXTS, texts.items), judgements, names.literal(part.key), "_row"), texts
        finally:
            with suppress(duckdb.TransactionException):  # it has failed, and its end takes the name with it
                self.con.unregister(_TEXTS)


def _numbered(texts: CsvTexts) -> Iterator[pa.RecordBatch]:
    for batch in texts:
        rows = [texts.row_number(texts.whole + place) for place in range(len(batch))]
        yield batch.add_column(0, "_row", integer_array(rows))
