"""A control plane that is kept open: its log is not copied back after every transaction, but at the end."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from orchestration.control import Control


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
