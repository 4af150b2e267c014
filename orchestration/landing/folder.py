"""The landing store on a local or mounted folder.

A file appears under its name only whole: it is written as a draft, flushed to the
disk, and linked into place, which fails when the name is taken.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from orchestration.failures import Busy

DRAFT = ".part"


class FolderStore:
    """Landed files as plain files below ``root``."""

    def __init__(self, root: Path) -> None:
        """Nothing is created before the first file lands."""
        self._root = root

    def draft(self, key: str) -> Path:
        """Return the path beside the final one."""
        path = self._root / (key + DRAFT)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def land(self, key: str) -> None:
        """Flush the draft and give it its name."""
        draft, final = self.draft(key), self._root / key
        flush(draft)
        try:
            # A link refuses a taken name; a rename would replace the file silently.
            os.link(draft, final)
        except FileExistsError:
            message = f"Landing: {key} exists already."
            raise Busy(message, "Another load wrote it; landed files are immutable.") from None
        finally:
            draft.unlink()
        flush(final.parent)

    def put(self, key: str, content: bytes) -> None:
        """Write and land in one step."""
        self.draft(key).write_bytes(content)
        self.land(key)

    def make(self, prefix: str) -> None:
        """Make the folder."""
        (self._root / prefix).mkdir(parents=True, exist_ok=True)

    def replace(self, key: str, content: bytes) -> None:
        """Rename a new file over the old one."""
        draft = self.draft(key)
        draft.write_bytes(content)
        flush(draft)
        draft.replace(self._root / key)
        flush((self._root / key).parent)

    def read(self, key: str) -> bytes:
        """Return the file's content."""
        return (self._root / key).read_bytes()

    def local_path(self, key: str) -> Path:
        """Return the file itself."""
        return self._root / key

    def keys(self, prefix: str) -> Iterator[str]:
        """Walk the folder."""
        paths = sorted(path for path in (self._root / prefix).rglob("*") if path.is_file() and path.suffix != DRAFT)
        return (path.relative_to(self._root).as_posix() for path in paths)

    def folders(self, prefix: str, after: str = "") -> list[str]:
        """Read one folder, not what is below."""
        try:
            with os.scandir(self._root / prefix) as entries:
                return sorted(entry.name for entry in entries if entry.name > after and entry.is_dir())
        except FileNotFoundError:
            return []

    def delete(self, key: str) -> None:
        """Remove the file, and its folder when it was the last."""
        path = self._root / key
        path.unlink(missing_ok=True)
        _remove_if_empty(path.parent)

    def clear(self, prefix: str) -> None:
        """Remove the folder."""
        shutil.rmtree(self._root / prefix, ignore_errors=True)

    def release(self, prefix: str) -> None:
        """Nothing is copied, so nothing is dropped."""


def flush(path: Path) -> None:
    """Have a file, or a folder's list of names, on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
