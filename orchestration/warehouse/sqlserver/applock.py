"""Application locks of the server: names that processes agree on, wherever they run.

Each belongs to one database: Babelfish has one set of names for all of a server's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Literal

from orchestration.warehouse.protocol import Interrupted
from orchestration.warehouse.sqlserver.connecting import Connection
from orchestration.warehouse.sqlserver.errors import told

Mode = Literal["Shared", "Exclusive"]
Owner = Literal["Session", "Transaction"]
WRITER = "strata writer"
NUMBERS = "strata numbers"

_TAKE = """
DECLARE @taken int;
DECLARE @name nvarchar(255) = ? + N' of ' + DB_NAME();
EXEC @taken = sp_getapplock @Resource = @name, @LockMode = ?, @LockOwner = ?, @LockTimeout = ?;
SELECT @taken;"""
_GIVE = """
DECLARE @name nvarchar(255) = ? + N' of ' + DB_NAME();
EXEC sp_releaseapplock @Resource = @name, @LockOwner = 'Session';"""
_MODE = "APPLOCK_MODE('public', ? + N' of ' + DB_NAME(), 'Session')"
_DEADLOCK, _LONGEST = -3, 80


def load_lock_name(place: str) -> str:
    """Return the name of the lock of a place's loads; with the database's it has to fit into 255 characters."""
    name = f"strata load {place}"
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]} {sha256(place.encode()).hexdigest()[:24]}"


def take(connection: Connection, name: str, mode: Mode, owner: Owner, wait_seconds: float) -> bool:
    """Take a lock until it is given back, or until the connection or its transaction ends; say whether it was free.

    Raises:
        Interrupted: the server ended a deadlock by refusing it.
    """
    cursor = connection.cursor()
    with told(_TAKE):
        cursor.execute(_TAKE, name, mode, owner, max(int(wait_seconds * 1000), 1))
        while cursor.description is None and cursor.nextset():
            pass  # where it waited in vain, Babelfish gives something without columns first
        (taken,) = cursor.fetchall()[0]
    if taken == _DEADLOCK:
        raise Interrupted(f"SQL Server: {name!r} was refused to end a deadlock.", "The step can be run again.")
    return bool(taken >= 0)


def give(connection: Connection, names: Iterable[str]) -> None:
    """Give back locks of the connection's."""
    with told(_GIVE):
        for name in names:
            connection.cursor().execute(_GIVE, name)


def modes_of(connection: Connection, names: Collection[str]) -> dict[str, str]:
    """Return the mode in which a connection holds each of these locks."""
    query = f"SELECT {', '.join([_MODE] * len(names))}"
    with told(query):
        found = connection.cursor().execute(query, *names).fetchall()[0]
    return dict(zip(names, map(str, found), strict=True))
