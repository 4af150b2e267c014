"""What counts as the same row on two engines, and how a difference is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pytest

from orchestration.warehouse.sqlserver.comparing import Compared, Difference, Side, compare


def compared(left: str, right: str, key: Sequence[str] = ("id",), **how: Any) -> Compared:
    con = duckdb.connect()
    sides = []
    for name, query in (("one", left), ("other", right)):
        con.execute(f"CREATE TABLE {name} AS {query}")
        sides.append(Side(name, {row[0]: row[1] for row in con.execute(f"DESCRIBE {name}").fetchall()}))
    return compare(con, ("gold", "sale"), (sides[0], sides[1]), key, **how)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("'Zoë'", "'Zoë'"),
        ("NULL", "NULL"),
        ("1.50::DECIMAL(18,2)", "1.5::DECIMAL(38,1)"),
        ("7::HUGEINT", "7::DECIMAL(38,0)"),
        ("0.1::DOUBLE + 0.2::DOUBLE", "0.3::DOUBLE"),
        ("1e15::DOUBLE", "1e15::DOUBLE + 1"),
        ("true", "true"),
        ("TIMESTAMP '2026-01-01 10:00:00.123456'", "TIMESTAMP '2026-01-01 10:00:00.123456'"),
    ],
)
def test_values_that_are_the_same(left: str, right: str) -> None:
    assert compared(f"SELECT 1 AS id, {left} AS v", f"SELECT 1 AS id, {right} AS v").is_same
    assert compared(f"SELECT 1 AS id, {left} AS v", f"SELECT 1 AS id, {right} AS v", ()).is_same


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("'acme'", "'Acme'"),
        ("'acme '", "'acme'"),
        ("''", "NULL"),
        ("0::DOUBLE", "NULL"),
        ("1.50::DECIMAL(18,2)", "1.51::DECIMAL(18,2)"),
        ("0.3::DOUBLE", "0.300001::DOUBLE"),
        ("TIMESTAMP '2026-01-01 10:00:00.123456'", "TIMESTAMP '2026-01-01 10:00:00.123457'"),
        ("true", "false"),
    ],
)
def test_values_that_differ(left: str, right: str) -> None:
    found = compared(f"SELECT 1 AS id, {left} AS v", f"SELECT 1 AS id, {right} AS v")
    assert (found.rows_that_differ, [item.column for item in found.differences]) == (1, ["v"])
    assert not compared(f"SELECT 1 AS id, {left} AS v", f"SELECT 1 AS id, {right} AS v", ()).is_same


def test_a_difference_is_told_with_key_column_and_both_values() -> None:
    rows = "SELECT * FROM (VALUES (1, 'a', 10), (2, 'b', {}), (3, 'c', 30)) AS t (id, name, amount)"
    found = compared(rows.format(20), rows.format(21), ("id", "name"))
    assert found.differences == (Difference("2 | b", "amount", "20", "21"),)
    assert (found.left_rows, found.right_rows) == (3, 3)


def test_a_row_that_one_side_lacks_is_told() -> None:
    found = compared("SELECT * FROM range(3) AS t (id)", "SELECT * FROM range(1, 4) AS t (id)")
    assert found.differences == (Difference("0", "", "there", None), Difference("3", "", None, "there"))


def test_without_a_key_rows_count_as_often_as_they_are_there() -> None:
    found = compared("SELECT 1 AS id UNION ALL SELECT 1", "SELECT 1 AS id", ())
    assert found.differences == (Difference("1", "", "1 times", None),)


def test_all_rows_are_counted_and_some_are_shown() -> None:
    found = compared("SELECT id, 1 AS v FROM range(90) AS t (id)", "SELECT id, 2 AS v FROM range(90) AS t (id)", most=5)
    assert (found.rows_that_differ, len(found.differences)) == (90, 5)


def test_a_column_of_one_side_alone_is_a_fault_unless_it_is_ignored() -> None:
    left, right = "SELECT 1 AS id, 2 AS v, 3 AS extra", "SELECT 1 AS id, 2 AS v"
    assert "extra" in compared(left, right).fault
    assert compared(left, right, ignored=["extra"]).is_same
