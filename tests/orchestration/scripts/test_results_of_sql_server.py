"""What expressions give, reasoned from SQL Server's documentation, not from DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import parse_one

from orchestration.scripts import check_script, decimals, read_script
from orchestration.scripts.build import build_table

Evaluate = Callable[..., object]

CORPUS = [
    # Integers divide to integers, cut towards zero.
    ("CAST(s.quantity AS int) / CAST(2 AS int)", 3),
    ("CAST(-7 AS int) / CAST(2 AS int)", -3),
    # decimal(18,2) / decimal(18,8) is decimal(38,14) and is cut, not rounded.
    ("CAST(s.amount AS decimal(18,2)) / CAST(3 AS decimal(18,8))", Decimal("3.33333333333333")),
    ("CAST(2 AS decimal(5,0)) / CAST(3 AS decimal(5,0))", Decimal("0.666666")),
    ("CAST(20.00 AS decimal(18,2)) / 3.0", Decimal("6.666666")),
    ("CAST(1 AS decimal(18,2)) / NULLIF(CAST(0 AS decimal(18,2)), 0)", None),
    # Exactly half a cent: a float would lie below it.
    ("CAST(CAST(2.01 AS decimal(18,2)) / CAST(2 AS decimal(10,0)) AS decimal(18,2))", Decimal("1.01")),
    ("ROUND(CAST(-2.345 AS decimal(10,3)), 2)", Decimal("-2.350")),
    ("CAST(FLOOR(s.amount) AS int)", 10),
    # Text compares without case; LEN does not count blanks at the end; a cast cuts.
    ("CASE WHEN s.customer = 'aDa' THEN 1 ELSE 0 END", 1),
    ("CASE WHEN s.customer LIKE 'aD%' THEN 1 ELSE 0 END", 1),
    ("LEN('ab  ')", 2),
    ("CAST(N'Müller' AS nvarchar(3))", "Mül"),
    ("CAST(s.sold_on AS varchar(7))", "2026-01"),
    ("CONCAT('a', NULL, 'b')", "ab"),
    # A product keeps all its digits: eighteen are not enough for a yen.
    (
        "CAST(CAST(900000000.25 AS decimal(18,2)) * CAST(1.25 AS decimal(18,8)) AS decimal(18,2))",
        Decimal("1125000000.31"),
    ),
    ("ISNULL(NULLIF(s.quantity, 7), 0)", 0),
    ("IIF(s.is_paid = 1, 'yes', 'no')", "yes"),
    # Dates: DATEDIFF counts boundaries, months end where they end, a date stays a date.
    ("DATEDIFF(month, s.sold_on, CAST('2026-02-01' AS date))", 1),
    ("DATEDIFF(year, CAST('2025-12-31' AS date), CAST('2026-01-01' AS date))", 1),
    ("CAST(DATEADD(month, 1, s.sold_on) AS date)", date(2026, 2, 28)),
    ("DATEADD(day, -1, @as_of)", date(2026, 11, 19)),
    ("EOMONTH(CAST('2028-02-03' AS date))", date(2028, 2, 29)),
    ("DATEFROMPARTS(YEAR(@as_of), MONTH(@as_of), 1)", date(2026, 11, 1)),
    ("@AS_OF", date(2026, 11, 20)),
]


@pytest.mark.parametrize(("expression", "expected"), CORPUS, ids=[text for text, _ in CORPUS])
def test_an_expression_gives_what_sql_server_gives(value_of: Evaluate, expression: str, expected: object) -> None:
    assert value_of(expression) == expected


def test_a_division_by_zero_stops_the_script(value_of: Evaluate) -> None:
    with pytest.raises(Exception, match="division by zero"):
        value_of("CAST(1 AS decimal(18,2)) / CAST(0 AS decimal(18,2))")


def test_text_groups_and_counts_without_case(value_of: Evaluate) -> None:
    assert value_of("COUNT(DISTINCT s.customer)", "FROM silver.sale AS s") == 2


def test_nulls_come_first(value_of: Evaluate) -> None:
    first = "SELECT s.id, ROW_NUMBER() OVER (ORDER BY s.is_paid) AS place FROM silver.sale AS s"
    assert value_of("t.id", f"FROM ({first}) AS t WHERE t.place = 1") == 3


def test_a_sum_of_integers_is_kept_as_a_bigint(value_of: Evaluate, warehouse: duckdb.DuckDBPyConnection) -> None:
    assert value_of("SUM(s.quantity)", "FROM silver.sale AS s") == 2
    kind = warehouse.execute("SELECT typeof(answer) FROM finance.answer").fetchall()
    assert kind == [("BIGINT",)]


def test_a_cte_may_call_itself(warehouse: duckdb.DuckDBPyConnection, write_script: Callable[..., Path]) -> None:
    body = """DECLARE @as_of date;
    WITH n AS (SELECT 1 AS i UNION ALL SELECT n.i + 1 FROM n WHERE n.i < 200)
    SELECT MAX(n.i) AS answer INTO finance.answer FROM n OPTION (MAXRECURSION 200);"""
    build_table(warehouse, check_script(read_script(write_script(body))), "acme", date(2026, 11, 20))
    assert warehouse.execute("SELECT answer FROM finance.answer").fetchall() == [(200,)]


@settings(max_examples=100, deadline=None)
@given(
    st.integers(-(10**17), 10**17), st.integers(1, 10**17), st.sampled_from([0, 2, 4, 8]), st.sampled_from([0, 2, 4, 8])
)
def test_every_quotient_is_cut_at_the_documented_scale(left: int, right: int, scale: int, other: int) -> None:
    dividend = f"CAST('{Decimal(left).scaleb(-scale)}' AS decimal(18,{scale}))"
    divisor = f"CAST('{Decimal(right).scaleb(-other)}' AS decimal(18,{other}))"
    division = parse_one(f"{dividend} / {divisor}", read="tsql")
    types = decimals.quotient(division)
    assert types is not None
    places = types.result.scale
    whole = abs(left) * 10 ** (places + other) // (right * 10**scale)
    with duckdb.connect() as con:
        con.execute(decimals.QUOTIENT_MACRO)
        sql = decimals.divide(division.this.sql("duckdb"), division.expression.sql("duckdb"), types)
        (answer,) = con.execute(f"SELECT {sql}").fetchall()[0]
    assert int(answer.scaleb(places, Context(prec=60))) == (whole if left >= 0 else -whole)
