"""Types follow the documented precedence, and what DuckDB stores has a twin on SQL Server."""

from __future__ import annotations

import pytest
from sqlglot import exp

from orchestration.scripts.dialect import function_name, parse_text
from orchestration.scripts.types import (
    BIT,
    DATE,
    DATETIME,
    INT,
    MONEY,
    NULL,
    SqlType,
    arithmetic,
    combined,
    decimal,
    from_duckdb,
    read_type,
    varchar,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("decimal", "decimal(18,0)"),
        ("numeric(5)", "decimal(5,0)"),
        ("varchar", "varchar(30)"),
        ("nvarchar(max)", "nvarchar(max)"),
        ("float", "float"),
        ("float(24)", "real"),
        ("real", "real"),
        ("datetime2", "datetime2(7)"),
        ("time(3)", "time(3)"),
        ("bit", "bit"),
    ],
)
def test_a_written_type_is_read_with_its_defaults(written: str, expected: str) -> None:
    kind = read_type(parse_text(f"CAST(x AS {written})").args["to"], default_length=30)
    assert kind is not None
    assert kind.tsql == expected


def test_a_type_that_scripts_cannot_use_is_none() -> None:
    assert read_type(parse_text("CAST(x AS xml)").args["to"]) is None


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([INT, decimal(5, 2)], "decimal(12,2)"),
        ([decimal(38, 2), decimal(18, 8)], "decimal(38,2)"),
        ([varchar(3), varchar(5, national=True)], "nvarchar(5)"),
        ([varchar(3), INT], "int"),
        ([varchar(10), DATE], "date"),
        ([DATE, DATETIME], "datetime"),
        ([MONEY, INT], "money"),
        ([MONEY, decimal(10, 6)], "decimal(21,6)"),
        ([BIT, INT], "int"),
        ([NULL, varchar(4)], "varchar(4)"),
        ([SqlType("char", length=2), SqlType("char", length=4)], "char(4)"),
    ],
)
def test_several_types_combine_by_precedence(kinds: list[SqlType], expected: str) -> None:
    assert combined(kinds).tsql == expected


def test_a_sum_whose_scale_would_give_way_has_no_type() -> None:
    assert arithmetic("+", decimal(38, 2), decimal(18, 8)) is None
    assert arithmetic("+", decimal(38, 2), decimal(38, 2)) == decimal(38, 2)


@pytest.mark.parametrize(
    "stored", ["BOOLEAN", "INTEGER", "BIGINT", "DECIMAL(18,2)", "DATE", "TIMESTAMP", "VARCHAR", "DOUBLE"]
)
def test_what_duckdb_stores_comes_back(stored: str) -> None:
    assert from_duckdb(stored).duckdb == stored


def test_functions_keep_the_names_that_they_are_written_with() -> None:
    select = parse_text("SELECT GETDATE(), SYSDATETIME(), LEN(x), DATENAME(month, d), LEFT(x, 1), COUNT(*)")
    names = [function_name(item) for item in select.expressions]
    assert names == ["GETDATE", "SYSDATETIME", "LEN", "DATENAME", "LEFT", "COUNT"]


def test_a_name_in_brackets_is_no_function() -> None:
    select = parse_text("WITH [left] (a) AS (SELECT 1) SELECT a FROM [left]")
    assert [cte.alias for cte in select.find_all(exp.CTE)] == ["left"]
