"""dlt as a contestant, in the benchmarks' own environment (``benchmarks/requirements.lock``), not in the project's.

Its own defaults, but for what makes it fastest here: the Arrow backends, Parquet as
the loader's file format, telemetry off.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ.pop("ARROW_DEFAULT_MEMORY_POOL", None)  # the engine's choice, which the benchmark hands on
os.environ["DLT_DATA_DIR"] = os.environ["TMPDIR"] = str(Path("/tmp") / "strata-bench-dlt")  # noqa: S108 - scratch
Path(os.environ["TMPDIR"]).mkdir(parents=True, exist_ok=True)

import dlt  # noqa: E402 - it reads its environment when imported
from dlt.sources.sql_database import sql_table  # noqa: E402


def postgres(url: str, backend: str) -> object:
    """Return the benchmarks' table, read through one of dlt's SQL backends."""
    details = {"connectorx": {"return_type": "arrow_stream"}}.get(backend)
    return sql_table(
        credentials=url,
        table="sales",
        schema="public",
        backend=backend,
        reflection_level="full_with_precision",
        backend_kwargs=details,
        chunk_size=50_000,
    )


def load(table: object, folder: Path) -> None:
    """Load into a new DuckDB file."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.duckdb(str(folder / "peer.duckdb")),
        dataset_name="bench",
        pipelines_dir=str(folder / "pipelines"),
    )
    pipeline.run(table, write_disposition="replace", loader_file_format="parquet")


def main() -> None:
    """Load once, as told on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("backend", choices=("connectorx", "pyarrow"))
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    load(postgres(chosen.url, chosen.backend), chosen.folder)


if __name__ == "__main__":
    main()
