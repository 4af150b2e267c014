"""Takes a backup while the platform runs: writers wait for the copy of the warehouse alone, readers for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import duckdb

from orchestration.backup import control
from orchestration.backup.copying import OnBytes, copy, digest, require_room
from orchestration.backup.landed import LANDING_LIST, LandedLoad, read_landed, write_list
from orchestration.backup.manifest import BackedUpFile, BackupManifest, LandingList, Versions
from orchestration.backup.moment import Moment, captured
from orchestration.backup.progress import OnProgress, Progress, counting, silent
from orchestration.backup.secret_files import secret_files
from orchestration.backup.target import Target, new_backup_id, open_target
from orchestration.failures import SettingsError, StrataError
from orchestration.landing.folder import flush
from orchestration.landing.manifest import Part
from orchestration.landing.store import LandingStore, open_landing
from orchestration.settings import Settings
from orchestration.warehouse.lock import held
from orchestration.warehouse.platform import PLATFORM_TABLES


@dataclass(frozen=True)
class Wanted:
    """What comes along beyond the rest, and how many whole backups of this home the folder keeps (0: all)."""

    with_landing: bool = False
    with_secrets: bool = False
    keep: int = 0


@dataclass(frozen=True)
class Taken:
    """A whole backup, and the names of older ones that were removed for it."""

    path: Path
    manifest: BackupManifest
    removed: tuple[str, ...]


def back_up(
    settings: Settings, folder: Path, wanted: Wanted | None = None, on_progress: OnProgress | None = None
) -> Taken:
    """Write a backup of the installation into a folder of backups.

    Raises:
        SettingsError: there is nothing to back up, or the folder cannot be used.
        Busy: another backup, or a writer, was not done within ``lock_wait_seconds``.
        StrataError: the disk is too small, or a file differs from what was written once.
    """
    wanted, tell = wanted or Wanted(), on_progress or silent
    if not settings.warehouse_file.exists() and not settings.control_file.exists():
        raise SettingsError(f"{settings.home} holds no installation.", "Set STRATA_HOME to the platform's folder.")

    def waits(holder: str) -> None:
        tell(Progress(f"waiting for another backup, held by {holder}", waiting=True))

    own = settings.locks_dir / "backup.lock"
    with (
        held(own, "strata backup", settings.lock_wait_seconds, waits),
        open_target(folder, settings, waits) as target,
    ):
        return _Backup(settings, wanted, tell, open_landing(settings)).write(target)


def program_version() -> str:
    """Return this program's version."""
    return metadata.version("strata-elt")


@dataclass(frozen=True)
class _Backup:
    settings: Settings
    wanted: Wanted
    tell: OnProgress
    landing: LandingStore

    def write(self, target: Target) -> Taken:
        backup_id = new_backup_id()
        require_room(target.folder, self._size_now(), "The backup")
        draft = target.draft(backup_id)
        with captured(self.settings, draft, with_secrets=self.wanted.with_secrets, tell=self.tell) as moment:
            self._published(moment, draft)
        loads = write_list(draft / LANDING_LIST, read_landed(self.landing, moment.landed))
        parts = [part for load in loads for part in load.manifest.parts]
        if self.wanted.with_landing:
            self._landed_files(parts, draft)
        manifest = self._manifest(backup_id, moment, draft, loads, parts)
        path = target.finish(draft, manifest)
        removed = target.forget_older(self.wanted.keep, manifest.home) if self.wanted.keep else []
        return Taken(path, manifest, tuple(removed))

    def _size_now(self) -> int:
        warehouse = self.settings.warehouse_file
        published = sum(path.stat().st_size for path in self.settings.published_dir.glob("*/*/*.parquet"))
        return (warehouse.stat().st_size if warehouse.exists() else 0) + published

    def _published(self, moment: Moment, draft: Path) -> None:
        files = [path for path in moment.pinned.rglob("*") if path.is_file()]
        on_bytes = counting(self.tell, "copying published versions", sum(path.stat().st_size for path in files))
        for path in files:
            copy(path, draft / path.relative_to(moment.pinned), on_bytes)

    def _landed_files(self, parts: list[Part], draft: Path) -> None:
        """Copy landed files; one that is not what landed is told now, not when it is needed."""
        on_bytes = counting(self.tell, "copying landed files", sum(part.bytes for part in parts))
        for part in parts:
            target = draft / "landing" / part.key
            try:
                copy(self.landing.local_path(part.key), target, on_bytes)
                fault = "" if digest(target) == part.sha256 else "differs from what landed"
            except FileNotFoundError:
                fault = "is gone, but its load's manifest is not"
            if fault:
                remedy = "Put it back from an older backup with its landing, or back up without --with-landing."
                raise StrataError(f"Landing: {part.key} {fault}.", remedy)
            self.landing.release(part.key.rpartition("/")[0] + "/")

    def _manifest(
        self, backup_id: str, moment: Moment, draft: Path, loads: list[LandedLoad], parts: list[Part]
    ) -> BackupManifest:
        paths = sorted(path for path in draft.rglob("*") if path.is_file())
        on_bytes = counting(self.tell, "computing checksums", sum(path.stat().st_size for path in paths))
        outside = control.left_out(self.settings)
        return BackupManifest(
            backup_id=backup_id,
            taken_at=moment.taken_at,
            home=str(self.settings.home),
            ledger_seq=moment.ledger_seq,
            held_seconds=moment.held_seconds,
            versions=versions(moment.control_revision),
            files=tuple(_listed(draft, paths, on_bytes)),
            landing=LandingList(
                loads=len(loads),
                files=len(parts),
                bytes=sum(part.bytes for part in parts),
                gone=len(moment.landed) - len(loads),
                included=self.wanted.with_landing,
            ),
            secrets=tuple(secret_files(self.settings.home)),
            secrets_included=self.wanted.with_secrets,
            left_out=tuple(moment.left_out + ([outside] if outside else [])),
        )


def versions(control_revision: str | None) -> Versions:
    """Return this program's versions."""
    platform = {table: list(columns) for table, columns in PLATFORM_TABLES.items()}
    return Versions(program=program_version(), duckdb=duckdb.__version__, platform=platform, control=control_revision)


def _listed(draft: Path, paths: list[Path], on_bytes: OnBytes) -> Iterator[BackedUpFile]:
    for path in paths:
        flush(path)
        name = path.relative_to(draft).as_posix()
        yield BackedUpFile(path=name, bytes=path.stat().st_size, sha256=digest(path, on_bytes))
