"""A full disk is told from errors of this machine's own, the system's, DuckDB's and SQLite's, not from a server's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from errno import ENOSPC
from os import strerror
from pathlib import Path
from shutil import disk_usage

import duckdb
import pytest

from orchestration.failures import SettingsError
from orchestration.full_disk import DiskFull, full_disk_told, has_no_room, is_full_disk, scarcity

Disk = Callable[[int], Path]
BIG = "CREATE TABLE t AS SELECT md5(range::VARCHAR) AS a FROM range(1000000)"


def test_the_engine_without_room(small_disk: Disk) -> None:
    with (
        duckdb.connect(str(small_disk(8) / "w.duckdb")) as con,
        pytest.raises(DiskFull, match=r"A disk is full: .*Make room"),
        full_disk_told(),
    ):
        con.execute(BIG)


def test_sqlite_without_room(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "c.db")) as con:
        con.execute("PRAGMA max_page_count = 2")
        with pytest.raises(DiskFull), full_disk_told():
            con.execute("CREATE TABLE t AS SELECT zeroblob(100000)")


def test_an_error_that_came_of_another() -> None:
    later = ValueError("not written")
    later.__cause__ = OSError(ENOSPC, strerror(ENOSPC))
    assert is_full_disk(later)


def test_what_some_server_says_is_not_about_this_disk() -> None:
    assert not is_full_disk(RuntimeError("the server said: No space left on device"))
    with pytest.raises(SettingsError), full_disk_told():
        raise SettingsError("No space left on device")


def test_room_is_what_the_disk_has(small_disk: Disk) -> None:
    disk = small_disk(16)
    assert scarcity(disk, 0.001) == ""
    assert scarcity(disk, 1) == f"0.0 GB are free below {disk}, less than STRATA_DISK_WARNING_GB=1."
    assert not has_no_room(disk)
    (disk / "filler").write_bytes(bytes(disk_usage(disk).free))
    assert has_no_room(disk)
