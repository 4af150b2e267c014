"""Connections to SQLite's file that outlive their transaction, for who has many in a row.

A fresh one reads every page and prepares every statement anew, which was a fifth of a turn of the queue; and whoever
closes the last one copies the log back and syncs. What keeps connections to servers is their engine's pool.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine

_FILE = "strata_file"


@dataclass(frozen=True)
class KeptConnections:
    """Connections that nobody uses right now; there are some only while somebody asks for it."""

    engine: Engine
    _idle: deque[Connection] = field(default_factory=deque)
    _askers: list[object] = field(default_factory=list)

    @contextmanager
    def asked_for(self) -> Iterator[None]:
        """Keep connections until the block ends, and for as long as others ask for it."""
        asker = object()
        self._askers.append(asker)
        try:
            yield
        finally:
            self._askers.remove(asker)
            self._close_unless_asked_for()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield a connection for this block alone; a kept one only if the same file is still in its place."""
        connection = self._kept() or self._opened()
        try:
            yield connection
        finally:
            self._idle.append(connection)
            self._close_unless_asked_for()

    def _kept(self) -> Connection | None:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            file = self._file()
            if file is not None and not connection.invalidated and connection.info[_FILE] == file:
                return connection
            connection.close()
        return None

    def _opened(self) -> Connection:
        # Looked at before: of a file that is put in its place meanwhile, this one's handle is then not kept.
        file = self._file()
        connection = self.engine.connect()
        connection.info[_FILE] = file
        return connection

    def _close_unless_asked_for(self) -> None:
        while self._idle and not self._askers:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    def _file(self) -> tuple[int, int] | None:
        """Return the device and the inode of the database; after a restore the same path is another file."""
        try:
            found = Path(self.engine.url.database or "").stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
