"""Settings that one piece of work changes are as before afterwards, and few new rows fill whole row groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse.engine_setting import current_setting, engine_setting, few_threads_for

ROW_GROUP = 122_880


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    settings = {"threads": 4, "preserve_insertion_order": False}
    with duckdb.connect(str(tmp_path / "w.duckdb"), config=settings) as opened:
        yield opened


def test_a_setting_holds_for_the_block_on_every_connection(con: duckdb.DuckDBPyConnection) -> None:
    with con.cursor() as other:
        with engine_setting(con, "threads", "1"):
            assert current_setting(other, "threads") == "1"
        assert current_setting(other, "threads") == "4"


def test_a_failed_transaction_gives_the_setting_back(con: duckdb.DuckDBPyConnection) -> None:
    con.begin()
    with pytest.raises(duckdb.CatalogException), engine_setting(con, "threads", "1"):
        con.execute("FROM nowhere")
    con.rollback()
    assert current_setting(con, "threads") == "4"


def test_few_rows_fill_whole_row_groups(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows, source = 3 * ROW_GROUP, tmp_path / "rows.parquet"
    con.execute(f"COPY (SELECT range AS n FROM range({rows})) TO '{source}' (ROW_GROUP_SIZE 50_000)")
    con.execute("CREATE TABLE t (n BIGINT)")
    with few_threads_for(con, rows):
        con.execute(f"INSERT INTO t FROM '{source}'")
    counts = """SELECT count FROM pragma_storage_info('t') WHERE segment_type = 'BIGINT'"""
    assert con.execute(counts).fetchall() == [(ROW_GROUP,)] * 3
    assert current_setting(con, "threads") == "4"


def test_many_rows_are_left_to_all_threads(con: duckdb.DuckDBPyConnection) -> None:
    with few_threads_for(con, 10_000_000):
        assert current_setting(con, "threads") == "4"
