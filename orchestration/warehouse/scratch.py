"""Files in which the gate keeps rows: gone when it is done, and after a kill when another begins.

Who uses a file holds a lock on it. The lock dies with its process, whatever killed that, so a
file that can be locked is nobody's any more. What DuckDB itself spilled has the process's
number in its name; it removes that of killed ones only when it spills again.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkstemp

import duckdb

from orchestration.warehouse.engine_setting import current_setting

_PREFIX = "strata-gate-"
_SPILLED = re.compile(r"duckdb_temp_(\d+)_")


def scratch_folder(con: duckdb.DuckDBPyConnection) -> Path:
    """Return the folder beside which DuckDB spills, for there is room; the system's own where nobody chose one."""
    place = current_setting(con, "temp_directory")
    chosen = Path(place).parent
    return chosen if chosen.is_absolute() and chosen.is_dir() else Path(gettempdir())


@contextmanager
def scratch_file(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the path of a new, empty file that is removed at the end."""
    discard_abandoned(folder)
    descriptor, path = _create(folder, suffix)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def discard_abandoned(folder: Path) -> None:
    """Remove what killed processes left behind."""
    for path in folder.glob(f"{_PREFIX}*"):
        _remove_if_abandoned(path)
    for path in (folder / "duckdb").glob("duckdb_temp_*"):
        found = _SPILLED.match(path.name)
        if found and not _runs(int(found[1])):
            path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True


def _create(folder: Path, suffix: str) -> tuple[int, Path]:
    while True:
        descriptor, name = mkstemp(suffix, _PREFIX, folder)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)  # another gate took it for abandoned before it was locked


def _remove_if_abandoned(path: Path) -> None:
    with suppress(OSError), path.open("rb") as file:  # it is gone, in use, or another user's
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
