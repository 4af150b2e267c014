"""Closes of one day on each engine that is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from billed_company import AS_OF, SILVER
from billed_silver import REVENUE
from financial_close import Books, closed_on_duckdb, closed_on_server


@pytest.fixture(scope="module", params=["duckdb", "sqlserver"])
def engine(request: pytest.FixtureRequest) -> str:
    """The embedded warehouse, or a T-SQL server."""
    return str(request.param)


@pytest.fixture(scope="module")
def books(engine: str, request: pytest.FixtureRequest) -> Iterator[Books]:
    """The company's books, closed."""
    if engine == "duckdb":
        with closed_on_duckdb(REVENUE, SILVER, AS_OF) as closed:
            yield closed
    else:
        with closed_on_server(REVENUE, request.getfixturevalue("server"), SILVER, AS_OF) as closed:
            yield closed
