"""Builds the restored state beside the present one, as a home of its own, and has it opened before it counts.

Until it is whole, nothing of the present state is touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.backup.copying import copy, digest, flush_folders
from orchestration.backup.landed import last_ledgered
from orchestration.backup.manifest import BackupManifest
from orchestration.backup.progress import OnProgress, counting
from orchestration.backup.secret_files import is_secret, secret_files
from orchestration.failures import StrataError
from orchestration.landing.folder import flush
from orchestration.landing.manifest import Place
from orchestration.publication import log
from orchestration.publication.exported import export_logs
from orchestration.publication.pointer import pointer_path
from orchestration.publication.publish import mend_pointers
from orchestration.publication.status import write_status
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.warehouse.protocol import Session

LANDING = "landing"
"""Landing is a store that only grows: it is not replaced, but completed."""


@dataclass(frozen=True)
class Staged:
    """A home that is ready to be moved into place, and what its ledger and its publication log say."""

    home: Path
    tables: tuple[str, ...]
    last_ledgered: Mapping[Place, str]


def staging_folder(settings: Settings) -> Path:
    """Return where the restored state is built: on the home's own disk, so that a rename moves it."""
    return settings.home / "restoring"


def stage(runtime: Runtime, backup: Path, manifest: BackupManifest, tell: OnProgress) -> Staged:
    """Copy a backup's state; ``runtime`` is that of the staged home.

    Raises:
        StrataError: a file was changed since it was checked, or the copy cannot be opened.
    """
    home = runtime.settings.home
    shutil.rmtree(home, ignore_errors=True)
    files = [file for file in manifest.files if not file.path.startswith(f"{LANDING}/")]
    on_bytes = counting(tell, "copying the backup", sum(file.bytes for file in files))
    for file in files:
        path = home / file.path
        copy(backup / file.path, path, on_bytes)
        if digest(path) != file.sha256:
            raise StrataError(f"{backup / file.path} was changed while it was read.", "Nothing was touched.")
        if is_secret(file.path) or file.path.startswith("control/"):
            path.chmod(0o600)
    _keep_secrets(home.parent, home)
    with runtime.warehouse.session("strata restore") as session:
        tables = _agree(session, runtime.settings)
        write_status(session, runtime)
        export_logs(session, runtime.settings, thorough=True)
        ledgered = last_ledgered(session)
    _flush_all(home)
    return Staged(home, tables, ledgered)


def _agree(session: Session, settings: Settings) -> tuple[str, ...]:
    """Let a pointer stand for every table in the log whose version is there, and for none else; return the tables."""
    mend_pointers(session, settings)
    tables = []
    for version in log.newest(session, settings):
        if version.path.exists():
            tables.append("/".join(version.table))
        else:
            pointer_path(settings, version.table).unlink()
    return tuple(tables)


def _keep_secrets(present: Path, staged: Path) -> None:
    """Take over secrets that the backup does not hold, where the folder they lie in is about to be replaced."""
    for name in secret_files(present):
        if (staged / name.partition("/")[0]).exists() and not (staged / name).exists():
            copy(present / name, staged / name)
            (staged / name).chmod(0o600)


def _flush_all(home: Path) -> None:
    for path in home.rglob("*"):
        if path.is_file():
            flush(path)
    flush_folders(home)
