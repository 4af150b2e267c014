"""Reads NDJSON parts for the gate.

Every member is read as JSON, which costs little over typed columns and keeps what typed
columns lose: that a number stood where a text should, the fraction beyond the scale, the
offset of a timestamp. Absent members are NULL, unknown ones are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestration import names
from orchestration.contracts.model import Column
from orchestration.quality.rows.judgement import Conversion, Fault, Judgement, Reason, judge
from orchestration.quality.rows.scan import Scan
from orchestration.quality.rows.text import TextColumn, convert_text, layered


def scan_json(columns: Sequence[Column], path: Path, key: str, *, json_as_text: bool) -> Scan:
    """Return the scan of one part; ``json_as_text``: values of json columns are texts, as in a replay."""
    items = [TextColumn(column, f"_t{number}", number) for number, column in enumerate(columns)]
    members = ", ".join(f"{names.literal(column.source_name)}: 'JSON'" for column in columns)
    reader = f"read_json({names.literal(str(path))}, columns={{{members}}}, format='newline_delimited')"
    texts = ", ".join(_texts(item, json_as_text=json_as_text) for item in items)
    source = layered(f"(SELECT {texts}, row_number() OVER () AS _row FROM {reader})", items)
    return Scan(source, tuple(_judge(item) for item in items), {str(path): key}, "", "_row")


def _texts(item: TextColumn, *, json_as_text: bool) -> str:
    member = names.quote(item.column.source_name)
    if item.column.type.kind == "json" and not json_as_text:
        return f"CAST({member} AS VARCHAR) AS {item.text}"
    text = f"({member} ->> '$') AS {item.text}"
    return f"{text}, CAST({member} AS VARCHAR) AS {_given(item)}" if item.column.type.kind == "text" else text


def _given(item: TextColumn) -> str:
    return f"_j{item.number}"


def _judge(item: TextColumn) -> Judgement:
    conversion = convert_text(item)
    if item.column.type.kind == "text":
        # A number's text is not kept as it was sent, so a number is no text.
        no_text = Fault(f"{_given(item)} IS NOT NULL AND {_given(item)} NOT LIKE '\"%'", Reason.NOT_TEXT)
        conversion = Conversion.unless(conversion.value, no_text, *conversion.faults)
    return judge(item.column, conversion, arriving=item.text, raw=item.text)
