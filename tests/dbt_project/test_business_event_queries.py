"""The queries of business events run on gold as the project builds it."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from orchestration.publication.event_queries import EventQuery, read_event_queries
from orchestration.settings import PROJECT, Settings


class Bronze(Protocol):
    def execute(self, sql: str) -> list[tuple[Any, ...]]: ...


QUERIES, FAULTS = read_event_queries(Settings(scripts_dir=PROJECT / "sql_scripts", _env_file=None))


def test_every_file_is_right() -> None:
    assert FAULTS == {}
    assert QUERIES


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_finds_its_columns_with_rows_of_tenants_alone(first_day: Bronze, query: EventQuery) -> None:
    columns = [row[0] for row in first_day.execute(f"DESCRIBE {query.sql}")]
    assert tuple(columns) == query.columns
    tenants = first_day.execute(f"SELECT DISTINCT _tenant_id FROM ({query.sql})")
    assert {tenant for (tenant,) in tenants} <= {"acme", "globex"}
