"""What is right and still surprises is a warning with a rule's name, by which its line may allow it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.scripts.check import check
from orchestration.scripts.check.rules import RULES
from orchestration.scripts.problems import Problem
from orchestration.scripts.types import DATE, FLOAT, INT, MONEY, NVARCHAR_MAX, Catalog, decimal
from orchestration.settings import PROJECT

Write = Callable[..., Path]
CATALOG: Catalog = {
    ("silver", "sale"): {
        "id": INT, "customer": NVARCHAR_MAX, "sold_on": DATE, "amount": decimal(18, 2), "weight": FLOAT,
        "bill": MONEY,
    },
    ("silver", "rate"): {"currency": NVARCHAR_MAX, "rate_on": DATE, "rate": decimal(9, 4), "rate_key": NVARCHAR_MAX},
}  # fmt: skip

SURPRISING = [
    ("s.id / 2", "integer-division"),
    ("AVG(s.id) OVER ()", "integer-average"),
    ("CASE WHEN s.id = NULL THEN 1 ELSE 0 END", "null-comparison"),
    ("CASE WHEN s.id <> NULL THEN 1 ELSE 0 END", "null-comparison"),
    ("CASE WHEN s.id NOT IN (SELECT t.id FROM silver.sale AS t) THEN 1 ELSE 0 END", "not-in-null"),
    ("CASE WHEN s.id NOT IN (1, NULL) THEN 1 ELSE 0 END", "not-in-null"),
    ("s.amount / 3", "decimal-division"),
    ("CASE WHEN s.customer = 'ada ' THEN 1 ELSE 0 END", "trailing-blanks"),
    ("CASE WHEN s.customer IN ('ada', 'bob ') THEN 1 ELSE 0 END", "trailing-blanks"),
    ("CASE WHEN UPPER(s.customer) = 'ADA' THEN 1 ELSE 0 END", "case"),
    ("CASE WHEN s.customer < 'm' THEN 1 ELSE 0 END", "text-order"),
    ("CASE WHEN s.customer BETWEEN 'a' AND 'm' THEN 1 ELSE 0 END", "text-order"),
    ("DATEPART(weekday, s.sold_on)", "weekday"),
    ("DATENAME(dw, s.sold_on)", "weekday"),
    ("DATEDIFF(day, s.sold_on, GETDATE())", "clock"),
    ("SYSDATETIME()", "clock"),
    ("CAST(s.amount AS float)", "float"),
    ("ROW_NUMBER() OVER (ORDER BY (SELECT NULL))", "row-order"),
    ("LAST_VALUE(s.id) OVER (ORDER BY s.id)", "row-order"),
    ("FIRST_VALUE(s.amount) OVER (PARTITION BY s.customer ORDER BY s.sold_on)", "ties"),
    ("s.bill / 3", "money-division"),
    ("CAST(s.bill / s.id AS decimal(18, 2))", "money-division"),
    ("CASE WHEN s.id = s.id THEN 1 ELSE 0 END", "tautology"),
]
PLAIN = [
    "CAST(s.amount / 3 AS decimal(18, 2))",
    "CONVERT(decimal(18, 2), SUM(s.amount) OVER (PARTITION BY s.id) / 7)",
    "CASE WHEN s.customer = 'ada' THEN UPPER(s.customer) END",
    "DATEPART(month, s.sold_on)",
    "DATEDIFF(day, '19000101', s.sold_on) % 7",
    "CAST(s.id AS decimal(10, 2)) * 2",
    "LAST_VALUE(s.id) OVER (ORDER BY s.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
    "AVG(s.amount) OVER ()",
    "CAST(CAST(s.bill AS decimal(19, 4)) / 3 AS decimal(18, 2))",
    "FIRST_VALUE(s.amount) OVER (PARTITION BY s.customer ORDER BY s.sold_on, s.id)",
    "ROW_NUMBER() OVER (PARTITION BY s.customer ORDER BY s.sold_on)",
    "CASE WHEN s.id NOT IN (1, 2) OR s.id IS NULL THEN 1 ELSE 0 END",
    "CASE WHEN s.id NOT IN (SELECT t.id FROM silver.sale AS t WHERE t.id IS NOT NULL) THEN 1 ELSE 0 END",
]


def found(path: Path) -> list[Problem]:
    return check(path.parent, CATALOG).problems


@pytest.mark.parametrize(("expression", "rule"), SURPRISING, ids=[text for text, _ in SURPRISING])
def test_an_expression_that_surprises_is_a_warning_at_its_line(write_script: Write, expression: str, rule: str) -> None:
    problems = found(write_script(f"SELECT\n    {expression} AS x\nINTO finance.x\nFROM silver.sale AS s;"))
    assert {(problem.rule, problem.severity, problem.line) for problem in problems} == {(rule, "warning", 5)}
    assert all(problem.why and problem.instead for problem in problems)


@pytest.mark.parametrize("expression", PLAIN)
def test_an_expression_that_says_what_it_wants_is_none(write_script: Write, expression: str) -> None:
    assert found(write_script(f"SELECT {expression} AS x INTO finance.x FROM silver.sale AS s;")) == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("SELECT * INTO finance.x FROM silver.sale AS s;", "select-star"),
        ("PRINT 'x'; SELECT s.id INTO finance.x FROM silver.sale AS s;", "print"),
        ("DECLARE @rate float = 1; SELECT s.id INTO finance.x FROM silver.sale AS s;", "float"),
        ("CREATE TABLE #t (a float); SELECT t.a INTO finance.x FROM #t AS t;", "float"),
        (("SELECT s.id INTO #t FROM silver.sale AS s; DELETE FROM #t WHERE id / 2 = 1;"
         "SELECT t.id INTO finance.x FROM #t AS t;"), "integer-division"),
    ],
)  # fmt: skip
def test_a_statement_that_surprises_is_a_warning(write_script: Write, body: str, rule: str) -> None:
    assert {problem.rule for problem in found(write_script(body))} == {rule}


PICKED = (
    "WITH r AS (SELECT r.currency, r.rate, ROW_NUMBER() OVER (PARTITION BY r.currency ORDER BY {}) AS place "
    "FROM {} AS r) SELECT r.currency, r.rate INTO finance.x FROM r WHERE r.place = 1;"
)
NEAREST = (
    "SELECT s.id, n.rate INTO finance.x FROM silver.sale AS s OUTER APPLY (SELECT TOP 1 r.rate FROM silver.rate AS r "
    "WHERE r.currency = s.customer AND r.rate_on <= s.sold_on ORDER BY {}) AS n;"
)
GROUPED = "(SELECT g.currency, g.rate_on, MAX(g.rate) AS rate FROM silver.rate AS g GROUP BY g.currency, g.rate_on)"
DAYS = f"SELECT d.currency, d.rate_on, d.rate INTO #days FROM {GROUPED} AS d; "


@pytest.mark.parametrize(
    "body",
    [
        PICKED.format("r.rate_on DESC", "silver.rate"),
        PICKED.replace("= 1", "<= 3").format("r.rate_on DESC", "silver.rate"),
        NEAREST.format("r.rate_on DESC"),
        (
            "SELECT s.id, s.amount INTO #t FROM silver.sale AS s; WITH d AS (SELECT t.id, t.amount, ROW_NUMBER() OVER "
            "(PARTITION BY t.amount ORDER BY t.amount) AS n FROM #t AS t) DELETE FROM d WHERE n > 1; "
            "SELECT t.amount INTO finance.x FROM #t AS t;"
        ),
        "SELECT TOP (5) s.customer, s.amount INTO finance.x FROM silver.sale AS s ORDER BY s.amount DESC;",
    ],
)
def test_rows_that_an_order_may_not_tell_apart_are_a_warning_that_names_a_key(write_script: Write, body: str) -> None:
    (problem,) = found(write_script(body))
    assert problem.rule == "ties"
    assert problem.instead.endswith(("r.rate_key.", "s.id.", "t.id."))


@pytest.mark.parametrize(
    "body",
    [
        PICKED.format("r.rate_on DESC, r.rate_key", "silver.rate"),
        PICKED.format("r.rate_on DESC, r.rate", "silver.rate"),
        PICKED.format("r.rate_on DESC", GROUPED),
        DAYS + PICKED.format("r.rate_on DESC", "#days"),
        NEAREST.format("r.rate_on DESC, r.rate"),
        NEAREST.format("r.rate_on DESC").replace("silver.rate", GROUPED),
        "SELECT TOP 5 WITH TIES s.customer, s.amount INTO finance.x FROM silver.sale AS s ORDER BY s.amount DESC;",
        "SELECT TOP 1 s.sold_on, SUM(s.id) AS n INTO finance.x FROM silver.sale AS s GROUP BY s.sold_on ORDER BY 1;",
    ],
)
def test_an_order_that_tells_rows_apart_is_none(write_script: Write, body: str) -> None:
    assert found(write_script(body)) == []


def test_a_comma_without_a_condition_between_its_tables_is_a_warning(write_script: Write) -> None:
    body = "SELECT s.id INTO finance.x FROM silver.sale AS s, silver.rate AS r WHERE s.id > 3{};"
    (problem,) = found(write_script(body.format("")))
    assert (problem.rule, problem.what) == ("cross-join", ", r")
    assert found(write_script(body.format(" AND r.currency = s.customer"))) == []
    assert found(write_script(body.format("").replace(",", " CROSS JOIN"))) == []


def test_a_null_in_a_list_is_told_of_without_a_subquery(write_script: Write) -> None:
    (problem,) = found(
        write_script("SELECT s.id INTO finance.x FROM silver.sale AS s WHERE s.customer NOT IN ('a', NULL);")
    )
    assert (problem.rule, problem.instead) == ("not-in-null", "Leave NULL out of the list.")


def test_a_line_allows_the_rules_that_it_names_and_no_others(write_script: Write) -> None:
    path = write_script(
        "SELECT\n    s.id / 2 AS a, -- whole pairs; strata: allow integer-division, float\n    s.id / 3 AS b\n"
        "INTO finance.x\nFROM silver.sale AS s;"
    )
    assert [(problem.line, problem.rule) for problem in found(path)] == [(6, "integer-division")]


def test_an_error_cannot_be_allowed(write_script: Write) -> None:
    path = write_script("SELECT s.nothing AS a -- strata: allow select-star\nINTO finance.x FROM silver.sale AS s;")
    assert [problem.severity for problem in found(path)] == ["error"]


def test_a_rule_that_there_is_not_cannot_be_allowed(write_script: Write) -> None:
    path = write_script("SELECT s.id -- strata: allow everything\nINTO finance.x FROM silver.sale AS s;")
    (problem,) = found(path)
    assert (problem.line, problem.rule, problem.severity) == (4, "unknown-rule", "warning")
    assert "integer-division" in problem.instead


def test_every_rule_is_documented() -> None:
    page = (PROJECT / "docs" / "analyst" / "check.md").read_text(encoding="utf-8")
    assert [rule for rule in RULES if f"`{rule}`" not in page] == []
