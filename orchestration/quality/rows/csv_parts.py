"""The header of a CSV part: its names decide where a contract's column is, not their order."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from orchestration.contracts.model import Column
from orchestration.failures import SchemaDrift
from orchestration.quality.rows.text import TextColumn


@dataclass(frozen=True)
class Header:
    """A part's first line."""

    names: tuple[str, ...]

    def positions(self, columns: Sequence[Column], unknown: Collection[str], key: str) -> dict[str, int]:
        """Return the position of each contract column; those that the contract did not know then may lack.

        Raises:
            SchemaDrift: a column is missing, or stands twice; names it.
        """
        found = {}
        for column in columns:
            count = self.names.count(column.source_name)
            if count == 1:
                found[column.name] = self.names.index(column.source_name)
            elif count or column.name not in unknown:
                fault = "stands twice in" if count else "is missing from"
                message = f"{key}: column {column.source_name!r} {fault} the header."
                raise SchemaDrift(message, "Correct the contract, or ask the source's owner.")
        return found


def read_header(path: Path, delimiter: str) -> Header:
    """Read the first line of a compressed part."""
    with pa.input_stream(str(path), compression="zstd") as stream:
        start = stream.read(1024 * 1024).split(b"\n", 1)[0]
    (fields,) = csv.reader([start.decode("utf-8", "replace").rstrip("\r")], delimiter=delimiter)
    return Header(tuple(fields))


def csv_items(columns: Sequence[Column]) -> tuple[TextColumn, ...]:
    """Return the columns as a CSV part has them."""
    return tuple(TextColumn(column, number, f"_t{number}") for number, column in enumerate(columns))
