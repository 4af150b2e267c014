"""The catalogue's file says exactly what it was written from, whatever the types and however long its lines."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestration.scripts.catalog import Described, read_catalog, render_catalog
from orchestration.scripts.types import from_duckdb

TYPES = st.sampled_from([
    "BOOLEAN", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIME",
    "VARCHAR", "UUID", "BLOB", "DECIMAL(18,2)", "DECIMAL(38,0)", "INTEGER[]",
])  # fmt: skip
Sources = list[tuple[tuple[str, str], str]] | None
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,30}", fullmatch=True) | st.sampled_from(["on", "no", "null", "true"])
SOURCES = st.lists(st.tuples(st.tuples(st.just("silver"), NAMES), NAMES), max_size=12)
COLUMNS = st.dictionaries(NAMES, st.tuples(TYPES, st.none() | SOURCES), min_size=1, max_size=5)


@given(st.dictionaries(NAMES, COLUMNS, max_size=3))
def test_what_is_written_is_read_again(
    tables: dict[str, dict[str, tuple[str, list[tuple[tuple[str, str], str]]]]],
) -> None:
    described = Described(
        {("silver", t): {c: from_duckdb(kind) for c, (kind, _) in columns.items()} for t, columns in tables.items()},
        {
            ("silver", t): found
            for t, columns in tables.items()
            if (found := {c: made for c, (_, made) in columns.items() if made is not None})
        },
        {("silver", t): (("silver", "a"), ("bronze_product", "b")) for t in tables},
    )
    assert _read(render_catalog(described)) == described


def _read(text: str) -> Described:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.yml"
        path.write_text(text, encoding="utf-8")
        return read_catalog(path)


def test_a_file_that_is_not_there_describes_nothing(tmp_path: Path) -> None:
    assert read_catalog(tmp_path / "catalog.yml") == Described()
