"""A control plane that is kept open: one connection for many transactions, and its log copied back at the end."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event, text

from orchestration.control import Control, changes
from orchestration.control.tables import tenant
from orchestration.failures import StrataError


def log_of(control: Control) -> Path:
    return Path(f"{control.place}-wal")


def write(control: Control, table: str) -> None:
    with control.transaction("tester") as connection:
        connection.execute(text(f"CREATE TABLE {table} (number INTEGER)"))


def test_the_log_stays_while_it_is_kept_open_and_is_copied_back_at_the_end(sqlite_control: Control) -> None:
    write(sqlite_control, "before")
    assert not log_of(sqlite_control).exists()
    with sqlite_control.kept_open():
        write(sqlite_control, "meanwhile")
        assert log_of(sqlite_control).stat().st_size
    assert not log_of(sqlite_control).exists()
    with sqlite_control.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM meanwhile")).scalar() == 0


def test_what_is_kept_open_keeps_nobody_from_leaving_nothing_of_deleted_rows(sqlite_control: Control) -> None:
    with sqlite_control.kept_open():
        write(sqlite_control, "meanwhile")
        sqlite_control.compact()
        assert log_of(sqlite_control).stat().st_size == 0


def test_a_database_of_any_kind_can_be_kept_open(control: Control) -> None:
    with control.kept_open(), control.reading() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def opened(control: Control) -> list[object]:
    """Return the connections that are made anew from now on."""
    found: list[object] = []
    event.listen(control.engine, "connect", lambda connection, _record: found.append(connection))
    return found


def test_one_connection_serves_all_transactions_for_as_long_as_somebody_keeps_it_open(sqlite_control: Control) -> None:
    write(sqlite_control, "before")
    connections = opened(sqlite_control)
    with sqlite_control.kept_open(), sqlite_control.kept_open():
        write(sqlite_control, "first")
    write(sqlite_control, "second")
    assert len(connections) == 2


def test_transactions_at_the_same_time_have_a_connection_each(sqlite_control: Control) -> None:
    with sqlite_control.kept_open():
        connections = opened(sqlite_control)
        with sqlite_control.transaction("one") as connection, ThreadPoolExecutor(1) as threads:
            connection.execute(text("CREATE TABLE of_one (number INTEGER)"))
            assert threads.submit(_tables, sqlite_control).result() == []
        assert _tables(sqlite_control) == ["of_one"]
        assert len(connections) == 1  # beside the first


def test_a_failed_transaction_leaves_nothing_to_the_next_one(sqlite_control: Control) -> None:
    with sqlite_control.kept_open():
        write(sqlite_control, "before")
        with pytest.raises(StrataError):
            _write_and_fail(sqlite_control)
        write(sqlite_control, "after")
        assert _tables(sqlite_control) == ["after", "before"]


def _write_and_fail(control: Control) -> None:
    with control.transaction("one") as connection:
        connection.execute(text("CREATE TABLE of_one (number INTEGER)"))
        connection.execute(text("SELECT nothing"))


def test_who_reads_after_somebody_wrote_cannot_write_in_that_ones_name(sqlite_control: Control) -> None:
    row = {"tenant_id": "initech", "title": "Initech", "state": "active"}
    with sqlite_control.kept_open():
        write(sqlite_control, "by_tester")
        with pytest.raises(StrataError), sqlite_control.reading() as connection:
            changes.insert(connection, tenant, row)
        with sqlite_control.transaction("tester") as connection:
            changes.insert(connection, tenant, row)  # it was the name alone that was missing


def test_what_is_put_in_the_files_place_is_read_and_written_from_then_on(sqlite_control: Control) -> None:
    file = Path(sqlite_control.place)
    write(sqlite_control, "before")
    restored = file.with_name("restored.db")
    shutil.copy(file, restored)
    with sqlite_control.kept_open():
        write(sqlite_control, "lost_by_the_restore")
        for log in file.parent.glob(f"{file.name}-*"):
            log.unlink()
        restored.replace(file)
        write(sqlite_control, "after")
        assert _tables(sqlite_control) == ["after", "before"]
    assert _tables(sqlite_control) == ["after", "before"]


def _tables(control: Control) -> list[str]:
    """Return the tables that these tests made."""
    mine = "name IN ('before', 'after', 'first', 'second', 'lost_by_the_restore') OR name LIKE 'of_%'"
    with control.reading() as connection:
        found = connection.execute(text(f"SELECT name FROM sqlite_master WHERE type = 'table' AND ({mine})"))
        return sorted(found.scalars())
