"""Parameters of a statement reach SQL Server in the order in which they stand there, whatever was moved."""

from __future__ import annotations

import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from orchestration.warehouse.sqlserver.rendering import to_tsql
from orchestration.warehouse.sqlserver.statement import written


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


def test_a_question_mark_in_a_text_or_a_name_is_no_parameter() -> None:
    sql = """SELECT 'who?' AS a, ? AS "b?" FROM s.t WHERE c = ?"""
    text, values = to_tsql(sqlglot.parse_one(sql, read="duckdb")).bound([None, 7])
    assert text == "SELECT 'who?' AS [a], NULL AS [b?] FROM [s].[t] WHERE [c] = ?"
    assert values == [7]


def test_so_it_is_in_the_servers_own_words() -> None:
    text, values = written("UPDATE t SET [what?] = ?, b = N'it''s ?' WHERE c = ?").bound([None, 7])
    assert text == "UPDATE t SET [what?] = NULL, b = N'it''s ?' WHERE c = ?"
    assert values == [7]


def test_two_parts_of_a_statement_share_its_parameters() -> None:
    whole = written("SELECT ? FROM t WHERE a = ?") + written(" AND b = '?' AND c = ?", first=2)
    assert whole.bound(["x", None, [1]]) == ("SELECT ? FROM t WHERE a = NULL AND b = '?' AND c = ?", ["x", "[1]"])
