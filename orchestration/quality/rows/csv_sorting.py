"""Sorts the records of a regular CSV part: certainly right, doubted, or no records at all.

Only the few that are doubted need the care, and the cost, of the conversions in SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.quality.rows.certain import convert
from orchestration.quality.rows.csv_texts import CsvTexts

# DuckDB takes many rows at once more cheaply than few; four blocks are what is held in memory.
_CHUNK_ROWS = 120_000
_CHUNK_BYTES = 16 * 1024 * 1024


@dataclass
class Sorted:
    """Some of a part's records: typed ones by bronze name; doubted ones as texts after their row number (``_row``)."""

    right: list[pa.RecordBatch]
    doubted: list[pa.RecordBatch]

    @property
    def full(self) -> bool:
        """Whether it is time to hand over what is held."""
        batches = self.right + self.doubted
        rows, size = sum(map(len, batches)), sum(batch.nbytes for batch in batches)
        return rows >= _CHUNK_ROWS or size >= _CHUNK_BYTES


def sort_records(part: CsvTexts) -> Iterator[Sorted]:
    """Yield a part's whole records in bounded portions."""
    portion = Sorted([], [])
    for texts in part:
        right, doubted = _sort(part, texts)
        portion.right.append(right)
        if len(doubted):
            portion.doubted.append(doubted)
        if portion.full:
            yield portion
            portion = Sorted([], [])
    yield portion


def _sort(part: CsvTexts, texts: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    converted = [convert(item.column, column) for item, column in zip(part.items, texts.columns, strict=True)]
    typed = pa.record_batch({i.column.name: c.values for i, c in zip(part.items, converted, strict=True)})
    doubts = [pc.fill_null(doubt, fill_value=False) for column in converted for doubt in column.doubts]
    if not doubts:
        return typed, texts[:0]
    doubt = reduce(pc.or_, doubts)
    rows = [part.row_number(part.whole + place) for place in pc.indices_nonzero(doubt).to_pylist()]
    doubted = texts.filter(doubt).add_column(0, "_row", pa.array(rows, pa.int64()))
    return typed.filter(pc.invert(doubt)), doubted
