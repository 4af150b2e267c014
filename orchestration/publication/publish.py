"""Publishes tables: an immutable Parquet version, its row in the log, and then the pointer.

The file is complete before the log's transaction commits; the pointer moves after it, and
the log's copy for deliveries follows. Whatever a crash interrupts, the log says what was
published, and the others are mended from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice, pairwise
from pathlib import Path

import duckdb

from orchestration import names
from orchestration.failures import StrataError
from orchestration.names import Table
from orchestration.parquet_files import parquet_relation
from orchestration.publication import log
from orchestration.publication.differences import Differences, count_differences
from orchestration.publication.exported import export_logs
from orchestration.publication.holding import hold, read_up_to, version_file
from orchestration.publication.log import PublishedVersion
from orchestration.publication.pointer import Pointer, move_pointers, read_pointer, table_folder
from orchestration.publication.telling import find, tell
from orchestration.runtime import Runtime
from orchestration.settings import Settings
from orchestration.telemetry import current_traceparent
from orchestration.warehouse.clock import utc_now
from orchestration.warehouse.protocol import Session

READERS_LEAVE_AFTER = timedelta(minutes=10)
"""A version is deleted no sooner than this after a newer one took its place: a reader may be in it."""


def publish(
    session: Session,
    runtime: Runtime,
    tables: Iterable[Table],
    keys: Mapping[Table, Sequence[str]],
    build_id: str,
) -> list[PublishedVersion]:
    """Publish what differs from its last version, all of it in one transaction; returns the new versions.

    ``keys`` are by table; a table without one is compared row by row.

    Raises:
        StrataError: a table is not in the warehouse.
    """
    settings = runtime.settings
    mend_pointers(session, settings)
    tables = list(tables)
    found = find(session, settings, tables)
    with session.transaction():
        versions = [
            version
            for table in tables
            if (version := _publish_table(session, settings, table, tuple(keys.get(table, ())), build_id))
        ]
        tell(session, settings, versions, found)
    _move(settings, versions)
    export_logs(session, settings)
    _forget(session, settings, [version.table for version in versions])
    return versions


def mend_pointers(session: Session, settings: Settings) -> list[Table]:
    """Move pointers that a crash left behind the log; returns their tables."""
    behind = [version for version in log.newest(session, settings) if _is_behind(settings, version)]
    _move(settings, behind)
    return [version.table for version in behind]


def _is_behind(settings: Settings, version: PublishedVersion) -> bool:
    try:
        pointer = read_pointer(settings, version.table)
    except StrataError:
        return True
    return pointer is None or pointer.version != version.version


def _publish_table(
    session: Session, settings: Settings, table: Table, key: tuple[str, ...], build_id: str
) -> PublishedVersion | None:
    if not session.columns(table):
        raise StrataError(f"{'.'.join(table)} is not in the warehouse.", "Build it first, then publish.")
    last = next(iter(log.versions(session, settings, table, 1)), None)
    # From another engine each table is fetched once, for the comparison and the file.
    with session.working_copy(table):
        written = _write_version(session, settings, table, last, key)
    if written is None:
        return None
    path, rows, differences = written
    version = PublishedVersion(
        seq=log.next_seq(session),
        table=table,
        version=last.version + 1 if last else 1,
        rows=rows,
        inserted=differences.inserted,
        updated=differences.updated,
        deleted=differences.deleted,
        path=path,
        published_at=utc_now(),
        build_id=build_id,
        key=key,
        traceparent=current_traceparent(),
    )
    log.append(session, settings, version)
    return version


def _write_version(
    session: Session, settings: Settings, table: Table, last: PublishedVersion | None, key: tuple[str, ...]
) -> tuple[Path, int, Differences] | None:
    """Write the next version where something differs; returns its file, its rows and what differs."""
    differences = _differences(session, table, last, _columns(session, names.qualified(table)), key)
    if last and not differences:
        return None
    path = table_folder(settings, table) / version_file(last.version + 1 if last else 1)
    rows = _write(session, table, path)
    return path, rows, differences or Differences(rows, 0, 0)


def _differences(
    session: Session, table: Table, last: PublishedVersion | None, columns: Mapping[str, str], key: tuple[str, ...]
) -> Differences | None:
    """Return ``None`` for a first version; where columns changed, every row of both versions differs."""
    if last is None:
        return None
    old = parquet_relation(last.path)
    if not last.path.exists() or _columns(session, old) != columns:
        rows = session.execute(f"SELECT count(*) FROM {names.qualified(table)}")[0][0]
        # A new shape is a new version even of an empty table.
        return Differences(rows, 0, max(last.rows, 1))
    return count_differences(session, names.qualified(table), old, list(columns), key)


def _columns(session: Session, relation: str) -> dict[str, str]:
    """Return names and types of a relation's columns; empty when there is none."""
    try:
        return {row[0]: row[1] for row in session.execute(f"DESCRIBE SELECT * FROM {relation}")}
    except duckdb.CatalogException:
        return {}


def _write(session: Session, table: Table, path: Path) -> int:
    """Write the version under a draft's name: a file that a crash left half-written is never one.

    Tenants lie one after the other, so that who reads one skips the others' row groups. Measured on 5 million rows
    of 1,000 tenants: 0.01 s of CPU instead of 0.36 s for each read, for 2.4 s more at publication.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    copied = session.execute(
        f"COPY (SELECT * FROM {names.qualified(table)}{_by_tenant(session, table)}) TO {names.literal(str(draft))} "
        "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    )
    draft.replace(path)
    return int(copied[0][0])


def _by_tenant(session: Session, table: Table) -> str:
    """Return the order of a version's rows; with one tenant there is nothing to gain by it."""
    if names.TENANT not in _columns(session, names.qualified(table)):
        return ""
    tenant = names.quote(names.TENANT)
    several = session.execute(f"SELECT min({tenant}) <> max({tenant}) FROM {names.qualified(table)}")[0][0]
    return f" ORDER BY {tenant}" if several else ""


def _move(settings: Settings, versions: Iterable[PublishedVersion]) -> None:
    if pointers := {version.table: _pointer_to(settings, version) for version in versions}:
        move_pointers(settings, pointers)


def _pointer_to(settings: Settings, version: PublishedVersion) -> Pointer:
    return Pointer(
        version=version.version,
        path=version.path.relative_to(settings.published_dir).as_posix(),
        rows=version.rows,
        published_at=version.published_at,
        build_id=version.build_id,
    )


def _forget(session: Session, settings: Settings, tables: Collection[Table]) -> None:
    """Delete files of versions beyond the number kept; their rows in the log stay.

    Those that deliveries have not read yet, or compare the next one with, keep a second name.
    """
    read = read_up_to(settings)
    for table in tables:
        history = log.versions(session, settings, table, settings.published_versions + 50)
        for newer, old in islice(pairwise(history), settings.published_versions - 1, None):
            if utc_now() - newer.published_at > READERS_LEAVE_AFTER:
                if read is not None and newer.seq > read:
                    hold(settings, table, old.version)
                old.path.unlink(missing_ok=True)
