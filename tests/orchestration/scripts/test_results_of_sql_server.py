"""What expressions give, reasoned from SQL Server's documentation, not from DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

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
    with pytest.raises(Exception, match=r"(?i)division by zero"):
        value_of("CAST(1 AS decimal(18,2)) / CAST(0 AS decimal(18,2))")


def test_text_groups_and_counts_without_case(value_of: Evaluate) -> None:
    assert value_of("COUNT(DISTINCT s.customer)", "FROM silver.sale AS s") == 2


def test_nulls_come_first(value_of: Evaluate) -> None:
    first = "SELECT s.id, ROW_NUMBER() OVER (ORDER BY s.is_paid) AS place FROM silver.sale AS s"
    assert value_of("t.id", f"FROM ({first}) AS t WHERE t.place = 1") == 3
