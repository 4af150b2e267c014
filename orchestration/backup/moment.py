"""The one moment that a backup shows: what is copied, or held fast, while the writer's lock is held.

Everything that changes is copied here; what never changes (published versions, landing)
only gets a second name, so that nothing deletes it before it is copied afterwards.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from orchestration.backup import control
from orchestration.backup.copying import copy
from orchestration.backup.landed import Ledgered, ledgered_loads
from orchestration.backup.progress import OnProgress, Progress, counting
from orchestration.backup.secret_files import is_secret, secret_files
from orchestration.bronze.ledger import LEDGER
from orchestration.failures import StrataError
from orchestration.publication import log
from orchestration.publication.files import link_or_copy
from orchestration.publication.holding import held_files
from orchestration.publication.publish import mend_pointers
from orchestration.settings import Settings
from orchestration.warehouse import Session, apply, open_warehouse
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.lock import held
from orchestration.warehouse.restoring import refuse_half_restored

WORLD = "simulation/world.json"
"""The simulated company's day: its databases follow from it."""
_SERVER = (
    "the warehouse (SQL Server): restore it with the server's own means, to the moment that this backup names "
    "or a later one, before `strata restore`. Azure SQL keeps every moment by itself; elsewhere: "
    "BACKUP DATABASE … TO DISK = '…' WITH CHECKSUM"
)


@dataclass(frozen=True)
class Moment:
    """What was found. ``pinned`` holds published files that are still to be copied, as they lie below the home."""

    taken_at: datetime
    held_seconds: float
    ledger_seq: int
    landed: list[Ledgered]
    control_revision: str | None
    pinned: Path
    left_out: list[str] = field(default_factory=list)


@contextmanager
def captured(settings: Settings, draft: Path, *, with_secrets: bool, tell: OnProgress) -> Iterator[Moment]:
    """Copy what changes into the draft; for the block, what does not change is held fast.

    Raises:
        Busy: the warehouse was not free in time; names who holds it.
        StrataError: the warehouse or the control plane is damaged.
    """
    pinned = settings.scratch_dir / "backup"
    shutil.rmtree(pinned, ignore_errors=True)
    try:
        yield _Taking(settings, draft, pinned, tell).run(with_secrets=with_secrets)
    finally:
        shutil.rmtree(pinned, ignore_errors=True)


@dataclass(frozen=True)
class _Taking:
    settings: Settings
    draft: Path
    pinned: Path
    tell: OnProgress

    def run(self, *, with_secrets: bool) -> Moment:
        settings = self.settings
        lock = settings.locks_dir / "warehouse.lock"
        with held(lock, "strata backup", settings.lock_wait_seconds, self._waits):
            refuse_half_restored(settings)
            began, taken_at = time.monotonic(), utc_now()
            with open_warehouse(settings).session("strata backup") as session:
                apply.apply(session)
                seq, landed = self._ledger(session)
                missing = self._published(session)
                if session.is_embedded:
                    session.execute("CHECKPOINT")
                else:
                    missing.append(_SERVER)
            revision = self._control()
            self._small_files(with_secrets=with_secrets)
            if _SERVER not in missing:
                self._warehouse()
            seconds = time.monotonic() - began
        return Moment(taken_at, seconds, seq, landed, revision, self.pinned, missing)

    def _waits(self, holder: str) -> None:
        self.tell(Progress(f"waiting for the warehouse, held by {holder}", waiting=True))

    def _ledger(self, session: Session) -> tuple[int, list[Ledgered]]:
        (seq,) = session.execute(f"SELECT coalesce(max(seq), 0) FROM {LEDGER}")[0]
        return int(seq), ledgered_loads(session)

    def _published(self, session: Session) -> list[str]:
        """Hold every version fast; returns in words what the log knows and the folder lacks."""
        mend_pointers(session, self.settings)
        root = self.settings.published_dir
        for path in sorted((*root.glob("*/*/v*.parquet"), *held_files(self.settings), *root.glob("*/*/current.json"))):
            link_or_copy(path, self.pinned / "published" / path.relative_to(root))
        newest = [version for version in log.newest(session, self.settings) if not version.path.exists()]
        return [f"{'.'.join(version.table)}: {version.path} was gone already" for version in newest]

    def _control(self) -> str | None:
        source = self.settings.control_file
        if self.settings.control_url is not None or not source.exists():
            return None
        return control.copy_control(source, self.draft / "control" / "control.db")

    def _small_files(self, *, with_secrets: bool) -> None:
        home = self.settings.home
        chosen = [WORLD] if (home / WORLD).exists() else []
        for name in chosen + (secret_files(home) if with_secrets else []):
            copy(home / name, self.draft / name)
            if is_secret(name):
                (self.draft / name).chmod(0o600)

    def _warehouse(self) -> None:
        source = self.settings.warehouse_file
        if source.with_name(source.name + ".wal").exists():
            raise StrataError(f"{source}: its log could not be written back.", "Open it once with DuckDB, and see.")
        on_bytes = counting(self.tell, "copying the warehouse", source.stat().st_size)
        copy(source, self.draft / "warehouse" / source.name, on_bytes)
