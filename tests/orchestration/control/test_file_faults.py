"""What is wrong with the control plane's file, told by SQLite itself, comes to people in words they can use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import disk_usage

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from orchestration.control.errors import told
from orchestration.failures import SettingsError

FULL = ["PRAGMA max_page_count = 2", "CREATE TABLE t (a)", "INSERT INTO t VALUES (zeroblob(100000))"]
READ_ONLY = ["PRAGMA query_only = 1", "CREATE TABLE t (a)"]


def refused(path: Path, statements: list[str]) -> str:
    engine = create_engine(f"sqlite:///{path}")
    with pytest.raises(DBAPIError) as caught:
        _run(engine, statements)
    engine.dispose()
    fault = told(caught.value, engine.url)
    assert isinstance(fault, SettingsError)
    assert str(path) in fault.message
    return f"{fault.message} {fault.remedy}"


def _run(engine: Engine, statements: list[str]) -> None:
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_full_disk(tmp_path: Path) -> None:
    assert "its disk is full. Make room" in refused(tmp_path / "control.db", FULL)


def test_a_disk_too_full_to_read_from(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(4)
    engine = create_engine(f"sqlite:///{disk / 'control.db'}")
    _run(engine, ["PRAGMA journal_mode = WAL", "CREATE TABLE t (a)"])
    engine.dispose()
    (disk / "filler").write_bytes(bytes(disk_usage(disk).free))
    told_as = refused(disk / "control.db", ["SELECT * FROM t"])
    assert "cannot be read. Is there room on its disk?" in told_as


def test_a_disk_that_may_only_be_read(tmp_path: Path) -> None:
    assert "may only be read. Is STRATA_HOME on a disk" in refused(tmp_path / "control.db", READ_ONLY)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be opened. Is STRATA_HOME there" in refused(tmp_path / "none" / "control.db", ["SELECT 1"])


def test_a_file_that_is_something_else(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    path.write_bytes(b"something else " * 100)
    assert "is no database. Bring it back from a backup" in refused(path, ["CREATE TABLE t (a)"])
