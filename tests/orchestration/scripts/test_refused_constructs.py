"""Whatever might give other numbers is refused, by name, with its place and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.scripts import read_script
from orchestration.scripts.outline import outline
from orchestration.scripts.program import Program

Write = Callable[..., Path]
Compile = Callable[[Path], Program]

REFUSED = [
    ("SELECT s.id INTO finance.x FROM silver.sale AS s CROSS JOIN dbo.rate(s.id) AS r;", "dbo.rate"),
    ("SELECT GETENV('HOME') AS a INTO finance.x FROM silver.sale AS s;", "GETENV"),
    ("SELECT @@ROWCOUNT AS a INTO finance.x FROM silver.sale AS s;", "@@ROWCOUNT"),
    ("SELECT NEWID() AS a INTO finance.x FROM silver.sale AS s;", "NEWID"),
    # Nothing but this tenant's rows of this warehouse can be reached.
    ("SELECT r.a INTO finance.x FROM read_csv('/etc/passwd') AS r;", "READ_CSV"),
    ("SELECT r.a INTO finance.x FROM OPENROWSET('a', 'b', 'c') AS r;", "OPENROWSET"),
    ("SELECT r.a INTO finance.x FROM [/etc/passwd] AS r;", "/etc/passwd"),
    ("SELECT r.a INTO finance.x FROM erp.dbo.customer AS r;", "erp.dbo.customer"),
    ("SELECT r.a INTO finance.x FROM linked.erp.dbo.customer AS r;", "linked.erp.dbo.customer"),
    ("SELECT r.a INTO finance.x FROM strata.load_ledger AS r;", "strata.load_ledger"),
    ("SELECT r.name INTO finance.x FROM INFORMATION_SCHEMA.TABLES AS r;", "INFORMATION_SCHEMA.TABLES"),
    ("SELECT r.a INTO finance.x FROM finance.x AS r;", "finance.x"),
    ("SELECT s._tenant_id INTO finance.x FROM silver.sale AS s;", "_tenant_id"),
    ("SELECT s.id INTO silver.x FROM silver.sale AS s;", "silver.x"),
    (
        "SELECT s.id INTO finance.x FROM silver.sale AS s LEFT JOIN (silver.sale AS a JOIN gold.b ON 1 = 1) ON 1 = 1;",
        "a join in parentheses",
    ),
    ("SELECT s.id INTO ##x FROM silver.sale AS s;", "##x"),
    ("SELECT s.id FROM silver.sale AS s;", "SELECT without INTO"),
    ("SELECT s.id FROM silver.sale AS s;", "no SELECT … INTO"),
    ("UPDATE silver.sale SET id = 1;", "silver.sale"),
    ("EXEC sp_who;", "EXEC"),
    ("IF 1 = 1 SELECT 1 AS a INTO finance.x;", "IF"),
    ("SELECT @x AS a INTO finance.x FROM silver.sale AS s;", "@x"),
    ("DECLARE @as_of date;\nGO\nSELECT @as_of AS a INTO finance.x FROM silver.sale AS s;", "@as_of"),
    ("DECLARE @as_of datetime; SELECT 1 AS a INTO finance.x;", "@as_of"),
    ("DECLARE @as_of date; SET @as_of = '2026-01-01'; SELECT 1 AS a INTO finance.x;", "@as_of"),
    ("SELECT (1 INTO finance.x;", "near"),
]


@pytest.mark.parametrize(("body", "what"), REFUSED, ids=[body for body, _ in REFUSED])
def test_a_construct_is_refused_by_name(write_script: Write, compiled: Compile, body: str, what: str) -> None:
    problems = [problem for problem in compiled(write_script(body)).problems if problem.severity == "error"]
    assert any(what.lower() in problem.what.lower() for problem in problems), problems
    assert all(problem.why and problem.instead for problem in problems)


def test_a_problem_names_its_file_line_and_column(write_script: Write, compiled: Compile) -> None:
    path = write_script("SELECT\n    s.id,\n    s.nothing AS a\nINTO finance.x\nFROM silver.sale AS s;")
    (problem,) = compiled(path).problems
    assert (problem.file, problem.line, problem.column) == (path, 6, 5)
    assert str(problem).startswith(f"{path}:6:5: column s.nothing: ")


def test_what_a_broken_statement_should_have_made_is_not_reported_again(write_script: Write, compiled: Compile) -> None:
    body = "SELECT s.nothing INTO #a FROM silver.sale AS s\nSELECT a.x INTO #b FROM #a AS a\n"
    problems = compiled(write_script(f"{body}SELECT b.x INTO finance.x FROM #b AS b")).problems
    assert [problem.what for problem in problems] == ["column s.nothing"]


def test_print_is_passed_over_with_a_warning(write_script: Write, compiled: Compile) -> None:
    (problem,) = compiled(write_script("PRINT 'hello'\nSELECT 1 AS a INTO finance.x")).problems
    assert (problem.what, problem.severity) == ("PRINT", "warning")


def test_a_script_without_a_header_has_no_owner(write_script: Write) -> None:
    path = write_script("SELECT s.id INTO finance.x FROM silver.sale AS s;", header="")
    assert [problem.what for problem in outline(read_script(path)).problems] == [
        "no title, owner and description in the header"
    ]
