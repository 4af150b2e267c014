"""Every column of a script's tables leads to the columns that it is made of, whatever lies between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.scripts.lineage.columns import column_lineage
from orchestration.scripts.lineage.graph import column_graph
from orchestration.scripts.lineage.models import model_lineage, model_reads
from orchestration.scripts.program import Program

Write = Callable[..., Path]
Compile = Callable[[Path], Program]


def sources(program: Program, table: str = "x") -> dict[str, str]:
    assert [problem for problem in program.problems if problem.severity == "error"] == []
    found = column_lineage(program)["finance", table]
    return {name: " ".join(".".join((*read, column)) for read, column in made) for name, made in found.items()}


ID, AMOUNT, RATE = "silver.sale.id", "silver.sale.amount", "bronze_product.rate.rate"
SCRIPTS = [
    ("SELECT s.id AS a, s.amount * 2 + s.id AS b, 1 AS c INTO finance.x FROM silver.sale AS s;",
     {"a": ID, "b": f"{AMOUNT} {ID}", "c": ""}),
    # What only chooses rows is no source.
    (("SELECT s.id AS a INTO finance.x FROM silver.sale AS s JOIN bronze_product.rate AS r ON r.code = s.customer "
     "WHERE s.amount > 1;"), {"a": ID}),
    ("SELECT id AS a INTO finance.x FROM silver.sale;", {"a": ID}),
    ("SELECT * INTO finance.x FROM bronze_product.rate AS r;",
     {"code": "bronze_product.rate.code", "rate": RATE}),
    # CTEs: one that hides a table's name, one with names of its own, one that calls itself.
    (("WITH sale AS (SELECT s.amount AS id FROM silver.sale AS s), b (n) AS (SELECT x.id FROM sale AS x) "
     "SELECT b.n AS a INTO finance.x FROM b;"), {"a": AMOUNT}),
    (("WITH n AS (SELECT s.id, s.amount FROM silver.sale AS s UNION ALL SELECT n.id + 1, n.amount FROM n "
     "WHERE n.id < 3) SELECT n.id AS a, n.amount AS b INTO finance.x FROM n;"), {"a": ID, "b": AMOUNT}),
    # Derived tables, subqueries, APPLY, UNION, windows, CASE.
    ("SELECT t.n AS a INTO finance.x FROM (SELECT SUM(s.amount) AS n FROM silver.sale AS s) AS t;", {"a": AMOUNT}),
    (("SELECT (SELECT MAX(r.rate) FROM bronze_product.rate AS r WHERE r.code = s.customer) AS a "
     "INTO finance.x FROM silver.sale AS s;"), {"a": RATE}),
    (("SELECT p.v AS a INTO finance.x FROM silver.sale AS s CROSS APPLY (SELECT s.amount * r.rate AS v "
     "FROM bronze_product.rate AS r) AS p;"), {"a": f"{RATE} {AMOUNT}"}),
    ("SELECT s.id AS a INTO finance.x FROM silver.sale AS s UNION ALL SELECT s.quantity FROM silver.sale AS s;",
     {"a": f"{ID} silver.sale.quantity"}),
    ("SELECT SUM(s.amount) OVER (PARTITION BY s.id ORDER BY s.sold_on) AS a INTO finance.x FROM silver.sale AS s;",
     {"a": AMOUNT}),
    ("SELECT v.n AS a INTO finance.x FROM silver.sale AS s CROSS APPLY (VALUES (s.id), (s.quantity)) AS v (n);",
     {"a": f"{ID} silver.sale.quantity"}),
    # #temp, @table and variables, one after the other.
    (("SELECT s.id, s.amount INTO #a FROM silver.sale AS s; SELECT a.amount AS n INTO #b FROM #a AS a;"
     "SELECT b.n AS a INTO finance.x FROM #b AS b;"), {"a": AMOUNT}),
    (("DECLARE @t TABLE (n int, m decimal(18,2)); INSERT INTO @t (m, n) SELECT s.amount, s.id FROM silver.sale AS s;"
     "SELECT t.n AS a, t.m AS b INTO finance.x FROM @t AS t;"), {"a": ID, "b": AMOUNT}),
    (("DECLARE @most decimal(18,2) = (SELECT MAX(s.amount) FROM silver.sale AS s);"
     "SELECT s.id * @most AS a INTO finance.x FROM silver.sale AS s;"), {"a": f"{AMOUNT} {ID}"}),
    # UPDATE and MERGE add to what INTO made; a #table that is dropped and made anew begins anew.
    (("SELECT s.id, s.amount AS n INTO #t FROM silver.sale AS s;"
     "UPDATE t SET n = t.n * r.rate FROM #t AS t JOIN bronze_product.rate AS r ON r.code = 'EUR';"
     "SELECT t.n AS a INTO finance.x FROM #t AS t;"), {"a": f"{RATE} {AMOUNT}"}),
    (("SELECT s.id, s.amount AS n INTO finance.x FROM silver.sale AS s;"
     "MERGE INTO finance.x AS t USING (SELECT r.rate, 7 AS id FROM bronze_product.rate AS r) AS r ON r.id = t.id "
     "WHEN MATCHED THEN UPDATE SET n = r.rate WHEN NOT MATCHED THEN INSERT (id, n) VALUES (r.id, 0);"),
     {"id": ID, "n": f"{RATE} {AMOUNT}"}),
    (("SELECT s.id AS n INTO #t FROM silver.sale AS s; DROP TABLE #t;\nGO\nSELECT s.amount AS n INTO #t "
     "FROM silver.sale AS s; SELECT t.n AS a INTO finance.x FROM #t AS t;"), {"a": AMOUNT}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), SCRIPTS, ids=[body[:60] for body, _ in SCRIPTS])
def test_a_column_leads_to_what_it_is_made_of(
    write_script: Write, compiled: Compile, body: str, expected: dict[str, str]
) -> None:
    assert sources(compiled(write_script(body))) == expected


def test_a_table_that_the_script_itself_built_is_a_source(write_script: Write, compiled: Compile) -> None:
    first = "SELECT s.id INTO finance.first FROM silver.sale AS s;"
    program = compiled(write_script(f"{first} SELECT f.id AS a INTO finance.x FROM finance.first AS f;"))
    assert sources(program) == {"a": "finance.first.id"}
    assert sources(program, "first") == {"id": ID}


def test_dbts_models_are_followed_by_their_compiled_sql() -> None:
    sql = """
    with living as (select * from "warehouse"."bronze_product"."rate" where _deleted_at is null)
    select living._tenant_id, living.code as currency, coalesce(living.rate, other.rate) as rate
    from living left join "warehouse"."silver"."other" as other using (code)
    """
    stored = {
        ("bronze_product", "rate"): ["_tenant_id", "code", "rate", "_deleted_at"],
        ("silver", "other"): ["code", "rate"],
    }
    table = ("silver", "rate")
    assert model_lineage({table: sql}, stored)[table] == {
        "_tenant_id": [],
        "currency": [(("bronze_product", "rate"), "code")],
        "rate": [(("bronze_product", "rate"), "rate"), (("silver", "other"), "rate")],
    }
    assert model_reads({table: sql}) == {table: (("bronze_product", "rate"), ("silver", "other"))}


def test_a_model_that_cannot_be_read_is_unknown_and_not_empty() -> None:
    assert model_lineage({("silver", "x"): "select ("}, {}) == {}
    graph = column_graph({("silver", "x"): ["a"]}, {})
    assert graph.unknown == {("silver", "x", "a")}
