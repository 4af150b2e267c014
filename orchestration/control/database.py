"""The open control plane: transactions that know who acts and for which tenant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from orchestration.control.address import address
from orchestration.control.engine import WRITES, make_engine, parse
from orchestration.control.errors import told
from orchestration.control.kept import KeptConnections
from orchestration.control.schema import prepare
from orchestration.settings import Settings

ACTOR, TENANT = "strata_actor", "strata_tenant"
"""Execution options of a connection: who acts, and the one tenant that it is limited to (empty: all)."""

APP_ROLE, OPERATOR_ROLE = "strata_app", "strata_operator"
"""PostgreSQL's roles: the first sees one tenant for a transaction, the second all of them."""


@dataclass(frozen=True)
class Control:
    """The control plane's database; nothing is opened before the first transaction."""

    url: str
    locks: Path
    wait_seconds: float

    def __repr__(self) -> str:
        """Name the database without what is secret, which may stand among a URL's options as well."""
        return f"Control({self.place})"

    @property
    def place(self) -> str:
        """Where the database is, for people: without user and password."""
        url = parse(self.url)
        if self.embedded:
            return url.database or ""
        place = address(url)
        return f"{url.get_backend_name()}://{place.host}/{place.database}"

    @property
    def embedded(self) -> bool:
        """Whether the database is an SQLite file."""
        return parse(self.url).get_backend_name() == "sqlite"

    @cached_property
    def _kept(self) -> KeptConnections:
        return KeptConnections(self.engine)

    @cached_property
    def engine(self) -> Engine:
        """The engine, for migrations and tests; everything else goes through transactions."""
        return make_engine(parse(self.url), self.wait_seconds)

    @contextmanager
    def transaction(self, actor: str, tenant: str | None = None) -> Iterator[Connection]:
        """Yield a connection whose changes are committed together at the end, or not at all.

        With a tenant, PostgreSQL shows and takes this tenant's rows alone.

        Raises:
            StrataError: the database refused; names neither values nor other tenants.
        """
        prepare(self)
        with self._connected(tenant, {ACTOR: actor, TENANT: tenant or "", WRITES: True}) as connection:
            yield connection

    @contextmanager
    def reading(self, tenant: str | None = None) -> Iterator[Connection]:
        """Yield a connection that reads one state of the database; with a tenant, PostgreSQL shows its rows alone."""
        prepare(self)
        with self._connected(tenant, {ACTOR: None, TENANT: tenant or "", WRITES: False}) as connection:
            yield connection

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep SQLite's file open for who has many transactions.

        Raises:
            StrataError: the database cannot be opened.
        """
        if not self.embedded:
            yield
            return
        with self._kept.asked_for():
            with self.reading():
                pass
            yield

    def compact(self) -> None:
        """Leave nothing of deleted rows in SQLite's files, unless somebody reads right now; servers tidy up alone."""
        if self.embedded:
            with self.engine.connect() as connection:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _connected(self, tenant: str | None, options: dict[str, object]) -> Iterator[Connection]:
        try:
            opened = self._kept.connection() if self.embedded else self.engine.connect()
            with opened as connection, connection.execution_options(**options).begin():
                _limit(connection, tenant, writes=bool(options[WRITES]))
                yield connection
        except DBAPIError as error:
            raise told(error, self.engine.url) from None


def _limit(connection: Connection, tenant: str | None, *, writes: bool) -> None:
    """Take the role and the tenant for this transaction; both end with it."""
    if connection.dialect.name != "postgresql":
        return
    if not writes:
        connection.execute(text("SET TRANSACTION READ ONLY"))
    connection.execute(text(f"SET LOCAL ROLE {APP_ROLE if tenant else OPERATOR_ROLE}"))
    if tenant:
        connection.execute(text("SELECT set_config('strata.tenant', :tenant, true)"), {"tenant": tenant})


def alone(connection: Connection, what: str) -> None:
    """Wait until no other transaction is at ``what``, and keep others out until this one ends.

    SQLite has one writer at a time anyway.
    """
    _lock(connection, what, "pg_advisory_xact_lock", "Exclusive")


def together(connection: Connection, what: str) -> None:
    """Keep out who wants to be alone at ``what`` until this transaction ends, and nobody else."""
    _lock(connection, what, "pg_advisory_xact_lock_shared", "Shared")


def _lock(connection: Connection, what: str, function: str, mode: str) -> None:
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(sha256(what.encode()).digest()[:8], "big", signed=True)
        connection.execute(text(f"SELECT {function}(:number)"), {"number": number})
    elif connection.dialect.name == "mssql":
        statement = f"EXEC sp_getapplock @Resource = :what, @LockMode = '{mode}', @LockOwner = 'Transaction'"
        connection.execute(text(statement), {"what": sha256(what.encode()).hexdigest()})


def open_control(settings: Settings) -> Control:
    """Return the control plane that the settings name; the same one for the same settings.

    Raises:
        SettingsError: ``STRATA_CONTROL_URL`` is none.
    """
    given = settings.control_url.get_secret_value() if settings.control_url else ""
    url = given or f"sqlite:///{settings.control_file}"
    parse(url)
    return _control(url, settings.locks_dir, min(settings.lock_wait_seconds, 30.0))


@cache
def _control(url: str, locks: Path, wait_seconds: float) -> Control:
    """Keep one engine for each database: a sensor's every tick opens the control plane."""
    return Control(url, locks, wait_seconds)
