"""What the gate makes on a connection for rows that SQL converts: for these alone, and for one load."""

from __future__ import annotations

from pathlib import Path

import duckdb
from landing_bench import MONEY, connection, csv, land

from orchestration.landing.folder import FolderStore
from orchestration.quality.gate import gate

HEADER = "id,price,at"


def gated(con: duckdb.DuckDBPyConnection, folder: Path, *lines: str) -> tuple[list[int], int]:
    """Land and gate a part; return the keys of its good rows and the number of its rejects."""
    store = FolderStore(folder / "landing")
    with gate(con, MONEY, land(store, MONEY, csv(HEADER, *lines)), store) as found:
        return [row[0] for row in con.execute(f"SELECT id FROM {found.good} ORDER BY 1").fetchall()], found.rejected


def test_rows_that_nobody_doubts_need_no_tables_and_functions(tmp_path: Path) -> None:
    with connection() as con:
        assert gated(con, tmp_path, "1,1.50,2026-01-01 10:00:00") == ([1], 0)
        tables = con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
        macros = con.execute("SELECT 1 FROM duckdb_functions() WHERE function_name = 'plain_number'").fetchall()
    assert tables == [("rejects",)]
    assert macros == []


def test_doubts_of_an_earlier_load_do_not_come_back(tmp_path: Path) -> None:
    with connection() as con:
        assert gated(con, tmp_path, "1,1.239,", "2,1e0,") == ([2], 1)
        assert gated(con, tmp_path, "3,1.50,") == ([3], 0)
        assert gated(con, tmp_path, "4,2e0,") == ([4], 0)
