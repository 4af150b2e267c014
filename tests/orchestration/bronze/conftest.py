"""The engine on a warehouse of its own, fed by a small source that tests change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bench import Bench

from orchestration.settings import Settings


@pytest.fixture(params=["duckdb", pytest.param("sqlserver", marks=pytest.mark.sqlserver)])
def warehouse(request: pytest.FixtureRequest) -> str:
    """The engine under test; one with a server takes STRATA_TEST_SQLSERVER."""
    return request.param


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, warehouse: str) -> Settings:
    """The settings of an empty home, and of a database of its own where the warehouse is a server."""
    server = request.getfixturevalue("new_tsql_database")() if warehouse == "sqlserver" else None
    home = tmp_path / "home"
    return Settings(home=home, warehouse=warehouse, sqlserver_connection=server, lock_wait_seconds=20, _env_file=None)


@pytest.fixture
def bench(tmp_path: Path, settings: Settings) -> Iterator[Bench]:
    return Bench(tmp_path / "shop", settings)
