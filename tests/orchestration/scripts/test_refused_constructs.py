"""Whatever might give other numbers is refused, by name, with its place and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.failures import ScriptRefused
from orchestration.scripts import check, check_script, read_script
from orchestration.scripts.translate import translate

Write = Callable[..., Path]

REFUSED = [
    ("SELECT AVG(s.amount) AS a INTO finance.x FROM silver.sale AS s;", "AVG"),
    ("SELECT s.amount / 2 AS a INTO finance.x FROM silver.sale AS s;", "a division of operands without a written type"),
    ("SELECT SUM(s.amount) * 1.2 AS a INTO finance.x FROM silver.sale AS s;", "a product with a SUM"),
    ("SELECT TRY_CAST(s.customer AS int) AS a INTO finance.x FROM silver.sale AS s;", "text as INTEGER"),
    ("SELECT CAST(s.amount AS decimal) AS a INTO finance.x FROM silver.sale AS s;", "without precision"),
    ("SELECT CAST(s.amount AS varchar) AS a INTO finance.x FROM silver.sale AS s;", "without a length"),
    ("SELECT CAST(s.amount AS float) AS a INTO finance.x FROM silver.sale AS s;", "the type FLOAT"),
    ("SELECT CAST(s.amount AS money) AS a INTO finance.x FROM silver.sale AS s;", "the type MONEY"),
    ("SELECT CONVERT(char(7), s.sold_on, 126) AS a INTO finance.x FROM silver.sale AS s;", "CONVERT"),
    ("SELECT GETDATE() AS a INTO finance.x FROM silver.sale AS s;", "GETDATE()"),
    ("SELECT CURRENT_TIMESTAMP AS a INTO finance.x FROM silver.sale AS s;", "CURRENT_TIMESTAMP"),
    ("SELECT DATEPART(year, s.sold_on) AS a INTO finance.x FROM silver.sale AS s;", "DATEPART"),
    ("SELECT s.id % 2 AS a INTO finance.x FROM silver.sale AS s;", "%"),
    ("SELECT TOP 3 s.id AS a INTO finance.x FROM silver.sale AS s;", "TOP"),
    ("SELECT ROUND(s.amount, 2, 1) AS a INTO finance.x FROM silver.sale AS s;", "ROUND in this form"),
    ("SELECT ISNULL(s.id, 0.5) AS a INTO finance.x FROM silver.sale AS s;", "ISNULL"),
    ("SELECT s.customer + 'x' AS a INTO finance.x FROM silver.sale AS s;", "text joined with +"),
    ("SELECT s.id AS a INTO finance.x FROM silver.sale AS s WHERE s.customer LIKE '[A-C]%';", "this LIKE pattern"),
    ("SELECT s.id INTO finance.x FROM silver.sale AS s GROUP BY ROLLUP (s.id);", "ROLLUP"),
    ("SELECT * INTO finance.x FROM silver.sale;", "SELECT *"),
    ("SELECT s.id INTO finance.x FROM silver.sale AS s WITH (NOLOCK);", "WITH (…)"),
    ("SELECT s.id INTO finance.x FROM silver.sale AS s CROSS APPLY (SELECT 1 AS one) AS o;", "APPLY"),
    ("SELECT s.id INTO finance.x FROM silver.sale AS s OPTION (RECOMPILE);", "OPTION (RECOMPILE)"),
    ("SELECT dbo.rate(s.id) AS a INTO finance.x FROM silver.sale AS s;", "RATE"),
    ("SELECT GETENV('HOME') AS a INTO finance.x FROM silver.sale AS s;", "GETENV"),
    ("SELECT @@ROWCOUNT AS a INTO finance.x FROM silver.sale AS s;", "@ROWCOUNT"),
    # Nothing but this tenant's rows of this warehouse can be reached.
    ("SELECT r.a INTO finance.x FROM read_csv('/etc/passwd') AS r;", "READ"),
    ("SELECT r.a INTO finance.x FROM [/etc/passwd] AS r;", "[/etc/passwd]"),
    ("SELECT r.a INTO finance.x FROM erp.dbo.customer AS r;", "erp.dbo.customer"),
    ("SELECT r.a INTO finance.x FROM strata.load_ledger AS r;", "strata.load_ledger"),
    ("SELECT r.a INTO finance.x FROM finance.x AS r;", "finance.x"),
    ("SELECT s._tenant_id INTO finance.x FROM silver.sale AS s;", "_tenant_id"),
    ("SELECT silver.sale.id INTO finance.x FROM silver.sale;", "column silver.sale.id with a schema"),
    ("SELECT s.id INTO silver.x FROM silver.sale AS s;", "INTO silver.x"),
    ("SELECT s.id INTO #x FROM silver.sale AS s;", "INTO"),
    # One SELECT … INTO, and nothing else.
    ("SELECT s.id FROM silver.sale AS s;", "SELECT beside"),
    ("SELECT s.id INTO finance.x FROM silver.sale AS s UNION SELECT 2 AS id;", "SELECT"),
    ("UPDATE silver.sale SET id = 1;", "UPDATE"),
    ("EXEC sp_who;", "EXEC"),
    ("IF 1 = 1 SELECT 1 AS a;", "IF"),
    ("DECLARE @x int; SELECT @x AS a INTO finance.x FROM silver.sale AS s;", "DECLARE"),
    ("SELECT @x AS a INTO finance.x FROM silver.sale AS s;", "@x"),
    ("SELECT s.id AS a INTO finance.x FROM silver.sale AS s; SELECT 1 AS b INTO finance.y;", "SELECT beside"),
    ("DECLARE @as_of date;\nGO\nSELECT @as_of AS a INTO finance.x FROM silver.sale AS s;", "@as_of"),
    ("SELECT (1 INTO finance.x;", "near"),
]


@pytest.mark.parametrize(("body", "what"), REFUSED, ids=[body for body, _ in REFUSED])
def test_a_construct_is_refused_by_name(write_script: Write, body: str, what: str) -> None:
    checked = check_script(read_script(write_script(body)))
    assert any(what.lower() in problem.what.lower() for problem in checked.problems), checked.problems
    assert all(problem.instead for problem in checked.problems)
    with pytest.raises(ScriptRefused):
        translate(checked)


def test_a_problem_names_its_file_line_and_column(write_script: Write) -> None:
    path = write_script("SELECT\n    s.id,\n    AVG(s.amount) AS a\nINTO finance.x\nFROM silver.sale AS s;")
    (problem,) = check(path.parent)
    assert (problem.file, problem.line, problem.column) == (path, 6, 5)
    assert str(problem).startswith(f"{path}:6:5: AVG: ")


def test_a_script_without_a_header_has_no_owner(write_script: Write) -> None:
    path = write_script("SELECT s.id INTO finance.x FROM silver.sale AS s;", header="")
    assert [problem.what for problem in check(path.parent)] == [
        f"no {x} in the header" for x in ("description", "owner", "title")
    ]


def test_the_scripts_of_the_project_have_no_problems() -> None:
    from orchestration.settings import PROJECT

    assert check(PROJECT / "sql_scripts" / "financial") == []
