"""Fixtures that several rooms share: a real PostgreSQL, fresh for each test."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from itertools import count

import psycopg
import pytest

from source_systems._simulation.postgres import PostgresServer

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The superuser's URL of an empty database of this test's own."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        yield postgres_server.url(name)
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test of a server into a failure where that server has to be, as in CI."""
    report = yield
    if report.skipped and item.get_closest_marker("server") and os.environ.get("STRATA_REQUIRE_SERVERS") == "1":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but STRATA_REQUIRE_SERVERS=1: {report.longrepr}"
    return report
