"""Queues to test with: in an SQLite file, in a real PostgreSQL, and on a T-SQL server where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from orchestration.control import Control, open_control, schema
from orchestration.settings import Settings

OWNER, PASSWORD = "strata_owner", "for-tests"


@pytest.fixture
def here(tmp_path: Path) -> Control:
    """A queue in a file, for rules that no database has a part in."""
    return open_control(Settings(home=tmp_path / "home", _env_file=None))


@pytest.fixture
def in_postgres(postgres: str, tmp_path: Path) -> Iterator[Control]:
    """A queue whose owner is an ordinary login, as in production."""
    with psycopg.connect(postgres, autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
            admin.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}' CREATEROLE")
        admin.execute(f'ALTER DATABASE "{admin.info.dbname}" OWNER TO {OWNER}')
    server = conninfo_to_dict(postgres)
    url = f"postgresql+psycopg://{OWNER}:{PASSWORD}@{server['host']}:{server['port']}/{server['dbname']}"
    yield from _upgraded(url, tmp_path)


@pytest.fixture
def in_sqlserver(tsql_control_url: str, tmp_path: Path) -> Iterator[Control]:
    yield from _upgraded(tsql_control_url, tmp_path)


@pytest.fixture(params=["here", "in_postgres", pytest.param("in_sqlserver", marks=pytest.mark.sqlserver)])
def control(request: pytest.FixtureRequest) -> Control:
    """The same on each kind of database."""
    found: Control = request.getfixturevalue(request.param)
    return found


def _upgraded(url: str, folder: Path) -> Iterator[Control]:
    control = open_control(Settings(home=folder / "home", control_url=url, _env_file=None))
    schema.upgrade(control)
    yield control
    control.engine.dispose()
