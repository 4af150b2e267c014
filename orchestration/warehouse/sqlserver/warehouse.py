"""SQL Server as the warehouse: sessions of threads, and the one lock of those who write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import ClassVar

from orchestration.failures import Busy
from orchestration.settings import Settings
from orchestration.warehouse.protocol import Interrupted
from orchestration.warehouse.restoring import refuse_half_restored
from orchestration.warehouse.sqlserver.beside import Beside
from orchestration.warehouse.sqlserver.connecting import Connection, connect, renew
from orchestration.warehouse.sqlserver.errors import told
from orchestration.warehouse.sqlserver.session import SqlServerSession

_TAKE = """
DECLARE @taken int;
DECLARE @name nvarchar(255) = ? + DB_NAME();
EXEC @taken = sp_getapplock @Resource = @name, @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = ?;
SELECT @taken;"""
_GIVE = """
DECLARE @name nvarchar(255) = ? + DB_NAME();
EXEC sp_releaseapplock @Resource = @name, @LockOwner = 'Session';"""
_MODE = "SELECT APPLOCK_MODE('public', ? + DB_NAME(), 'Session')"
WRITER = "strata writer of "
"""Of which database, is said too: Babelfish has one set of names for all of a server's."""


class SqlServerWarehouse:
    """A database of SQL Server or Azure SQL."""

    is_embedded: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        """Remember where it is; connect to nothing."""
        self._settings = settings
        self._open = threading.local()
        self._beside = Beside(settings)

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the writer's lock on the server, which every process of this warehouse asks for, wherever it runs."""
        if getattr(self._open, "locked", None):
            yield
            return
        refuse_half_restored(self._settings)
        with self._connection("holder") as holder:
            self._take(holder, purpose)
            self._open.locked = holder
            try:
                yield
            finally:
                self._open.locked = None
                with suppress(Exception):  # a connection that is gone has given its lock back
                    holder.cursor().execute(_GIVE, WRITER)

    @contextmanager
    def _connection(self, role: str) -> Iterator[Connection]:
        """Yield this thread's connection for a role; it stays open for the next one, unless something failed in it."""
        kept: dict[str, Connection] = self._open.__dict__.setdefault("kept", {})
        connection = kept.pop(role, None)
        if connection is None or not renew(connection):
            connection = connect(self._settings)
        try:
            yield connection
        except BaseException:
            with suppress(Exception):
                connection.close()
            raise
        if renew(connection):
            kept[role] = connection

    def _take(self, connection: Connection, purpose: str) -> None:
        """Take the lock for as long as the connection lives."""
        wait = int(self._settings.lock_wait_seconds * 1000)
        cursor = connection.cursor()
        with told(_TAKE):
            cursor.execute(_TAKE, WRITER, max(wait, 1))
            while cursor.description is None and cursor.nextset():
                pass  # where it waited in vain, Babelfish gives something without columns first
            (taken,) = cursor.fetchall()[0]
        if taken < 0:
            message = f"{purpose}: waited {self._settings.lock_wait_seconds:g} s for the warehouse's writer."
            raise Busy(message, "Try again when it is done, or raise STRATA_LOCK_WAIT_SECONDS.")

    def _still_holds(self) -> None:
        """Make sure of the lock before a commit: the server gives it to the next when its connection breaks.

        Raises:
            Interrupted: it is lost; somebody else may be writing.
        """
        with told(_MODE):
            ((mode,),) = self._open.locked.cursor().execute(_MODE, WRITER).fetchall()
        if mode != "Exclusive":
            raise Interrupted("SQL Server: the writer's lock was lost before the commit.", "The step can be run again.")

    @contextmanager
    def session(self, purpose: str) -> Iterator[SqlServerSession]:
        """Hold the writer's lock and a connection; within a session of the same thread, that very session."""
        current: SqlServerSession | None = getattr(self._open, "session", None)
        if current:
            yield current
            return
        with self.exclusive(purpose), self._beside.database() as con, self._connection("session") as remote:
            another = partial(connect, self._settings)
            self._open.session = SqlServerSession(con, remote, self._still_holds, connect=another)
            try:
                yield self._open.session
            finally:
                self._open.session = None

    @contextmanager
    def reading(self, purpose: str) -> Iterator[SqlServerSession]:  # noqa: ARG002 - nobody waits for it
        """Look at what is committed; who writes is not waited for, and does not wait."""
        with self._beside.database() as con, self._connection("reader") as remote:
            yield SqlServerSession(con, remote, self._still_holds)
