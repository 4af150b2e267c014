"""The warehouse under test: a file of its own, or a database of its own on a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.settings import Settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.protocol import Session


@pytest.fixture(params=["duckdb", pytest.param("sqlserver", marks=pytest.mark.sqlserver)])
def warehouse(request: pytest.FixtureRequest) -> str:
    """The engine under test; one with a server takes STRATA_TEST_SQLSERVER."""
    return request.param


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, warehouse: str) -> Settings:
    server = request.getfixturevalue("new_tsql_database")() if warehouse == "sqlserver" else None
    return Settings(
        home=tmp_path, warehouse=warehouse, sqlserver_connection=server, lock_wait_seconds=0.3, memory_limit_mb=100,
        _env_file=None,
    )  # fmt: skip


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    with open_warehouse(settings).session("test") as session:
        yield session
