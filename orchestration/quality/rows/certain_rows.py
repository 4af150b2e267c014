"""Records of CSV that Arrow converted: as they are while they are few, else in a Parquet file.

DuckDB reads either where it lies. A temporary table would hold them uncompressed, and be spilled
where it is greater than the memory of DuckDB: measured on 2 million rows of 20 columns, landing
and gate take an eighth less of the CPU with the file, and 283 MB at the peak instead of 370.
To write 200,000 into a file and read them back would be a seventh of their load.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from orchestration.landing.parquet import ParquetPart
from orchestration.parquet_files import parquet_relation
from orchestration.warehouse.scratch import scratch_file, scratch_folder

HELD_BYTES = 48 * 1024 * 1024
"""How many bytes of rows stay in memory; more go into a file, all of them."""
_HELD = "gated_certain"


class CertainRows:
    """The rows, to be read when they are finished; their memory or their file goes at the end of the block."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        """``con`` is the connection that will read it."""
        self._con = con
        self._path: Path | None = None
        self._part: ParquetPart | None = None
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._sources: list[str] = []
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
        return self._sources

    def write(self, records: pa.RecordBatch) -> None:
        """Append records of bronze's columns, always in the same types, which DuckDB takes as they are."""
        self._held.append(records)
        self._held_bytes += records.get_total_buffer_size()
        if self._part or self._held_bytes > HELD_BYTES:
            self._write_down(self._part or self._open(records.schema))

    def finish(self) -> None:
        """From now on the rows can be read."""
        if self._part and self._path:
            self._part.close()
            self._sources = [parquet_relation(self._path)]
        elif self._held:
            self._con.register(_HELD, pa.Table.from_batches(self._held))
            self._at_end.callback(self._let_go)
            self._sources = [_HELD]
        self._held.clear()

    def _open(self, schema: pa.Schema) -> ParquetPart:
        self._path = self._at_end.enter_context(scratch_file(scratch_folder(self._con), ".parquet"))
        self._part = ParquetPart(self._path, schema, compression="lz4")
        self._at_end.callback(self._part.abandon)
        return self._part

    def _write_down(self, part: ParquetPart) -> None:
        for records in self._held:
            part.write(records)
        self._held.clear()

    def _let_go(self) -> None:
        with suppress(duckdb.TransactionException):  # it has failed, and its end takes the name with it
            self._con.unregister(_HELD)
