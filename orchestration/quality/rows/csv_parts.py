"""Reads CSV parts for the gate: every value as text, columns by the header's names, empty text as NULL.

DuckDB's own list of rejected lines is used for lines with too few or too many values.
Its ``columns`` are positions, so the header is read here and names decide.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration import names
from orchestration.contracts.model import Column
from orchestration.failures import SchemaDrift
from orchestration.quality.rows.judgement import Reason, text_object
from orchestration.quality.rows.rejects import REJECTS
from orchestration.quality.rows.text import TextColumn
from orchestration.quality.rows.text_source import TextSource

_ERRORS, _ERROR_SCANS = "csv_errors", "csv_error_scans"
_LINE_BYTES = 4 * 1024 * 1024
_STRUCTURE = "csv_structure"


@dataclass(frozen=True)
class Header:
    """A part's first line: its names, and the line end that it uses (as DuckDB's option)."""

    names: tuple[str, ...]
    line_end: str

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
    line_end = r"\r\n" if start.endswith(b"\r") else r"\n"
    (fields,) = csv.reader([start.decode("utf-8", "replace").rstrip("\r")], delimiter=delimiter)
    return Header(tuple(fields), line_end)


def csv_items(columns: Sequence[Column]) -> tuple[TextColumn, ...]:
    """Return the columns as a CSV part has them."""
    return tuple(TextColumn(column, number, f"_t{number}") for number, column in enumerate(columns))


def read_csv(columns: Sequence[Column], path: Path, key: str, delimiter: str, unknown: Collection[str]) -> TextSource:
    """Return the records of one part whose quotes are well-formed.

    Raises:
        SchemaDrift: the header lacks a column.
    """
    header = read_header(path, delimiter)
    positions = header.positions(columns, unknown, key)
    items = csv_items(columns)
    texts = ", ".join(f"{_field(positions.get(item.column.name))} AS {item.text}" for item in items)
    reader = _reader(path, header, delimiter)
    return TextSource(f"(SELECT row_number() OVER () AS _row, {texts} FROM {reader})", items)


def create_structure(con: duckdb.DuckDBPyConnection) -> None:
    """Create the list of broken lines: ``place`` is how many whole rows of the file come before each."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {_STRUCTURE} (file VARCHAR, place BIGINT)")


def record_structure(con: duckdb.DuckDBPyConnection, key: str) -> int:
    """Move the lines that DuckDB could not take apart in the last scan into the rejects; return how many."""
    # The list can vanish with a later query, so it is copied at once. There is one entry for each missing value.
    lines = f"""
        SELECT line - 1 AS row_number, any_value(csv_line) AS line, CASE any_value(error_type)
            WHEN 'LINE SIZE OVER MAXIMUM' THEN '{Reason.LINE_TOO_LONG}' WHEN 'INVALID ENCODING'
            THEN '{Reason.INVALID_UTF8}' WHEN 'MISSING COLUMNS' THEN '{Reason.COLUMN_COUNT}'
            WHEN 'TOO MANY COLUMNS' THEN '{Reason.COLUMN_COUNT}' ELSE '{Reason.QUOTE}' END AS reason
        FROM {_ERRORS} GROUP BY line"""
    row = text_object([("_line", "line")])
    con.execute(
        f"INSERT INTO {REJECTS} SELECT ?, row_number, NULL, NULL, NULL, reason, line, {row} FROM ({lines})", [key]
    )
    places = f"SELECT ?, line - 1 - row_number() OVER (ORDER BY line) FROM (SELECT DISTINCT line FROM {_ERRORS})"
    broken: int = con.execute(f"INSERT INTO {_STRUCTURE} {places}", [key]).fetchall()[0][0]
    con.execute(f"DROP TABLE {_ERRORS}")
    con.execute(f"DROP TABLE {_ERROR_SCANS}")
    return broken


def true_row_number(file: str, row_number: str) -> str:
    """Return SQL for a row's number in its file from its number among the file's whole rows."""
    return f"{row_number} + (SELECT count(*) FROM {_STRUCTURE} s WHERE s.file = {file} AND s.place < {row_number})"


def _field(position: int | None) -> str:
    return "CAST(NULL AS VARCHAR)" if position is None else f"_f{position}"


def _reader(path: Path, header: Header, delimiter: str) -> str:
    fields = ", ".join(f"_f{position}: 'VARCHAR'" for position in range(len(header.names)))
    return (
        f"read_csv({names.literal(str(path))}, auto_detect=false, header=true, delim={names.literal(delimiter)}, "
        f"quote='\"', escape='\"', new_line='{header.line_end}', nullstr='', columns={{{fields}}}, "
        f"max_line_size={_LINE_BYTES}, buffer_size={2 * _LINE_BYTES}, "
        f"store_rejects=true, rejects_table='{_ERRORS}', rejects_scan='{_ERROR_SCANS}', rejects_limit=0)"
    )
