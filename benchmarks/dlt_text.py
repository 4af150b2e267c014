"""dlt as a contestant: CSV files or pages of JSON into DuckDB, by way of Parquet files.

Runs in an environment of its own and prints one line of JSON, as ``prepared.measured`` does.
Usage: ``dlt_text.py HOME DATA csv|csv-duckdb|json``.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HOME, DATA, WAY = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
os.environ["DLT_DATA_DIR"] = str(HOME / "dlt")
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"
os.environ.pop("ARROW_DEFAULT_MEMORY_POOL", None)  # the engine's choice, which the benchmark hands on

import dlt  # noqa: E402
from dlt.sources.filesystem import filesystem, read_csv, read_csv_duckdb  # noqa: E402


def pages() -> Iterator[list[dict[str, Any]]]:
    """Yield the records of each page, as a client of the API does."""
    with DATA.open("rb") as lines:
        for line in lines:
            yield json.loads(line)["records"]


def data() -> Any:  # noqa: ANN401
    """Return what dlt is to load."""
    if WAY == "json":
        return dlt.resource(pages, name="stored")
    files = filesystem(bucket_url=DATA.as_uri(), file_glob="*.csv")
    reader = read_csv() if WAY == "csv" else read_csv_duckdb(use_pyarrow=True, header=True)
    return (files | reader).with_name("stored")


def main() -> None:
    """Load, and print what it took."""
    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.duckdb(str(HOME / "dlt.duckdb")), dataset_name="bench"
    )
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    pipeline.run(data(), loader_file_format="parquet", write_disposition="replace")
    after = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime + children.ru_utime + children.ru_stime
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    print(json.dumps({"cpu": cpu, "wall": time.perf_counter() - start, "peak_mb": after.ru_maxrss / unit}))


if __name__ == "__main__":
    main()
