"""One org's records, in a SQLite file: a table for each object, and the log of what was deleted.

Instants are stored as ``2026-11-21T11:42:03`` in UTC, to the second as Salesforce keeps
them, so that text order is time order; numbers with decimals as their exact text;
booleans as 0 and 1. The file is written by whoever advances the world and read by the
server, at the same time (WAL).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.names import quote
from source_systems.salesforce.simulator.schema import COMPOUND, OBJECTS, Field, SObject

STAMP_FORMAT = "%Y-%m-%dT%H:%M:%S"
_BUSY_SECONDS = 30.0


class Records:
    """An open org file; use it in one thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use an open connection in autocommit mode."""
        self.connection = connection
        self.objects = _objects(self.fact("objects"))

    def fact(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """Return something that is remembered of the org itself, or ``None``."""
        row = self.connection.execute("SELECT value FROM meta WHERE name = ?", [name]).fetchone()
        return json.loads(row[0]) if row else None

    def remember(self, name: str, value: object) -> None:
        """Keep something about the org itself."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [name, json.dumps(value)])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything in the block visible at once, or nothing of it."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def put(self, sobject: str, row: Mapping[str, Any]) -> None:
        """Write fields of a record, which is made when there is none; fields that the object lacks are left out."""
        known = {field.name for field in self.objects[sobject].fields}
        values = {name: stored(value) for name, value in row.items() if name in known}
        columns = ", ".join(quote(name) for name in values)
        changes = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in values)
        self.connection.execute(
            f"INSERT INTO {quote(sobject)} ({columns}) VALUES ({', '.join('?' * len(values))}) "
            f"ON CONFLICT (Id) DO UPDATE SET {changes}",
            list(values.values()),
        )

    def purge(self, sobject: str, key: str) -> None:
        """Remove a record for good."""
        self.connection.execute(f"DELETE FROM {quote(sobject)} WHERE Id = ?", [key])

    def log_deletion(self, sobject: str, key: str, moment: datetime) -> None:
        """Note when a record went into the recycle bin, or was gone; the first time counts."""
        values = [sobject, key, stored(moment)]
        self.connection.execute("INSERT OR IGNORE INTO deleted VALUES (?, ?, ?)", values)

    def forget_deletion(self, sobject: str, key: str) -> None:
        """Take back that a record was deleted, because it is alive: it was restored from the recycle bin."""
        self.connection.execute("DELETE FROM deleted WHERE sobject = ? AND id = ?", [sobject, key])

    def change_object(self, changed: SObject) -> None:
        """Give an object other fields; a field that is new has no values yet."""
        present = {row[1] for row in self.connection.execute(f"PRAGMA table_info({quote(changed.name)})")}
        for field in changed.fields:
            if field.name not in present and field.type not in COMPOUND:
                self.connection.execute(f"ALTER TABLE {quote(changed.name)} ADD COLUMN {quote(field.name)}")
        self.objects[changed.name] = changed
        self.remember("objects", {name: asdict(item) for name, item in self.objects.items()})


@contextmanager
def open_records(path: Path) -> Iterator[Records]:
    """Open an org file, made new when there is none."""
    is_new = not path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        if is_new:
            _create(connection)
        yield Records(connection)
    finally:
        connection.close()


def stored(value: Any) -> str | int | None:  # noqa: ANN401 - any field's value
    """Return a value as the file keeps it."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime(STAMP_FORMAT)
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str):
        return value
    return int(value)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT)")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS deleted (sobject TEXT, id TEXT, moment TEXT, PRIMARY KEY (sobject, id))"
    )
    connection.execute("CREATE INDEX IF NOT EXISTS deleted_moment ON deleted (sobject, moment)")
    for item in OBJECTS.values():
        columns = ", ".join(quote(field.name) for field in item.fields if field.type not in COMPOUND)
        table = quote(item.name)
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns}, PRIMARY KEY (Id))")
        index = quote(f"{item.name}_stamp")
        connection.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {table} (SystemModstamp, Id)")
    connection.execute("COMMIT")


def _objects(kept: Mapping[str, Any] | None) -> dict[str, SObject]:
    if kept is None:
        return dict(OBJECTS)
    return {
        name: SObject(**{**item, "fields": tuple(Field(**field) for field in item["fields"])})
        for name, item in kept.items()
    }
