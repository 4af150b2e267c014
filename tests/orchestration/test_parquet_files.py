"""Parquet files are read as they are, wherever they lie."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.parquet_files import parquet_relation


def test_a_folders_name_is_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "country=de"
    folder.mkdir()
    files = [folder / "a.parquet", folder / "it's.parquet"]
    for number, file in enumerate(files):
        path = str(file).replace("'", "''")
        duckdb.execute(f"COPY (SELECT {number} AS id, 'fr' AS country) TO '{path}' (FORMAT parquet)")
    assert duckdb.execute(f"FROM {parquet_relation(files[1])}").fetchall() == [(1, "fr")]
    both = parquet_relation(*files, options="file_row_number=true")
    assert duckdb.execute(f"FROM {both} ORDER BY id").fetchall() == [(0, "fr", 0), (1, "fr", 0)]
