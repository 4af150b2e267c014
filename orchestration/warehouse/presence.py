"""Tells whether a process is still at work on something, or has died with its work half done.

The mark is a shared lock on a file, which the operating system takes back with the
process, however that ends: unlike a process id it is never somebody else's later.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

_marks: dict[Path, IO[bytes]] = {}


def appear(path: Path) -> None:
    """Show this process at work at ``path``, until :func:`leave` or its end."""
    if path not in _marks:
        path.parent.mkdir(parents=True, exist_ok=True)
        mark = path.open("ab")
        fcntl.flock(mark, fcntl.LOCK_SH)
        _marks[path] = mark


def leave(path: Path) -> None:
    """Take this process's mark back, if there is one."""
    if path in _marks:
        _marks.pop(path).close()


def somebody_is_at(path: Path) -> bool:
    """Say whether any process, this one included, is at work at ``path``."""
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
