"""Parquet files as relations of DuckDB: the columns that are in them, and no others.

Left to itself DuckDB reads columns out of the names of folders too: below ``/srv/country=de`` every row has ``de`` in
its column ``country``, whatever stands in the file.
"""

from __future__ import annotations

from pathlib import Path

from orchestration.names import literal

AS_THEY_ARE = "hive_partitioning=false"
"""The option of DuckDB's readers of files that keeps folders' names out."""


def parquet_relation(*paths: Path, options: str = "") -> str:
    """Return what goes after FROM; ``options`` are further ones of ``read_parquet``."""
    files = ", ".join(literal(str(path)) for path in paths)
    return f"read_parquet([{files}], {AS_THEY_ARE}{options and ', ' + options})"
