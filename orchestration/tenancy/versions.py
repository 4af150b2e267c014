"""Rewrites published versions, which hold the rows of several tenants, when rows have to go from all of them.

Versions are immutable to everybody else: a reader's rows never change under it, except that
what has to be forgotten is forgotten. A file takes its predecessor's place by rename, so a
reader sees the one or the other; the log's and the pointer's row counts follow. Whatever is
interrupted, the same call again finishes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from orchestration import names
from orchestration.names import Table
from orchestration.parquet_files import parquet_relation
from orchestration.publication.holding import HELD, held_files
from orchestration.publication.log import LOG
from orchestration.publication.pointer import move_pointer, read_pointer
from orchestration.settings import Settings
from orchestration.warehouse.protocol import Session


@dataclass(frozen=True)
class VersionFile:
    """One file of a published table; ``columns`` are names with DuckDB types, in order."""

    path: Path
    columns: dict[str, str]

    @property
    def table(self) -> Table:
        """The published table."""
        folder = self.path.parent.parent if self.is_held else self.path.parent
        return folder.parent.name, folder.name

    @property
    def is_held(self) -> bool:
        """Whether this is the name under which deliveries hold the version."""
        return self.path.parent.name == HELD

    @property
    def logged(self) -> Path:
        """The path that log and pointer know the version by."""
        return self.path.parent.parent / self.path.name if self.is_held else self.path

    @property
    def source(self) -> str:
        """SQL that goes after FROM."""
        return parquet_relation(self.path)


def version_files(session: Session, settings: Settings) -> Iterator[VersionFile]:
    """Yield every kept version of tables that tell tenants apart; of the newest and of all that are older.

    One that deliveries hold comes a second time, for a rewritten file leaves its second name behind.
    """
    for path in sorted((*settings.published_dir.glob("*/*/*.parquet"), *held_files(settings))):
        described = session.execute(f"DESCRIBE SELECT * FROM {parquet_relation(path)}")
        columns = {row[0]: row[1] for row in described}
        if names.TENANT in columns:
            yield VersionFile(path, columns)


def count(session: Session, file: VersionFile, condition: str) -> int:
    """Count the rows of a version that meet a condition."""
    return int(session.execute(f"SELECT count(*) FROM {file.source} WHERE {condition}")[0][0])


def rewrite(session: Session, settings: Settings, file: VersionFile, query: str) -> None:
    """Put the result of a query in a version's place, and its number of rows into log and pointer."""
    draft = file.path.with_suffix(".part")
    session.execute(
        f"COPY ({query}) TO {names.literal(str(draft))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    )
    draft.replace(file.path)
    correct_counts(session, settings, file)


def correct_counts(session: Session, settings: Settings, file: VersionFile) -> None:
    """Let log and pointer say how many rows a version has."""
    relative = file.logged.relative_to(settings.published_dir).as_posix()
    rows = count(session, file, "true")
    session.execute(f"UPDATE {LOG} SET rows = ? WHERE path = ? AND rows <> ?", [rows, relative, rows])
    pointer = read_pointer(settings, file.table)
    if pointer and pointer.path == relative and pointer.rows != rows:
        move_pointer(settings, file.table, msgspec.structs.replace(pointer, rows=rows))


def remove_drafts(settings: Settings) -> None:
    """Delete files that a killed publication left half-written; call it holding the writer's lock."""
    for pattern in ("*/*/*.part", f"*/*/{HELD}/*.part"):
        for draft in settings.published_dir.glob(pattern):
            draft.unlink(missing_ok=True)
