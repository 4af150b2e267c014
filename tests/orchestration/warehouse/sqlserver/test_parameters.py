"""Parameters of a statement reach SQL Server in the order in which they stand there, whatever was moved."""

from __future__ import annotations

import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from orchestration.warehouse.sqlserver.rendering import to_tsql


def order_of(sql: str) -> tuple[int, ...]:
    return to_tsql(sqlglot.parse_one(sql, read="duckdb")).order


@given(st.integers(min_value=1, max_value=9))
def test_conditions_keep_their_order(count: int) -> None:
    conditions = " AND ".join(f"c{number} = ?" for number in range(count))
    assert order_of(f"SELECT 1 FROM s.t WHERE {conditions}") == tuple(range(count))


def test_a_cte_and_a_limit_keep_theirs() -> None:
    sql = "WITH x AS (SELECT ? AS a FROM s.u WHERE q = ?) SELECT ?, a FROM x WHERE b IN (?, ?) LIMIT ?"
    assert order_of(sql) == (0, 1, 5, 2, 3, 4)  # LIMIT is TOP, before the columns


def test_numbered_parameters_may_come_twice() -> None:
    assert order_of("SELECT $2, $1, $2 FROM s.t") == (1, 0, 1)
