"""Restores a backup: checked first, built beside the present state, and moved into place in the end.

What was there is moved aside, never deleted. A restore that was killed is run again;
until then nobody else may write.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.backup import swap
from orchestration.backup.completing import Completed, Completion, younger_loads
from orchestration.backup.copying import require_room
from orchestration.backup.inspection import inspect, is_older
from orchestration.backup.manifest import BackupManifest, read_backup
from orchestration.backup.progress import OnProgress, silent
from orchestration.backup.secret_files import secret_files
from orchestration.backup.staging import stage, staging_folder
from orchestration.backup.stillness import standing_still
from orchestration.backup.undone import undone
from orchestration.contracts.source import find_sources
from orchestration.failures import SettingsError
from orchestration.landing.store import open_landing
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.clock import utc_now

_OURS = {"locks", "scratch", "restoring"}
"""What a home may hold and still be empty."""


@dataclass(frozen=True)
class Restored:
    """What a restore did. ``aside`` holds the state before, if there was any; ``resumed``: after one that was killed.

    ``younger`` are landed loads that the restored ledger does not know, ``younger_aside`` whether
    they went aside too; ``missing_secrets`` are secret files that the installation had and has not;
    ``undone`` says which decisions since the backup have to be made again, ``None`` when nobody can tell;
    ``control_upgrade`` whether the control plane's schema has to be brought up first.
    """

    backup_id: str
    taken_at: datetime
    ledger_seq: int
    home: Path
    aside: Path | None
    resumed: bool
    landing: Completed
    younger: tuple[str, ...] = ()
    younger_aside: bool = False
    missing_secrets: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    undone: tuple[str, ...] | None = None
    control_upgrade: bool = False


def restore(
    settings: Settings,
    backup: Path,
    *,
    force: bool = False,
    check_landing: bool = False,
    on_progress: OnProgress | None = None,
) -> Restored:
    """Make the home what it was when the backup was taken; ``force`` moves aside what is there.

    ``check_landing`` compares every landed file with its checksum, instead of looking for it alone.

    Raises:
        StrataError: the backup is not whole, or not what was written; names the file. Nothing was touched.
        SettingsError: the home is not empty, or a newer program made the backup.
        Busy: somebody is at work.
    """
    tell = on_progress or silent
    read_backup(backup)
    if swap.under_way(settings) is None:
        # Told again below, under the lock; here, before a large backup is read to its end.
        _require_empty(settings.home, force=force)
    manifest = inspect(backup, tell)
    settings.make_home()
    with standing_still(settings):
        return _Restore(settings, backup, manifest, tell, check_landing).run(force=force)


@dataclass(frozen=True)
class _Restore:
    settings: Settings
    backup: Path
    manifest: BackupManifest
    tell: OnProgress
    check_landing: bool

    def run(self, *, force: bool) -> Restored:
        left = swap.under_way(self.settings)
        if left and left.backup_id == self.manifest.backup_id:
            return self._finish(left, resumed=True)
        if left:
            swap.complete(self.settings, left)
        _require_empty(self.settings.home, force=force)
        require_room(self.settings.home, self.manifest.size, "The restored state")
        return self._finish(self._prepare(), resumed=False)

    def _prepare(self) -> swap.Swap:
        """Build the state beside the present one and leave the note that it is about to be moved in."""
        staged = stage(_runtime(staging_settings(self.settings)), self.backup, self.manifest, self.tell)
        younger = younger_loads(open_landing(self.settings), staged.last_ledgered)
        todo = swap.Swap(
            backup_id=self.manifest.backup_id,
            aside=f"before-restore-{utc_now():%Y%m%dT%H%M%SZ}",
            tables=staged.tables,
            younger=tuple(younger),
            younger_aside=not self.settings.landing_url,
        )
        swap.begin(self.settings, todo)
        return todo

    def _finish(self, todo: swap.Swap, *, resumed: bool) -> Restored:
        store = open_landing(self.settings)
        landing = Completion(store, self.backup, self.tell, thorough=self.check_landing).run()
        swap.complete(self.settings, todo)
        present = set(secret_files(self.settings.home))
        aside = self.settings.home / todo.aside
        return Restored(
            backup_id=self.manifest.backup_id,
            taken_at=self.manifest.taken_at,
            ledger_seq=self.manifest.ledger_seq,
            home=self.settings.home,
            aside=aside if aside.exists() else None,
            resumed=resumed,
            landing=landing,
            younger=todo.younger,
            younger_aside=todo.younger_aside,
            missing_secrets=tuple(name for name in self.manifest.secrets if name not in present),
            left_out=self.manifest.left_out,
            undone=undone(aside / "control" / "control.db", self.settings.control_file),
            control_upgrade=is_older(self.manifest.versions.control),
        )


def staging_settings(settings: Settings) -> Settings:
    """Return the settings of the home that is being built."""
    return settings.model_copy(update={"home": staging_folder(settings)})


def _runtime(settings: Settings) -> Runtime:
    """Compose what writing the status needs; tenants and control plane are not asked: they are being restored."""
    return Runtime(
        settings=settings,
        sources=find_sources(settings.sources_dir),
        tenants={},
        warehouse=open_warehouse(settings),
        landing=open_landing(settings),
    )


def _require_empty(home: Path, *, force: bool) -> None:
    entries = home.iterdir() if home.exists() else ()
    present = sorted(entry.name for entry in entries if entry.name not in _OURS and _holds_anything(entry))
    if present and not force:
        message = f"{home} is not empty: it holds {', '.join(present)}."
        raise SettingsError(message, "Name an empty folder with --home, or move this state aside with --force.")


def _holds_anything(entry: Path) -> bool:
    """An empty folder, or one that only root may look into (a disk's lost+found), holds nothing of ours."""

    def inside() -> Iterator[Path]:
        try:
            yield from entry.iterdir()
        except PermissionError:
            return

    return not entry.is_dir() or any(_holds_anything(path) for path in inside())
