"""The publication log: one row for each version of each table, written in the data's transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.names import Table
from orchestration.settings import Settings
from orchestration.warehouse.clock import aware, stored
from orchestration.warehouse.platform import platform_table
from orchestration.warehouse.protocol import Row, Session

LOG = platform_table("publication_log")
_COLUMNS = (
    "seq, schema_name, table_name, version, rows, inserted, updated, deleted, path, published_at, build_id, "
    "key_columns, traceparent"
)


@dataclass(frozen=True)
class PublishedVersion:
    """One version of a table; the differences are those to the version before, by ``key``. ``path`` is absolute.

    ``traceparent`` names the trace of the build that published it, if there is one.
    """

    seq: int
    table: Table
    version: int
    rows: int
    inserted: int
    updated: int
    deleted: int
    path: Path
    published_at: datetime
    build_id: str
    key: tuple[str, ...] = ()
    traceparent: str = ""


def next_seq(session: Session) -> int:
    """Draw the next number; valid within the transaction that appends it."""
    return int(session.execute(f"SELECT coalesce(max(seq), 0) + 1 FROM {LOG}")[0][0])


def append(session: Session, settings: Settings, version: PublishedVersion) -> None:
    """Write a version's row; paths are kept relative, so that the whole home can be moved."""
    relative = version.path.relative_to(settings.published_dir).as_posix()
    session.execute(
        f"INSERT INTO {LOG} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            version.seq, *version.table, version.version, version.rows, version.inserted, version.updated,
            version.deleted, relative, stored(version.published_at), version.build_id,
            json.dumps(version.key), version.traceparent,
        ],
    )  # fmt: skip


def newest(session: Session, settings: Settings) -> list[PublishedVersion]:
    """Return the newest version of every published table."""
    only = "QUALIFY row_number() OVER (PARTITION BY schema_name, table_name ORDER BY version DESC) = 1"
    return [read_version(settings, row) for row in session.execute(f"SELECT {_COLUMNS} FROM {LOG} {only}")]


def versions(session: Session, settings: Settings, table: Table, limit: int) -> list[PublishedVersion]:
    """Return the newest versions of a table, newest first."""
    where = "WHERE schema_name = ? AND table_name = ? ORDER BY version DESC LIMIT ?"
    rows = session.execute(f"SELECT {_COLUMNS} FROM {LOG} {where}", [*table, limit])
    return [read_version(settings, row) for row in rows]


def read_version(settings: Settings, row: Row) -> PublishedVersion:
    """Return a row of the log, its columns in the log's order, as a version."""
    seq, schema, table, version, rows, inserted, updated, deleted, path, published_at, build_id, key, traceparent = row
    return PublishedVersion(
        seq=seq,
        table=(schema, table),
        version=version,
        rows=rows,
        inserted=inserted,
        updated=updated,
        deleted=deleted,
        path=settings.published_dir / path,
        published_at=aware(published_at),
        build_id=build_id,
        # Empty in versions that an older program published.
        key=tuple(json.loads(key or "[]")),
        traceparent=traceparent or "",
    )
