"""Sorts the records of a regular CSV part: those that Arrow converts with certainty, and the doubted.

Only the few that are doubted need the care, and the cost, of the conversions in SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.arrow_values import integer_array, truth
from orchestration.quality.rows.certain import Conversion
from orchestration.quality.rows.csv_texts import CsvTexts
from orchestration.quality.rows.short_decimals import arrow_type

_NO = truth(value=False)


class CsvSorting:
    """One part, sorted while it is iterated over: yields the certain records, in batches of bronze's names."""

    def __init__(self, part: CsvTexts) -> None:
        """Nothing is read yet."""
        self.doubted_bytes = 0
        self.part = part
        self._conversions = [Conversion(item.column) for item in part.items]
        self._doubted: list[pa.RecordBatch] = []
        self._schema = pa.schema([(item.column.name, arrow_type(item.column.type)) for item in part.items])

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read the part once; the doubted wait for :meth:`take_doubted`, ``doubted_bytes`` of memory."""
        for texts in self.part:
            converted = [convert(column) for convert, column in zip(self._conversions, texts.columns, strict=True)]
            records = pa.record_batch([column.values for column in converted], schema=self._schema)
            doubts = (pc.fill_null(doubt, _NO) for column in converted for doubt in column.doubts)
            doubt = reduce(pc.or_, doubts, pa.repeat(_NO, len(texts)))
            yield records.filter(pc.invert(doubt)) if self._set_aside(texts, doubt) else records

    def take_doubted(self) -> pa.Table | None:
        """Return the texts of doubted records since the last call, after their row numbers (``_row``)."""
        doubted, self._doubted, self.doubted_bytes = self._doubted, [], 0
        return pa.Table.from_batches(doubted) if doubted else None

    def _set_aside(self, texts: pa.RecordBatch, doubt: pa.BooleanArray) -> bool:
        part = self.part
        rows = [part.row_number(part.whole + place) for place in pc.indices_nonzero(doubt).to_pylist()]
        if rows:
            self._doubted.append(texts.filter(doubt).add_column(0, "_row", integer_array(rows)))
            self.doubted_bytes += self._doubted[-1].nbytes  # counted once: all of them anew took a tenth of the time
        return bool(rows)
