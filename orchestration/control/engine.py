"""Engines: what each kind of database needs before it is safe to share."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import msgspec
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from orchestration import telemetry
from orchestration.failures import SettingsError

WRITES = "strata_writes"
"""The execution option of a connection that will write: on SQLite its transaction takes the writer's place at once."""

_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mssql": "mssql+mssqlpython",
    "mssql+mssqlpython": "mssql+mssqlpython",
    "mssql+pyodbc": "mssql+pyodbc",
}
_FORMS = "Forms: sqlite:////path/control.db, postgresql+psycopg://user:password@host/db, mssql+mssqlpython://…"


def parse(text: str) -> URL:
    """Read the URL of a control plane.

    Raises:
        SettingsError: it is none, or of a kind that is not supported; the URL, which holds a password, is not quoted.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # the second where a port is no number, and it quotes the password
        raise SettingsError("STRATA_CONTROL_URL is no database URL.", _FORMS) from None
    if url.drivername not in _DRIVERS:
        raise SettingsError(f"STRATA_CONTROL_URL: {url.drivername!r} is not supported.", _FORMS)
    return url.set(drivername=_DRIVERS[url.drivername])


def make_engine(url: URL, wait_seconds: float) -> Engine:
    """Make an engine; it connects when it is first used. ``wait_seconds``: how long a writer waits for another."""
    engine = _KINDS[url.get_backend_name()](url, wait_seconds)
    telemetry.watch_database(engine)
    return engine


def _create(url: URL, **options: Any) -> Engine:  # noqa: ANN401 - SQLAlchemy's own
    return create_engine(url, hide_parameters=True, json_deserializer=_decoded, **options)


def _decoded(text: str | bytes) -> Any:  # noqa: ANN401 - whatever was stored
    """Read JSON in a tenth of the time that Python's own takes for an event: a worker reads thousands a second."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)  # NaN is no JSON, but what Python's own writes


def _sqlite(url: URL, wait_seconds: float) -> Engine:
    # A file is opened in a fraction of a millisecond; a kept handle would outlive a restored file and a fork.
    engine = _create(url, poolclass=NullPool, connect_args={"timeout": wait_seconds})

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        # What is removed is overwritten: a removed tenant stays in no free page of the file.
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON", "recursive_triggers=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that turns to writing fails at once when another wrote meanwhile, without waiting.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL, wait_seconds: float) -> Engine:
    engine = _create(
        url,
        pool_pre_ping=True,
        pool_size=2,
        max_overflow=8,
        pool_reset_on_return=None,  # the event below does it, and more
        # DISCARD ALL forgets prepared statements, so none is worth making.
        connect_args={"prepare_threshold": None, "connect_timeout": 10},
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - a psycopg connection
        connection.execute(f"SET lock_timeout = {int(wait_seconds * 1000)}")
        connection.commit()

    @event.listens_for(engine, "reset")
    def _reset(connection: Any, _record: object, state: Any) -> None:  # noqa: ANN401
        """Let nothing of one tenant's session survive to the next: neither settings, roles nor temporary tables."""
        if state.terminate_only:
            return
        connection.rollback()
        connection.autocommit = True  # DISCARD ALL is refused inside a transaction
        connection.execute("DISCARD ALL")
        connection.execute(f"SET lock_timeout = {int(wait_seconds * 1000)}")
        connection.autocommit = False

    return engine


def _sqlserver(url: URL, _wait_seconds: float) -> Engine:
    if url.get_driver_name() == "pyodbc":
        _prepare_pyodbc()
    return _create(url, pool_pre_ping=True, pool_size=2, max_overflow=8)


def _prepare_pyodbc() -> None:
    try:
        import pyodbc  # noqa: PLC0415 - needs a system library that few have
    except ImportError as error:
        message = f"STRATA_CONTROL_URL: the driver pyodbc cannot be loaded ({error})."
        raise SettingsError(
            message, "Install unixODBC, or take mssql+mssqlpython://, whose driver comes along."
        ) from None
    # The driver manager's pool hands connections on without a reset; SQLAlchemy's own is the only one.
    pyodbc.pooling = False


_KINDS = {"sqlite": _sqlite, "postgresql": _postgresql, "mssql": _sqlserver}
