"""Writes selected rows to a file in a registration's format, with bounded memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import msgspec

from orchestration.delivery.events.envelope import Envelope
from orchestration.delivery.payload.forms import COPY_OPTIONS, formed
from orchestration.delivery.payload.selection import Selection
from orchestration.delivery.registration import Format
from orchestration.names import literal


def write(con: duckdb.DuckDBPyConnection, selection: Selection, form: Format, around: Envelope, path: Path) -> None:
    """Write the rows; in JSON within their envelope, as the last member ``rows`` of its data, which is its own last."""
    if form != "json":
        _write_rows(con, selection, form, path)
        return
    rows = path.with_suffix(".rows")
    _write_rows(con, selection, form, rows)
    with path.open("wb") as document, rows.open("rb") as content:
        document.write(msgspec.json.encode(around).removesuffix(b"}}") + b',"rows":')
        shutil.copyfileobj(content, document, 1 << 20)
        document.write(b"}}")
    rows.unlink()


def _write_rows(con: duckdb.DuckDBPyConnection, selection: Selection, form: Format, path: Path) -> None:
    select = f"SELECT {formed(selection.columns, form)} FROM ({selection.sql})"
    con.execute(f"COPY ({select}) TO {literal(str(path))} ({COPY_OPTIONS[form]})", selection.values)
