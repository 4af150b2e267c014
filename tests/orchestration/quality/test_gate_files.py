"""Files of the gate's own: there while it needs them, and gone afterwards, even after a kill."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from landing_bench import column, connection, contract, land

from orchestration.contracts.extraction import CsvPart
from orchestration.failures import SchemaDrift
from orchestration.landing.folder import FolderStore
from orchestration.quality.gate import gate
from orchestration.quality.rows.certain_rows import HELD_BYTES
from orchestration.settings import load_settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.compaction import compact
from orchestration.warehouse.duckdb import connection_settings
from orchestration.warehouse.scratch import scratch_file, scratch_folder

NOTES = contract(column("note", "text"))
MEBIBYTE = 1024 * 1024


HOLDER = """
import sys
from pathlib import Path
from orchestration.warehouse.scratch import scratch_file
with scratch_file(Path(sys.argv[1]), ".txt") as path:
    path.write_text("in use")
    print(path, flush=True)
    sys.stdin.read()
"""


SPILLING = """
import sys, duckdb
con = duckdb.connect(config={"memory_limit": "60MB", "threads": 1, "temp_directory": sys.argv[1] + "/duckdb"})
con.execute("CREATE TEMP TABLE t AS SELECT range AS a, range::VARCHAR AS b FROM range(4_000_000)")
print(sys.argv[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(folder: Path, script: str = HOLDER) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that uses a file."""
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where a connection of the platform spills to."""
    return load_settings(home=tmp_path / "home").scratch_dir


@pytest.fixture
def con(scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    settings = load_settings(home=scratch.parent)
    with duckdb.connect(config=connection_settings(settings)) as opened:
        yield opened


def test_a_few_rows_of_csv_wait_for_the_block_without_a_file(
    con: duckdb.DuckDBPyConnection, scratch: Path, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path / "landing")
    manifest = land(store, NOTES, CsvPart(b"id,note\n1,a\n2,b\nx,c\n"))
    with gate(con, NOTES, manifest, store) as gated:
        assert not list(scratch.iterdir())
        assert con.execute(f"FROM {gated.good} ORDER BY id").fetchall() == [(1, "a"), (2, "b")]
    with pytest.raises(duckdb.CatalogException):
        con.execute(f"FROM {gated.good}")


def test_many_rows_of_csv_lie_in_scratch_for_the_block_and_no_longer(
    con: duckdb.DuckDBPyConnection, scratch: Path, tmp_path: Path
) -> None:
    rows, note = HELD_BYTES // MEBIBYTE + 3, b"n" * MEBIBYTE
    store = FolderStore(tmp_path / "landing")
    manifest = land(store, NOTES, CsvPart(b"id,note\n" + b"".join(b"%d,%s\n" % (n, note) for n in range(rows))))
    with gate(con, NOTES, manifest, store) as gated:
        assert len(list(scratch.iterdir())) == 1
        stored = f"SELECT count(DISTINCT id), count(*), sum(length(note)) FROM {gated.good}"
        assert con.execute(stored).fetchall() == [(rows, rows, rows * MEBIBYTE)]
    assert not list(scratch.iterdir())


def test_rows_in_memory_go_although_the_transaction_has_failed(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "landing")
    manifest = land(store, NOTES, CsvPart(b"id,note\n1,a\n"))
    con.begin()
    with pytest.raises(duckdb.CatalogException, match="nowhere"), gate(con, NOTES, manifest, store):
        con.execute("FROM nowhere")
    con.rollback()
    with gate(con, NOTES, manifest, store) as gated:
        assert con.execute(f"FROM {gated.good}").fetchall() == [(1, "a")]


def test_a_gate_that_fails_leaves_no_file(con: duckdb.DuckDBPyConnection, scratch: Path, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "landing")
    manifest = land(store, NOTES, CsvPart(b"id,note\n1,a\n"), CsvPart(b"id\n2\n"))
    with pytest.raises(SchemaDrift, match="'note' is missing"), gate(con, NOTES, manifest, store):
        pass
    assert not list(scratch.iterdir())


def test_a_file_in_use_stays_and_that_of_a_killed_process_goes(tmp_path: Path) -> None:
    with holder(tmp_path) as (process, theirs):
        with scratch_file(tmp_path, ".txt") as ours:
            assert theirs.read_text() == "in use"
            assert ours != theirs
        process.kill()
        process.wait()
        assert theirs.exists()
        with scratch_file(tmp_path, ".txt"):
            assert not theirs.exists()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_goes_when_the_warehouse_is_written_anew(scratch: Path) -> None:
    settings = load_settings(home=scratch.parent)
    warehouse = open_warehouse(settings)
    with warehouse.session("create") as session:
        session.execute("CREATE TABLE t AS SELECT 1 AS a")
    with holder(scratch) as (_, theirs):
        compact(warehouse, settings)
        assert theirs.exists()
    compact(warehouse, settings)
    assert not theirs.exists()


def test_what_duckdb_spilled_in_a_killed_process_goes_and_in_a_living_one_stays(scratch: Path) -> None:
    scratch.mkdir(parents=True)

    def spilled(process: subprocess.Popen[str]) -> list[Path]:
        return list((scratch / "duckdb").glob(f"duckdb_temp_{process.pid}_*"))

    with holder(scratch, SPILLING) as (dead, _), holder(scratch, SPILLING) as (living, _):
        dead.kill()
        dead.wait()
        assert spilled(dead)
        before = spilled(living)
        with scratch_file(scratch, ".txt"):
            assert not spilled(dead)
            assert spilled(living) == before


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "duckdb_temp_1"
    other.touch()
    with scratch_file(tmp_path, ".txt"):
        assert other.exists()


def test_a_connection_without_a_place_of_its_own_uses_the_systems() -> None:
    with connection() as con:
        assert scratch_folder(con).is_absolute()
        assert scratch_folder(con) != Path.cwd()
