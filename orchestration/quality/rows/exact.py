"""The exact way for text parts that a fast reader could get wrong: record by record, as texts, in bounded memory.

Records of a CSV or NDJSON part are written out as NDJSON whose members are the contract's
columns by bronze name, all of them texts, with the record's number and a fault where the
record itself is broken. It takes about ten microseconds a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from itertools import islice
from pathlib import Path

import msgspec
import pyarrow as pa

from orchestration import names
from orchestration.contracts.model import Column
from orchestration.parquet_files import AS_THEY_ARE
from orchestration.quality.rows.judgement import Reason
from orchestration.quality.rows.scan import Scan
from orchestration.quality.rows.text import TextColumn, judge_text, layered


@dataclass
class ExactRecord:
    """A record as texts by bronze name; ``column`` is ``None`` when all of it is broken, and ``raw`` then its line."""

    texts: dict[str, str | None] = field(default_factory=dict)
    fault: Reason | None = None
    column: str | None = None
    raw: str | None = None


def open_lines(path: Path) -> BufferedReader:
    """Open a compressed part for reading by lines."""
    raw: RawIOBase = pa.input_stream(str(path), compression="zstd")  # it is no RawIOBase, but behaves like one
    return BufferedReader(raw, 1024 * 1024)


def write_exact(records: Iterable[ExactRecord], path: Path, *, after: int = 0) -> None:
    """Write records as NDJSON, without some of the first."""
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for number, record in islice(enumerate(records, start=1), after, None):
            told = {"_row": str(number), "_fault": record.fault, "_column": record.column, "_raw": record.raw}
            file.write(encoder.encode(record.texts | told) + b"\n")


def scan_exact(columns: Sequence[Column], path: Path, key: str) -> Scan:
    """Return the scan of what :func:`write_exact` wrote."""
    items = [TextColumn(column, number, f"_t{number}") for number, column in enumerate(columns)]
    told = ("_row", "_fault", "_column", "_raw")
    members = ", ".join(f"{names.literal(name)}: 'VARCHAR'" for name in (*told, *(c.name for c in columns)))
    reader = f"read_json({names.literal(str(path))}, columns={{{members}}}, format='newline_delimited', {AS_THEY_ARE})"
    texts = ", ".join(f"{names.quote(item.column.name)} AS {item.text}" for item in items)
    source = layered(f"(SELECT {', '.join(told)}, {texts} FROM {reader})", items)
    judgements = tuple(judge_text(item) for item in items)
    return Scan(source, judgements, names.literal(key), "CAST(_row AS BIGINT)", preset="_fault IS NOT NULL")


def as_shown(content: bytes) -> str:
    """Return bytes as text that people can read; those that are no UTF-8 appear as escapes."""
    return content.decode("utf-8", "backslashreplace")
