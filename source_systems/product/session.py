"""One signed-in session with a PostgreSQL server: SQL in, Arrow batches out, failures told by their class.

ADBC reads through COPY in binary form; nothing passes through Python row by row.
Addresses and passwords are kept out of every message.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import adbc_driver_manager
import adbc_driver_postgresql
import pyarrow as pa
from adbc_driver_postgresql import StatementOptions

from orchestration.failures import (
    AuthenticationFailed,
    ConnectionFailed,
    SchemaDrift,
    SettingsError,
    StrataError,
)
from source_systems.product.adbc import dbapi

BATCH_BYTES = 4 * 1024 * 1024
"""How much ADBC gathers before it hands over a batch; larger ones cost memory and were not faster."""
_CONNECT_SECONDS = 15
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "application_name": "strata",
    # Every statement is a transaction of its own, and so reads one snapshot.
    "default_transaction_isolation": "repeatable read",
    "default_transaction_read_only": "on",
}
_DRIVER_ERRORS = (adbc_driver_manager.Error, pa.ArrowException, OSError)
_REFUSED = ("password authentication failed", "no password supplied", "no pg_hba.conf entry", "role ", "SCRAM")


class Session:
    """A connection that reads only; ``label`` names it in messages."""

    def __init__(self, url: str, label: str) -> None:
        """Sign in.

        Raises:
            AuthenticationFailed, ConnectionFailed, SettingsError: without the address.
        """
        self._url, self._label = url, label
        self._connection: Any = None
        self._sign_in()

    def close(self) -> None:
        """End the session; whatever is asked next signs in again."""
        connection, self._connection = self._connection, None
        with suppress(*_DRIVER_ERRORS):
            if connection is not None:
                connection.close()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the few rows of a question about the catalogue."""
        self._sign_in()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                table: pa.Table = cursor.fetch_arrow_table()
        except _DRIVER_ERRORS as error:
            raise self._explained(error) from None
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Yield a query's batches from one snapshot; memory stays bounded by a few batches."""
        self._sign_in()
        finished = False
        try:
            with self._connection.cursor() as cursor:
                cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES)})
                cursor.execute(sql)
                with closing(cursor.fetch_record_batch()) as reader:
                    yield from reader
            finished = True
        except _DRIVER_ERRORS as error:
            raise self._explained(error) from None
        finally:
            if not finished:  # the COPY may still be under way: this connection is of no more use
                self.close()

    def _run(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{StatementOptions.USE_COPY.value: "false"})
            cursor.execute(sql)

    def _sign_in(self) -> None:
        """Connect, unless we are connected."""
        if self._connection is not None:
            return
        try:
            connection = adbc_driver_manager.AdbcConnection(_database(_with_timeout(self._url)))
            self._connection = dbapi.Connection(_Kept(), connection, autocommit=True)
        except _DRIVER_ERRORS as error:
            raise self._not_connected(str(error)) from None
        try:
            settings = (f"set_config('{name}', '{value}', false)" for name, value in _SETTINGS.items())
            self._run(f"SELECT {', '.join(settings)}")
        except _DRIVER_ERRORS as error:
            self.close()
            raise self._explained(error) from None

    def _not_connected(self, reason: str) -> StrataError:
        """Tell a failed sign-in; libpq gives no code for it, only words."""
        if any(word in reason for word in _REFUSED):
            message = f"{self._label}: PostgreSQL refused the user name or the password."
            return AuthenticationFailed(message, "Check the connection's URL setting and pg_hba.conf on the server.")
        if "connection to server" not in reason and "translate host name" not in reason:
            message = f"{self._label}: the connection's URL setting is not readable."
            return SettingsError(message, "Form: postgresql://user:password@host:5432/database")
        if 'database "' in reason and "does not exist" in reason:
            message = f"{self._label}: the server has no such database."
            return SettingsError(message, "Correct the database's name at the end of the connection's URL setting.")
        return ConnectionFailed(
            f"{self._label}: PostgreSQL does not answer ({_first_line(reason, self._url)}).",
            "Check host, port and firewall, and that the server runs.",
        )

    def _explained(self, error: BaseException) -> StrataError:
        """Turn the driver's error into one of the taxonomy, by its SQLSTATE."""
        state = str(getattr(error, "sqlstate", None) or "")
        reason = f"{self._label}: {_first_line(str(error), self._url)}" + (f" (SQLSTATE {state})." if state else ".")
        if state in ("42P01", "42703", "3F000"):
            return SchemaDrift(reason, "The source changed while it was read; correct the contract, then load again.")
        if state == "42501":
            return AuthenticationFailed(reason, "Grant the user SELECT on the table and USAGE on its schema.")
        if state.startswith("28"):
            return AuthenticationFailed(reason, "Check the connection's URL setting.")
        if state[:2] in ("", "08", "40", "53", "57", "58", "XX"):
            return ConnectionFailed(reason, "Try again; the load begins anew from its window's start.")
        return StrataError(reason, "Run strata doctor, and look into the server's log.")


class _Kept:
    """Stands for a database that outlives its connections."""

    def close(self) -> None:
        """Leave it open for the next connection."""


@lru_cache(maxsize=4)
def _database(url: str) -> adbc_driver_manager.AdbcDatabase:
    """Return what ADBC knows of a database's types; it holds no connection.

    Measured: reading the types takes 36 ms of CPU, signing in 3. Tenants that share a database read them once.
    """
    database: adbc_driver_manager.AdbcDatabase = adbc_driver_postgresql.connect(url)
    return database


def _with_timeout(url: str) -> str:
    """Add a time limit for connecting, unless the address has one or is no URL."""
    if "connect_timeout" in url or "://" not in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}connect_timeout={_CONNECT_SECONDS}"


def _first_line(message: str, url: str) -> str:
    """Return the server's sentence alone: what follows may quote data, and nothing may quote the address."""
    _, _, told = message.partition("ERROR:  ")
    line = (told or message).strip().splitlines()[0] if message.strip() else "no reason given"
    return line.replace(url, "…").replace(_password(url) or "\0", "…").rstrip(".: ")


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
