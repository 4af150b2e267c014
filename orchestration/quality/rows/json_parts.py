"""Reads NDJSON parts for the gate.

Every member is read as text, because typed columns lose what the gate looks for: the
fraction beyond the scale, the offset of a timestamp. Where the contract says text the
member is read as JSON, which tells a number from a text. Absent members are NULL,
unknown ones are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestration import names
from orchestration.contracts.model import Column
from orchestration.parquet_files import AS_THEY_ARE
from orchestration.quality.rows.text import TextColumn
from orchestration.quality.rows.text_source import TextSource


def json_items(columns: Sequence[Column], *, json_as_text: bool) -> tuple[TextColumn, ...]:
    """Return the columns as an NDJSON part has them."""
    return tuple(_item(column, number, json_as_text=json_as_text) for number, column in enumerate(columns))


def read_json(columns: Sequence[Column], path: Path, *, json_as_text: bool) -> TextSource:
    """Return one part's records; ``json_as_text``: values of json columns are texts, as in a replay."""
    items = json_items(columns, json_as_text=json_as_text)
    members = ", ".join(f"{names.literal(i.column.source_name)}: '{'JSON' if i.json else 'VARCHAR'}'" for i in items)
    reader = f"read_json({names.literal(str(path))}, columns={{{members}}}, format='newline_delimited', {AS_THEY_ARE})"
    texts = ", ".join(_select(item) for item in items)
    return TextSource(f"(SELECT row_number() OVER () AS _row, {texts} FROM {reader})", items)


def _item(column: Column, number: int, *, json_as_text: bool) -> TextColumn:
    as_json = column.type.kind == "text" or (column.type.kind == "json" and not json_as_text)
    return TextColumn(column, number, f"_t{number}", f"_j{number}" if as_json else "")


def _select(item: TextColumn) -> str:
    member = names.quote(item.column.source_name)
    if not item.json:
        return f"{member} AS {item.text}"
    if item.column.type.kind == "json":
        return f"CAST({member} AS VARCHAR) AS {item.text}, NULL AS {item.json}"
    return f"({member} ->> '$') AS {item.text}, CAST({member} AS VARCHAR) AS {item.json}"
