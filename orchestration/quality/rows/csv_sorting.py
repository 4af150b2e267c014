"""Sorts the records of a regular CSV part: those that Arrow converts with certainty, and the doubted.

Only the few that are doubted need the care, and the cost, of the conversions in SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.quality.rows.arrow_values import integer_array, truth
from orchestration.quality.rows.certain import Conversion
from orchestration.quality.rows.csv_texts import CsvTexts
from orchestration.quality.rows.short_decimals import arrow_type

_DOUBTED_BYTES = 8 * 1024 * 1024
_NO = truth(value=False)
IS_CERTAIN = "_is_certain"
"""The column that tells certain records: leaving the others out costs DuckDB nothing, Arrow a copy of all."""


class CsvSorting:
    """One part, sorted while :meth:`certain` is read: again and again, until ``ended``."""

    def __init__(self, part: CsvTexts) -> None:
        """Nothing is read yet."""
        self.ended = False
        self._part, self._texts = part, iter(part)
        self._conversions = [Conversion(item.column) for item in part.items]
        self._doubted: list[pa.RecordBatch] = []
        self._doubted_bytes = 0

    def certain(self) -> pa.RecordBatchReader:
        """Return records by bronze name; those that are certain have a true in :data:`IS_CERTAIN`.

        Stops early when memory holds enough of the doubted.
        """
        columns = [item.column for item in self._part.items]
        schema = pa.schema([(IS_CERTAIN, pa.bool_()), *((column.name, arrow_type(column.type)) for column in columns)])
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema))

    def take_doubted(self) -> pa.Table | None:
        """Return the texts of doubted records since the last call, after their row numbers (``_row``)."""
        doubted, self._doubted, self._doubted_bytes = self._doubted, [], 0
        return pa.Table.from_batches(doubted) if doubted else None

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for texts in self._texts:
            yield self._sort(texts, schema)
            if self._doubted_bytes > _DOUBTED_BYTES:
                return
        self.ended = True

    def _sort(self, texts: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        converted = [convert(column) for convert, column in zip(self._conversions, texts.columns, strict=True)]
        doubts = (pc.fill_null(doubt, _NO) for column in converted for doubt in column.doubts)
        doubt = reduce(pc.or_, doubts, pa.repeat(_NO, len(texts)))
        self._set_aside(texts, doubt)
        return pa.record_batch([pc.invert(doubt), *(column.values for column in converted)], schema=schema)

    def _set_aside(self, texts: pa.RecordBatch, doubt: pa.BooleanArray) -> None:
        part = self._part
        rows = [part.row_number(part.whole + place) for place in pc.indices_nonzero(doubt).to_pylist()]
        if rows:
            self._doubted.append(texts.filter(doubt).add_column(0, "_row", integer_array(rows)))
            self._doubted_bytes += self._doubted[-1].nbytes  # counted once: all of them anew took a tenth of the time
