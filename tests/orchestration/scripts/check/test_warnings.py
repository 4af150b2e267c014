"""What is right and still surprises is a warning with a rule's name, by which its line may allow it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.scripts.check import check
from orchestration.scripts.check.rules import RULES
from orchestration.scripts.problems import Problem
from orchestration.scripts.types import DATE, FLOAT, INT, NVARCHAR_MAX, Catalog, decimal
from orchestration.settings import PROJECT

Write = Callable[..., Path]
CATALOG: Catalog = {
    ("silver", "sale"): {
        "id": INT, "customer": NVARCHAR_MAX, "sold_on": DATE, "amount": decimal(18, 2), "weight": FLOAT,
    },
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
