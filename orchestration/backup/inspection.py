"""Judges a backup before anything is touched: is it whole, byte for byte, and can this program read it?"""

from __future__ import annotations

from pathlib import Path

import duckdb
from packaging.version import Version

from orchestration.backup.copying import digest
from orchestration.backup.manifest import BackupManifest, read_backup
from orchestration.backup.progress import OnProgress, counting
from orchestration.backup.take import program_version
from orchestration.failures import SettingsError, StrataError
from orchestration.warehouse.platform import PLATFORM_TABLES


def inspect(folder: Path, tell: OnProgress) -> BackupManifest:
    """Return a backup's list after every file was compared with it.

    Raises:
        StrataError: it is no whole backup, or a file is gone or was changed; names it.
        SettingsError: a newer program made it.
    """
    manifest = read_backup(folder)
    _require_readable(manifest)
    on_bytes = counting(tell, "checking the backup", manifest.size)
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file():
            raise StrataError(f"{path} is missing from the backup.", _REMEDY)
        if digest(path, on_bytes) != file.sha256:
            raise StrataError(f"{path} was changed since it was written.", _REMEDY)
    return manifest


def is_older(control: str | None) -> bool:
    """Say whether a control plane of this revision has to be brought up before this program works with it."""
    if control is None:
        return False
    from orchestration.control.schema import HEAD  # noqa: PLC0415 - SQLAlchemy takes a while to import

    return control != HEAD


_REMEDY = "Nothing was touched. Use another backup."


def _require_readable(manifest: BackupManifest) -> None:
    for what, made_by, ours in (
        ("Strata", manifest.versions.program, program_version()),
        ("DuckDB", manifest.versions.duckdb, duckdb.__version__),
    ):
        if Version(made_by) > Version(ours):
            raise _newer(manifest, f"{what} {made_by}", f"{what} {ours}")
    for table, columns in manifest.versions.platform.items():
        unknown = [name for name in columns if name not in PLATFORM_TABLES.get(table, {})]
        if unknown:
            raise _newer(manifest, f"strata.{table} with {', '.join(unknown)}", "none")
    _require_known_control(manifest)


def _require_known_control(manifest: BackupManifest) -> None:
    if manifest.versions.control is None:
        return
    from orchestration.control.schema import HEAD, REVISIONS  # noqa: PLC0415 - SQLAlchemy takes a while to import

    if manifest.versions.control not in REVISIONS:
        raise _newer(manifest, f"control plane {manifest.versions.control}", f"control plane {HEAD}")


def _newer(manifest: BackupManifest, has: str, ours: str) -> SettingsError:
    message = f"{manifest.backup_id} was made by a newer program: it has {has}, this one {ours}."
    return SettingsError(message, "Install the program that made it, or a newer one; nothing was touched.")
