"""Records of CSV that Arrow converted, in a Parquet file that DuckDB reads as it reads landed ones.

A temporary table would hold them uncompressed, and be spilled where it is greater than the
memory of DuckDB: measured on 2 million rows of 20 columns, landing and gate take an eighth
less of the CPU with the file, and 283 MB at the peak instead of 370.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from orchestration.landing.parquet import ParquetPart
from orchestration.parquet_files import parquet_relation
from orchestration.warehouse.scratch import scratch_file, scratch_folder


class CertainRows:
    """The file: made for the first rows, read when it is finished, and removed at the end of the block."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """``con`` is the connection that will read it."""
        self._con = con
        self._path: Path | None = None
        self._part: ParquetPart | None = None
        self._at_end = ExitStack()

    def __enter__(self) -> Self:
        """Nothing is written yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the file."""
        self._at_end.close()

    @property
    def sources(self) -> list[str]:
        """What goes after FROM: nothing where nothing was written."""
        return [parquet_relation(self._path)] if self._path else []

    def write(self, records: pa.RecordBatch) -> None:
        """Append records of bronze's columns, always in the same types, which DuckDB takes as they are."""
        if self._part is None:
            self._path = self._at_end.enter_context(scratch_file(scratch_folder(self._con), ".parquet"))
            self._part = ParquetPart(self._path, records.schema, compression="lz4")
            self._at_end.callback(self._part.abandon)
        self._part.write(records)

    def finish(self) -> None:
        """Write what is pending: from now on the file can be read."""
        if self._part:
            self._part.close()
