"""Closes of one day on each engine that is there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from closed_books import Books, closed_on_duckdb, closed_on_server
from example_company import AS_OF, SILVER


@pytest.fixture(scope="module", params=["duckdb", "sqlserver"])
def books(request: pytest.FixtureRequest) -> Iterator[Books]:
    """The example company's books, closed."""
    if request.param == "duckdb":
        with closed_on_duckdb(SILVER, AS_OF) as closed:
            yield closed
    else:
        with closed_on_server(request.getfixturevalue("server"), SILVER, AS_OF) as closed:
            yield closed
