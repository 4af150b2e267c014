"""The header of a CSV part: its names decide where a contract's column is, not their order."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BufferedReader, RawIOBase
from pathlib import Path

import pyarrow as pa

from orchestration.contracts.model import Column
from orchestration.failures import SchemaDrift

_SHOWN = 200
_READ_BYTES = 64 * 1024
_LONGEST = 1024 * 1024


@dataclass(frozen=True)
class Header:
    """A part's first line."""

    names: tuple[str, ...]
    line: str

    def positions(self, columns: Sequence[Column], unknown: Collection[str], place: str) -> dict[str, int]:
        """Return the position of each contract column; those that the contract did not know then may lack.

        Raises:
            SchemaDrift: a column is missing, or stands twice; names it, and shows what the header is.
        """
        found = {}
        for column in columns:
            count = self.names.count(column.source_name)
            if count == 1:
                found[column.name] = self.names.index(column.source_name)
            elif count or column.name not in unknown:
                fault = "stands twice in" if count else "is missing from"
                shown = self.line if len(self.line) <= _SHOWN else f"{self.line[:_SHOWN]} …"
                message = f"{place}: column {column.source_name!r} {fault} the header, the first line: {shown!r}."
                raise SchemaDrift(message, "Correct the contract, or ask the source's owner.")
        return found


def read_header(path: Path, delimiter: str) -> Header:
    """Read the first line of a compressed part."""
    raw: RawIOBase = pa.input_stream(str(path), compression="zstd")  # it is no RawIOBase, but behaves like one
    with BufferedReader(raw, _READ_BYTES) as lines:
        return parse_header(lines.readline(_LONGEST), delimiter)


def parse_header(start: bytes, delimiter: str) -> Header:
    """Take the first line of a part's beginning apart; one that is broken is its only name."""
    line = start.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    try:
        (names,) = csv.reader([line], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):  # such as line ends of the old Macintosh, or a name within quotes that has one
        names = [line]
    return Header(tuple(names), line)
