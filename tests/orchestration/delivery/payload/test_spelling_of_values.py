"""Whatever a table holds comes back from each format as it was, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.delivery.payload.selection import Selection
from orchestration.delivery.payload.writing import write
from orchestration.delivery.registration import Format

TEXTS = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=8)
AMOUNTS = st.lists(st.decimals(-(10**15), 10**15, places=2, allow_nan=False), min_size=1, max_size=8)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
written = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


def content(con: duckdb.DuckDBPyConnection, path: Path, form: Format, kind: str, values: list[object]) -> str:
    con.execute(f"CREATE OR REPLACE TABLE t (number INTEGER, value {kind})")
    if values:
        con.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(values)))
    selection = Selection("SELECT value FROM t ORDER BY number", (), {"value": kind}, len(values), {})
    write(con, selection, form, {"data": {"a": 1}}, path)
    return path.read_bytes().decode()


@written
@given(values=TEXTS)
def test_any_text_is_read_from_csv_as_it_was_and_never_begins_a_formula(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, values: list[str | None]
) -> None:
    text = content(con, tmp_path / "rows.csv", "csv", "VARCHAR", list(values))
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["value"]
    # A reader gives an empty line for a missing value that stands alone.
    cells = [row[0] if row else "" for row in rows]
    assert cells == [f"'{value}" if (value or "").startswith(FORMULA) else value or "" for value in values]
    assert not any(cell.startswith(FORMULA) for cell in cells)


@written
@given(values=TEXTS)
def test_any_text_is_read_from_json_as_it_was(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, values: list[str | None]
) -> None:
    document = json.loads(content(con, tmp_path / "rows.json", "json", "VARCHAR", list(values)))
    assert document == {"data": {"a": 1, "rows": [{"value": value} for value in values]}}
    lines = content(con, tmp_path / "rows.ndjson", "ndjson", "VARCHAR", list(values)).split("\n")[:-1]
    assert [json.loads(line)["value"] for line in lines] == values


@written
@given(values=AMOUNTS)
def test_any_decimal_keeps_every_digit(con: duckdb.DuckDBPyConnection, tmp_path: Path, values: list[Decimal]) -> None:
    document = json.loads(content(con, tmp_path / "rows.json", "json", "DECIMAL(18,2)", list(values)))
    assert [Decimal(row["value"]) for row in document["data"]["rows"]] == values
    rows = csv.reader(io.StringIO(content(con, tmp_path / "rows.csv", "csv", "DECIMAL(18,2)", list(values))))
    assert [Decimal(row[0]) for row in list(rows)[1:]] == values
