"""Lets these tests import what closes a day twice, and the small warehouse of the dbt project's tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "dbt_project")]


@pytest.fixture(scope="session")
def server(new_tsql_database: Callable[[], str]) -> str:
    """The ODBC connection string of an empty database on a T-SQL server."""
    return new_tsql_database()
