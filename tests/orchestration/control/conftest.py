"""Control planes to test against: an SQLite file, a real PostgreSQL, and SQL Server where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import URL

from orchestration.control import Control, open_control, schema
from orchestration.settings import load_settings

OWNER, API = "strata_owner", "strata_api"
PASSWORD = "for-tests"

MakeControl = Callable[[], Control]
"""Returns a control plane without a schema."""


def as_url(conninfo: str, user: str) -> str:
    parts = conninfo_to_dict(conninfo)
    return URL.create(
        "postgresql+psycopg", user, PASSWORD, str(parts["host"]), int(str(parts["port"])), str(parts["dbname"])
    ).render_as_string(hide_password=False)


@pytest.fixture
def owned_postgres(postgres: str) -> str:
    """The superuser's URL of a database whose owner is an ordinary login, as in production."""
    with psycopg.connect(postgres, autocommit=True) as admin:
        for user, options in ((OWNER, "CREATEROLE"), (API, "NOINHERIT")):
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [user]).fetchone():
                admin.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}' {options}")
        admin.execute(f'ALTER DATABASE "{admin.info.dbname}" OWNER TO {OWNER}')
    return postgres


@pytest.fixture
def postgres_control(owned_postgres: str, tmp_path: Path) -> Iterator[Control]:
    control = open_control(load_settings(home=tmp_path, control_url=as_url(owned_postgres, OWNER)))
    schema.upgrade(control)
    yield control
    control.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql", pytest.param("sqlserver", marks=pytest.mark.sqlserver)])
def make_control(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeControl]:
    opened: list[Control] = []

    def make() -> Control:
        url = _url(request, tmp_path)
        opened.append(open_control(load_settings(home=tmp_path, control_url=url, lock_wait_seconds=10)))
        return opened[-1]

    yield make
    for control in opened:
        control.engine.dispose()


def _url(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'control.db'}"
    if request.param == "postgresql":
        return as_url(request.getfixturevalue("owned_postgres"), OWNER)
    url: str = request.getfixturevalue("tsql_control_url")
    return url


@pytest.fixture
def control(make_control: MakeControl) -> Control:
    """An empty control plane with its schema, on each kind of database."""
    opened = make_control()
    schema.upgrade(opened)
    return opened


@pytest.fixture
def sqlite_control(tmp_path: Path) -> Control:
    """A control plane in a file, made by its first use."""
    return open_control(load_settings(home=tmp_path / "home"))
