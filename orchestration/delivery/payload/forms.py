"""How values are written in each format: exact, in one way, and harmless to who opens a file in a spreadsheet.

Decimals are text in JSON, for a reader's floating point would round them; times are ISO 8601 in
UTC; what JSON has no word for (NaN, infinity) is missing. In CSV a text that a spreadsheet would
run as a formula gets an apostrophe in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orchestration.delivery.registration import Format
from orchestration.names import quote

CONTENT_TYPES: dict[Format, str] = {
    "json": "application/cloudevents+json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8; header=present",
    "parquet": "application/vnd.apache.parquet",
}
COPY_OPTIONS: dict[Format, str] = {
    "json": "FORMAT json, ARRAY true",
    "ndjson": "FORMAT json",
    "csv": r"FORMAT csv, HEADER true, NEW_LINE '\r\n'",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
# Spreadsheets of East Asia read the full-width forms of = + - @ as formulas too.
_FORMULA = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
_PLAIN = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_PLAIN_TOO = ("UHUGEINT", "BOOLEAN", "DATE", "TIME", "UUID")


def formed(columns: Mapping[str, str], form: Format) -> str:
    """Return what goes after SELECT for columns (names and types) to be written in a format."""
    if form == "parquet":
        return ", ".join(map(quote, columns))
    rest = _csv_text if form == "csv" else _as_it_is
    return ", ".join(f"{_formed(quote(name), kind, form, rest)} AS {quote(name)}" for name, kind in columns.items())


def _formed(name: str, kind: str, form: Format, rest: Callable[[str], str]) -> str:
    if kind in (*_PLAIN, *_PLAIN_TOO):
        return name
    if kind.startswith("DECIMAL"):
        return name if form == "csv" else f"CAST({name} AS VARCHAR)"
    if kind in {"DOUBLE", "FLOAT"}:
        return f"CASE WHEN isfinite({name}) THEN {name} END"
    if kind.startswith("TIMESTAMP"):
        moment = f"{name} AT TIME ZONE 'UTC'" if kind.endswith("TIME ZONE") else f"{name}::TIMESTAMP"
        return f"strftime({moment}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return f"base64({name})" if kind == "BLOB" else rest(name)


def _as_it_is(name: str) -> str:
    return name


def _csv_text(name: str) -> str:
    text = f"CAST({name} AS VARCHAR)"
    return f"CASE WHEN regexp_matches({text}, '{_FORMULA}') THEN '''' || {text} ELSE {text} END"
