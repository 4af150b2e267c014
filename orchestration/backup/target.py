"""The folder that holds backups: each is a draft until it is whole, then appears under its name by one rename.

Whoever writes here holds the folder's lock; a draft that is found under the lock was
left by a process that died, and is removed.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.backup.copying import flush_folders
from orchestration.backup.manifest import MANIFEST, BackupManifest, read_backup
from orchestration.failures import SettingsError, StrataError
from orchestration.landing.folder import flush
from orchestration.settings import Settings
from orchestration.warehouse.lock import held

_NAME = "strata-"
_DRAFT = ".part"


def new_backup_id() -> str:
    """Return a name that sorts by time: ``strata-20261121T114203Z-1a2b3c4d``."""
    return f"{_NAME}{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Target:
    """A folder of backups, locked by this process."""

    folder: Path

    def draft(self, backup_id: str) -> Path:
        """Make the folder that a backup is written to; only its owner may look into it."""
        path = self.folder / f".{backup_id}{_DRAFT}"
        path.mkdir(mode=0o700)
        return path

    def finish(self, draft: Path, manifest: BackupManifest) -> Path:
        """Write the list last, with everything before it on the disk, and give the backup its name."""
        flush_folders(draft)
        listed = draft / MANIFEST
        listed.write_bytes(manifest.encode())
        flush(listed)
        flush(draft)
        final = self.folder / manifest.backup_id
        draft.rename(final)
        flush(self.folder)
        return final

    def forget_older(self, keep: int, home: str) -> list[str]:
        """Remove whole backups of the same home beyond the ``keep`` newest; returns their names."""
        ours = sorted((manifest.taken_at, path) for path, manifest in self._whole() if manifest.home == home)
        removed = [path for _, path in ours[: max(len(ours) - keep, 0)]]
        for path in removed:
            # First a draft again: what is half removed must not pass for a backup.
            gone = path.rename(self.folder / f".{path.name}{_DRAFT}")
            shutil.rmtree(gone)
        return [path.name for path in removed]

    def clean(self) -> None:
        """Remove drafts of processes that died."""
        for path in self.folder.glob(f".{_NAME}*{_DRAFT}"):
            shutil.rmtree(path)

    def _whole(self) -> Iterator[tuple[Path, BackupManifest]]:
        for path in self.folder.glob(f"{_NAME}*"):
            try:
                yield path, read_backup(path)
            except StrataError:  # not ours to judge, and so not to remove
                continue


@contextmanager
def open_target(folder: Path, settings: Settings, on_wait: Callable[[str], None]) -> Iterator[Target]:
    """Hold a folder of backups, made if need be, free of what dead processes left.

    Raises:
        SettingsError: it cannot be written, or lies below the home and would be lost with it.
        Busy: another backup is being written to it.
    """
    folder = folder.expanduser().resolve()
    if folder.is_relative_to(settings.home):
        message = f"{folder} lies below STRATA_HOME ({settings.home}) and would be lost with it."
        raise SettingsError(message, "Name a folder on another disk. Example: strata backup /mnt/backup/strata")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".backup.lock").touch()
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}.", "Name another folder.") from None
    with held(folder / ".backup.lock", "strata backup", settings.lock_wait_seconds, on_wait):
        target = Target(folder)
        target.clean()
        yield target
