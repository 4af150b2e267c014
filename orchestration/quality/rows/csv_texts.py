"""Reads a regular CSV part as batches of texts, with the lines that have too few or too many values.

Arrow's reader takes a part apart at a third of what DuckDB's costs. It cannot take a record
that is longer than its blocks; reading then ends early, and says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from orchestration.contracts.model import Column
from orchestration.landing.csv_header import Header, read_header
from orchestration.landing.manifest import Part
from orchestration.landing.store import LandingStore
from orchestration.quality.rows.text import TextColumn

# Each call of Arrow on a column has its price, and blocks cost memory several times over: measured with 20 columns,
# 1.5 MB take a twentieth less CPU than 1 MB and peak 18 MB below 2 MB, which take no less.
# A record that spans two blocks is read only when it is shorter than both; a longer one goes the exact way.
_BLOCK_BYTES = 1536 * 1024


@dataclass
class CsvTexts:
    """One part of a regular form.

    While it is iterated over, ``whole`` counts the whole records of the batches that are done
    with. ``finished`` says afterwards whether the reader came to the end.
    """

    path: Path
    header: Header
    delimiter: str
    positions: dict[str, int]
    items: Sequence[TextColumn]
    whole: int = 0
    finished: bool = False
    _broken: list[tuple[int, str]] = field(default_factory=list)
    _whole_before: list[int] = field(default_factory=list)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the texts of whole records, in the items' columns."""
        with pa.input_stream(str(self.path), compression="zstd") as stream, suppress(pa.ArrowInvalid):
            for batch in self._open(stream):
                columns = [batch.column(self._field(item)) for item in self.items]
                yield pa.record_batch(columns, [item.text for item in self.items])
                self.whole += len(batch)
            self.finished = True

    @property
    def read(self) -> int:
        """The number of the part's records up to the last whole one that is done with."""
        return self.row_number(self.whole - 1) if self.whole else 0

    def row_number(self, place: int) -> int:
        """Return the row number in the file, from 1, of a whole record by its place among these, from 0."""
        return place + 1 + bisect_right(self._whole_before, place)

    def take_broken(self) -> list[tuple[int, str]]:
        """Return broken lines since the last call as (row number, line); those after ``read`` have to wait."""
        until = len(self._broken) if self.finished else bisect_right(self._broken, self.read, key=itemgetter(0))
        taken, self._broken = self._broken[:until], self._broken[until:]
        return taken

    def _open(self, stream: pa.NativeFile) -> arrow_csv.CSVStreamingReader:
        fields = [_field(position) for position in range(len(self.header.names))]
        wanted = dict.fromkeys(self._field(item) for item in self.items)
        return arrow_csv.open_csv(
            stream,
            arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES, skip_rows=1, column_names=fields),
            arrow_csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=self._set_aside
            ),
            arrow_csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=list(wanted),
                include_missing_columns=True,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )

    def _field(self, item: TextColumn) -> str:
        return _field(self.positions.get(item.column.name))

    def _set_aside(self, line: arrow_csv.InvalidRow) -> str:
        number = line.number - 1  # the header is the first
        self._whole_before.append(number - 1 - len(self._whole_before))
        self._broken.append((number, line.text))
        return "skip"


def texts_of(part: Part, store: LandingStore, columns: Sequence[Column], unknown: Collection[str]) -> CsvTexts:
    """Return the texts of a regular CSV part.

    Raises:
        SchemaDrift: the header lacks a column that is not ``unknown``.
    """
    path = store.local_path(part.key)
    header = read_header(path, part.delimiter)
    positions = header.positions(columns, unknown, part.place)
    return CsvTexts(path, header, part.delimiter, positions, csv_items(columns))


def csv_items(columns: Sequence[Column]) -> tuple[TextColumn, ...]:
    """Return the columns as a CSV part has them."""
    return tuple(TextColumn(column, number, f"_t{number}") for number, column in enumerate(columns))


def _field(position: int | None) -> str:
    return "_missing" if position is None else f"_f{position}"
