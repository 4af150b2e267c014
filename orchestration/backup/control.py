"""The control plane in a backup: the embedded one by SQLite's online backup, a server's by its own means."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from orchestration.failures import StrataError
from orchestration.settings import Settings

_NATIVE = {
    "postgresql": "pg_dump --format=custom --file=control.dump DATABASE",
    "mssql": "BACKUP DATABASE … TO DISK = '…' WITH CHECKSUM",
    "sqlite": "sqlite3 FILE '.backup control.db'",
}


def left_out(settings: Settings) -> str | None:
    """Say how to back up a control plane that lies outside the home; ``None`` when it is the embedded one."""
    if settings.control_url is None:
        return None
    # The URL holds a password: only the kind of database is told.
    kind = settings.control_url.get_secret_value().partition(":")[0].partition("+")[0]
    return f"control plane ({kind}): back it up at the same time with its own means: {_NATIVE.get(kind, kind)}"


def copy_control(source: Path, target: Path) -> str | None:
    """Copy the embedded control plane as it is at this moment; writers need not wait. Returns its revision.

    Raises:
        StrataError: the copy, and so probably the database, is damaged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    with closing(sqlite3.connect(source, timeout=30)) as read, closing(sqlite3.connect(target)) as write:
        read.backup(write)
        # One file: a log beside it would be another thing to lose.
        write.execute("PRAGMA journal_mode = DELETE")
        verdict = write.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StrataError(f"{source} is damaged: {verdict}.", "Restore the last backup.")
    return revision(target)


def revision(path: Path) -> str | None:
    """Return the schema's revision of a control plane's file."""
    with closing(sqlite3.connect(path)) as con:
        if not con.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        row = con.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None
