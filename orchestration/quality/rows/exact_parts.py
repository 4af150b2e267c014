"""The exact way through a whole part: its records are written out again, and scanned."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import duckdb

from orchestration.contracts.model import Column
from orchestration.landing.manifest import Part
from orchestration.landing.store import LandingStore
from orchestration.quality.rows.exact import scan_exact, write_exact
from orchestration.quality.rows.exact_csv import csv_records
from orchestration.quality.rows.exact_json import json_records
from orchestration.quality.rows.scan import Scan
from orchestration.warehouse.scratch import scratch_file, scratch_folder


@contextmanager
def exact_part(
    con: duckdb.DuckDBPyConnection,
    columns: Sequence[Column],
    store: LandingStore,
    part: Part,
    *,
    unknown: Collection[str],
    json_as_text: bool,
    after: int = 0,
) -> Iterator[Scan]:
    """Return the scan of a part's records but for some at its beginning; it holds for the block.

    Raises:
        SchemaDrift: a header lacks a column that is not ``unknown``.
    """
    path = store.local_path(part.key)
    if part.format == "csv":
        records = csv_records(path, part.place, columns, part.delimiter, unknown)
    else:
        records = json_records(path, part.key, columns, json_as_text=json_as_text)
    with scratch_file(scratch_folder(con), ".ndjson") as file:
        write_exact(records, file, after=after)
        yield scan_exact(columns, file, part.key)
