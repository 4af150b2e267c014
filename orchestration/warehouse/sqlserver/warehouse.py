"""SQL Server as the warehouse: sessions of threads, and the locks of those who write.

Who writes has the writer's lock: alone, or beside others who share it. A load shares it, and has a lock of its
own place besides; whatever else writes is alone.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from orchestration.failures import Busy
from orchestration.settings import Settings
from orchestration.warehouse.protocol import Interrupted, NotAlone
from orchestration.warehouse.restoring import refuse_half_restored
from orchestration.warehouse.sqlserver.applock import WRITER, Mode, give, load_lock_name, modes_of, take
from orchestration.warehouse.sqlserver.beside import Beside
from orchestration.warehouse.sqlserver.connecting import Connection, connect, renew
from orchestration.warehouse.sqlserver.session import SqlServerSession


@dataclass(frozen=True)
class _Hold:
    """The locks that a thread has, on a connection that does nothing else."""

    connection: Connection
    locks: Mapping[str, Mode]

    @property
    def is_alone(self) -> bool:
        return self.locks[WRITER] == "Exclusive"


class SqlServerWarehouse:
    """A database of SQL Server or Azure SQL."""

    is_embedded: ClassVar[bool] = False

    def __init__(self, settings: Settings) -> None:
        """Remember where it is; connect to nothing."""
        self._settings = settings
        self._open = threading.local()
        self._beside = Beside(settings)
        # By process: a connection does not survive a fork.
        self._idle: dict[tuple[int, str], list[Connection]] = defaultdict(list)

    @contextmanager
    def exclusive(self, purpose: str) -> Iterator[None]:
        """Hold the writer's lock on the server, which every process of this warehouse asks for, wherever it runs."""
        with self._holding(purpose, {WRITER: "Exclusive"}):
            yield

    @contextmanager
    def _holding(self, purpose: str, locks: Mapping[str, Mode]) -> Iterator[_Hold]:
        """Hold locks, taken in this order; a thread that is alone has them all, one beside others gets no more."""
        held: _Hold | None = getattr(self._open, "held", None)
        if held:
            if not held.is_alone:
                raise NotAlone(f"{purpose}: it needs the warehouse alone, within a load beside others.")
            yield held
            return
        refuse_half_restored(self._settings)
        with self._connection("holder") as holder:
            for name, mode in locks.items():
                self._take(holder, name, mode, purpose)
            self._open.held = _Hold(holder, locks)
            try:
                yield self._open.held
            finally:
                self._open.held = None
                _give_back(holder, locks)

    def _take(self, holder: Connection, name: str, mode: Mode, purpose: str) -> None:
        wait = self._settings.lock_wait_seconds
        if not take(holder, name, mode, "Session", wait):
            whom = "the warehouse's writer" if name == WRITER else "another load of the same"
            message = f"{purpose}: waited {wait:g} s for {whom}."
            raise Busy(message, "Try again when it is done, or raise STRATA_LOCK_WAIT_SECONDS.")

    @contextmanager
    def _connection(self, role: str) -> Iterator[Connection]:
        """Yield a connection for a role; it stays open for the next one, unless something failed in it.

        Any thread's next one: measured on Babelfish, the first statements of a new connection take seconds, and
        loads side by side would each pay for them.
        """
        idle = self._idle[os.getpid(), role]
        connection = None
        with suppress(IndexError):
            connection = idle.pop()
        if connection is None or not renew(connection):
            connection = connect(self._settings)
        try:
            yield connection
        except BaseException:
            with suppress(Exception):
                connection.close()
            raise
        if renew(connection):
            idle.append(connection)

    def _still_holds(self) -> None:
        """Make sure of the locks before a commit: the server gives them to the next when their connection breaks.

        Raises:
            Interrupted: one is lost; somebody else may be writing.
        """
        held: _Hold = self._open.held
        if modes_of(held.connection, held.locks) != held.locks:
            raise Interrupted("SQL Server: the writer's lock was lost before the commit.", "The step can be run again.")

    @contextmanager
    def session(self, purpose: str, beside: str | None = None) -> Iterator[SqlServerSession]:
        """Hold the writer's lock and a connection; within a session of the same thread, that very session."""
        current: SqlServerSession | None = getattr(self._open, "session", None)
        if current and (current.is_alone or beside is not None):
            yield current
            return
        with (
            self._holding(purpose, _locks(beside)) as held,
            self._beside.database() as con,
            self._connection("session") as remote,
        ):
            self._open.session = SqlServerSession(
                con,
                remote,
                self._still_holds,
                connect=partial(connect, self._settings),
                is_alone=held.is_alone,
                wait_seconds=self._settings.lock_wait_seconds,
            )
            try:
                yield self._open.session
            finally:
                self._open.session = None

    @contextmanager
    def reading(self, purpose: str) -> Iterator[SqlServerSession]:  # noqa: ARG002 - nobody waits for it
        """Look at what is committed; who writes is not waited for, and does not wait."""
        with self._beside.database() as con, self._connection("reader") as remote:
            yield SqlServerSession(con, remote, self._still_holds, is_alone=False)


def _give_back(holder: Connection, names: Iterable[str]) -> None:
    """Give locks back; a connection that cannot is closed, for whoever had it next would have them."""
    try:
        give(holder, names)
    except Exception:  # noqa: BLE001 - what the block raised is the one to tell, and it may be gone
        with suppress(Exception):
            holder.close()


def _locks(beside: str | None) -> dict[str, Mode]:
    """Return the locks of a session in the order in which they are taken, which is the same for all."""
    if beside is None:
        return {WRITER: "Exclusive"}
    own: dict[str, Mode] = {load_lock_name(beside): "Exclusive"} if beside else {}
    return {WRITER: "Shared", **own}
