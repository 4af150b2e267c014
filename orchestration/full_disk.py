"""A disk without room, told as that wherever somebody meets it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from os import strerror
from pathlib import Path
from shutil import disk_usage
from sqlite3 import OperationalError

from orchestration.failures import StrataError

REMEDY = "Make room below STRATA_HOME, and do it again: what was done before is whole."
_LEAST_BYTES = 8 * 1024 * 1024
_SAID = (strerror(ENOSPC), strerror(EDQUOT), "database or disk is full", "A disk is full")


class DiskFull(StrataError):
    """There is no room on the disk; nothing but room helps."""


def is_full_disk(error: BaseException | None) -> bool:
    """Say whether an error, or one that it came from, is that a disk of this machine is full."""
    import duckdb  # noqa: PLC0415 - commands and code locations load without it

    while error is not None:
        if isinstance(error, OSError | duckdb.Error | OperationalError) and says_full_disk(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def says_full_disk(text: str) -> bool:
    """Say whether the text of an error of the system, of DuckDB or of SQLite is about a full disk."""
    return any(said in text for said in _SAID)


def scarcity(folder: Path, warning_gb: float) -> str:
    """Say how little room a folder's disk has; empty where it is enough."""
    free = disk_usage(folder).free / 1e9
    if free >= warning_gb:
        return ""
    return f"{free:,.1f} GB are free below {folder}, less than STRATA_DISK_WARNING_GB={warning_gb:g}."


def has_no_room(folder: Path) -> bool:
    """Say whether a folder's disk is full but for what a database needs to be read."""
    return disk_usage(folder).free < _LEAST_BYTES


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Turn an error of the block that comes of a full disk into one for people.

    Raises:
        DiskFull: it did.
    """
    try:
        yield
    except StrataError:
        raise
    except Exception as error:
        if is_full_disk(error):
            raise DiskFull(f"A disk is full: {error}", REMEDY) from error
        raise
