"""Copies of files as the kernel makes them, their checksums, and what makes them outlast a power cut."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestration.failures import StrataError
from orchestration.landing.folder import flush

OnBytes = Callable[[int], None]
"""Is told the bytes that were copied or read since it was last called."""


def uncounted(_count: int) -> None:
    """Count nothing."""


_PIECE = 64 * 2**20
_CLONE = 0x40049409
"""Linux: let two files share their blocks until one of them is written to (Btrfs, XFS)."""


def copy(source: Path, target: Path, on_bytes: OnBytes = uncounted) -> None:
    """Copy a file's content; where the disk can share blocks, without copying them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as read, target.open("wb") as write:
        if _cloned(read.fileno(), write.fileno()):
            on_bytes(source.stat().st_size)
            return
        for done in _in_kernel(read.fileno(), write.fileno()):
            on_bytes(done)
        # What the kernel could not copy between these two disks follows by hand.
        shutil.copyfileobj(read, write, _PIECE)


def _cloned(source: int, target: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(target, _CLONE, source)
    except OSError:
        return False
    return True


def _in_kernel(source: int, target: int) -> Iterator[int]:
    if not hasattr(os, "copy_file_range"):
        return
    try:
        while done := os.copy_file_range(source, target, _PIECE):
            yield done
    except OSError:
        return


def digest(path: Path, on_bytes: OnBytes = uncounted) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    found = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(4 * 2**20):
            found.update(piece)
            on_bytes(len(piece))
    return found.hexdigest()


def flush_folders(root: Path) -> None:
    """Flush a folder and all below it."""
    for folder in (*(path for path in root.rglob("*") if path.is_dir()), root):
        flush(folder)


def require_room(folder: Path, needed: int, purpose: str) -> None:
    """Refuse what would fill the disk.

    Raises:
        StrataError: less than ``needed`` bytes are free below ``folder``.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        message = f"{purpose} needs {needed / 1e9:,.2f} GB below {folder}, and {free / 1e9:,.2f} GB are free."
        raise StrataError(message, "Make room; nothing was changed.")
