"""What the benchmarks of CSV and JSON share: landing and gate as one contestant, a DuckDB file as the other.

Both use the same settings of DuckDB. dlt runs in an environment of its own, made from
``requirements.lock`` of this folder; ``STRATA_BENCH_PYTHON`` names its interpreter.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from measurement import Figure, Run, figure, report
from prepared import prepared_contest

from orchestration.contracts.extraction import Connection, Page, Window
from orchestration.contracts.model import Contract
from orchestration.landing.folder import FolderStore
from orchestration.landing.writer import LandingWriter
from orchestration.quality.gate import gate
from orchestration.settings import Settings
from orchestration.warehouse.duckdb import connection_settings
from orchestration.warehouse.engine_setting import few_threads_for

PROJECT = Path(__file__).resolve().parent.parent


def open_file(home: Path) -> duckdb.DuckDBPyConnection:
    """Open a database file with the engine's settings."""
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    settings.scratch_dir.mkdir(parents=True, exist_ok=True)
    return duckdb.connect(str(home / "bench.duckdb"), config=connection_settings(settings))


def land_and_gate(home: Path, contract: Contract, pages: Iterable[Page], *, rejects: int, stored: bool) -> None:
    """Land pages and gate them; ``stored``: then copy the good rows into a table of the database file.

    Raises:
        RuntimeError: the gate did not find as many rejects as were made.
    """
    store = FolderStore(home / "landing")
    window = Window(None, datetime.now(UTC))
    with LandingWriter(store, contract, Connection("bench", "bench"), mode="full", window=window) as writer:
        for page in pages:
            writer.write(page)
        manifest = writer.commit()
    with open_file(home) as con:
        con.begin()
        with gate(con, contract, manifest, store) as gated:
            if gated.rejected != rejects:
                found = con.execute(f"SELECT reason, count(*) FROM {gated.rejects} GROUP BY 1").fetchall()
                message = f"{gated.rejected} rejects of {gated.extracted} rows, made were {rejects}: {found}"
                raise RuntimeError(message)
            if stored:
                with few_threads_for(con, gated.extracted):
                    con.execute(f"CREATE TABLE stored AS SELECT * FROM {gated.good}")
        con.commit()


def bench_python() -> str | None:
    """Return the interpreter that dlt is installed for; say what to do when there is none."""
    candidates = [os.environ.get("STRATA_BENCH_PYTHON", ""), str(PROJECT / ".venv-bench" / "bin" / "python")]
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            return candidate
    sys.stderr.write("dlt is left out: no .venv-bench, and STRATA_BENCH_PYTHON names no interpreter.\n")
    return None


def run_contest(commands: Mapping[str, Sequence[str]], folder: Path, rounds: int) -> dict[str, list[Run]]:
    """Run contestants in turn, each in a fresh process and an empty home."""
    empty, home = folder / "empty", folder / "home"
    shutil.rmtree(empty, ignore_errors=True)
    empty.mkdir(parents=True)
    return prepared_contest(commands, empty, home, rounds)


def compare(
    name: str, size: int, runs: Mapping[str, Sequence[Run]], peer: str, limits: Mapping[str, float | None]
) -> list[Figure]:
    """Return the peer's figure and those of the others with their ratio to it."""
    base = figure(name, peer, size, runs[peer])
    figures = [base]
    for contestant, limit in limits.items():
        own = figure(name, contestant, size, runs[contestant], peer=peer, limit=limit)
        figures.append(replace(own, ratio=round(own.cpu / base.cpu, 3)))
    return figures


def finish(figures: Sequence[Figure], out: Path | None) -> None:
    """Print the figures and append them to the results."""
    report(figures, out)
