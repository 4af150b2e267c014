"""Arrow batches as Parquet parts: streamed by row group, in the driver's exact types.

A column is only converted where the contract's type holds every value of the
driver's; anything else is stored as the driver gave it, for the gate to judge.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.contracts.model import Contract
from orchestration.failures import ContractViolated
from orchestration.landing.manifest import Form
from orchestration.landing.plain_texts import TextsSeen

PART_BYTES = 128 * 1024 * 1024
_GROUP_ROWS = 122_880  # DuckDB's own row group
_GROUP_BYTES = 32 * 1024 * 1024
_SAMPLE_ROWS = 4096

Compression = Literal["zstd", "lz4"]
"""What lands is small; what is read once and removed is quickly written."""
_LEVEL: dict[Compression, int | None] = {"zstd": 1, "lz4": None}


def normalised(batch: pa.RecordBatch, contract: Contract) -> pa.RecordBatch:
    """Return the batch in the contract's Arrow types wherever widening is exact.

    Raises:
        ContractViolated: two of its columns have one name.
    """
    names = batch.schema.names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        message = f"{contract.source}/{contract.entity}: extract.py handed over a batch with two columns {twice!r}."
        raise ContractViolated(message, "Name each column once.")
    wanted = {column.name: column.type.arrow for column in contract.columns}
    columns = [_widened(batch.column(i), wanted.get(name)) for i, name in enumerate(names)]
    return pa.RecordBatch.from_arrays(columns, names=names)


def _widened(array: pa.Array, wanted: pa.DataType | None) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if wanted is None or array.type == wanted or not _widens(array.type, wanted):
        return array
    try:
        return array.cast(wanted, safe=True)
    except pa.ArrowInvalid:  # nanoseconds that microseconds cannot hold
        return array


def _widens(given: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_null(given):
        return True
    if pa.types.is_integer(given) and pa.types.is_integer(wanted):
        return bool(given.bit_width <= wanted.bit_width)
    if pa.types.is_floating(given) and pa.types.is_floating(wanted):
        return bool(given.bit_width <= wanted.bit_width)
    text = (pa.types.is_large_string, pa.types.is_string_view)
    return (
        (pa.types.is_timestamp(given) and pa.types.is_timestamp(wanted))
        or (pa.types.is_date(given) and pa.types.is_date(wanted))
        or (pa.types.is_string(wanted) and any(test(given) for test in text))
    )


class ParquetPart:
    """One Parquet file being written."""

    form: Form = "parquet"
    delimiter, regular, name = "", True, ""

    def __init__(self, path: Path, schema: pa.Schema, *, compression: Compression = "zstd") -> None:
        """Open the file; the writer itself waits for the first row group, whose values choose the encodings."""
        self.schema = schema
        self._compression = compression
        self.rows = 0
        self._sink = pa.OSFile(str(path), "wb")
        self._writer: pq.ParquetWriter | None = None
        self._texts = TextsSeen()
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = self._pending_bytes = 0

    def takes(self, batch: pa.RecordBatch) -> bool:
        """Say whether a batch belongs into this part: one form, and not more than is handy."""
        return bool(self.schema == batch.schema and self._sink.tell() < PART_BYTES)

    def write(self, batch: pa.RecordBatch) -> None:
        """Buffer a batch; a row group is written when enough is pending."""
        self._pending.append(batch)
        self.rows += batch.num_rows
        self._pending_rows += batch.num_rows
        self._pending_bytes += batch.nbytes
        if self._pending_rows >= _GROUP_ROWS or self._pending_bytes >= _GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        """Write what is pending and the footer."""
        if self._pending or self._writer is None:
            self._write_group()
        assert self._writer is not None  # noqa: S101 - for the type checker: a group was written
        self._writer.add_key_value_metadata(self._texts.footer())
        self._writer.close()
        self._sink.close()

    def abandon(self) -> None:
        """Let go of the file, unfinished."""
        self._pending.clear()
        if self._writer is not None:
            with suppress(OSError):  # a full disk, which was told already
                self._writer.close()
        self._sink.close()

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._pending, self.schema)
        self._texts.see(table)
        if self._writer is None:
            self._writer = _open_writer(self._sink, table, self._compression)
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._pending.clear()
        self._pending_rows = self._pending_bytes = 0


def _open_writer(sink: pa.NativeFile, first: pa.Table, compression: Compression) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        sink,
        first.schema,
        compression=compression,
        compression_level=_LEVEL[compression],
        use_dictionary=[name for name in first.schema.names if _repeats(first.column(name))],
        store_decimal_as_integer=True,
    )


def _repeats(column: pa.ChunkedArray) -> bool:
    """Say whether a dictionary pays: text of which a sample has few distinct values."""
    if not pa.types.is_string(column.type):
        return False
    sample = column.slice(0, _SAMPLE_ROWS)
    return bool(pc.count_distinct(sample).as_py() * 10 <= len(sample))
