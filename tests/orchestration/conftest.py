"""The engines that a warehouse can be, for rooms whose tests run on each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.settings import Settings


@pytest.fixture(params=["duckdb", pytest.param("sqlserver", marks=pytest.mark.sqlserver)])
def warehouse(request: pytest.FixtureRequest) -> str:
    """The engine under test; one with a server takes STRATA_TEST_SQLSERVER."""
    return str(request.param)


@pytest.fixture
def settings_of(request: pytest.FixtureRequest, warehouse: str) -> Callable[..., Settings]:
    """Make the settings of an empty home, and of a database of its own where the warehouse is a server."""

    def settings(home: Path, *, lock_wait_seconds: float = 20, **more: object) -> Settings:
        server = request.getfixturevalue("new_tsql_database")() if warehouse == "sqlserver" else None
        return Settings(
            home=home, warehouse=warehouse, sqlserver_connection=server, lock_wait_seconds=lock_wait_seconds,
            tenants_file=home / "no tenants.yaml", _env_file=None, **more,
        )  # fmt: skip

    return settings
