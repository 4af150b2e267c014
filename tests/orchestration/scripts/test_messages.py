"""A message tells an analyst what to write, in the words of the script, and once for each fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.scripts import read_script
from orchestration.scripts.problems import Problem
from orchestration.scripts.program import compile_script
from orchestration.scripts.types import DATE, INT, NVARCHAR_MAX, Catalog, decimal

Write = Callable[..., Path]
CATALOG: Catalog = {
    ("silver", "sale"): {"id": INT, "customer": NVARCHAR_MAX, "sold_on": DATE, "amount": decimal(18, 2)},
    ("silver", "customer"): {"id": INT, "email": NVARCHAR_MAX},
    ("bronze_product", "customer"): {"id": INT, "country": NVARCHAR_MAX},
}
FROM = "INTO finance.x FROM silver.sale AS s"


def faults(path: Path) -> list[Problem]:
    return [item for item in compile_script(read_script(path), CATALOG).problems if item.severity == "error"]


ONE = [
    (f"SELECT dbo.fn_x(s.id) AS a {FROM};", 8, "dbo.fn_x()", "expression"),
    (f"SELECT s.id {FROM} WHERE", None, "near 'WHERE'", ""),
    (f"SELECT s.id, s.id + 1 {FROM};", 14, "column 2", "AS name"),
    (f"SELECT s.id {FROM} WHERE s.sold_on = @as_of;", None, "@as_of", "DECLARE @as_of date;"),
    (f"DECLARE @as_of date;\nGO\nSELECT @as_of AS a {FROM};", None, "@as_of", "behind GO: DECLARE @as_of date;"),
    (f"DECLARE @as_of datetime;\nSELECT @as_of AS a, @as_of AS b {FROM};", None, "@as_of", "DECLARE @as_of date;"),
    (f"DECLARE @d nonsense(3);\nSELECT @d AS a, @d AS b {FROM};", None, "@d", "decimal"),
    (f"DECLARE @d decimal(;\nSELECT @d AS a, @d AS b {FROM};", None, "DECLARE", ""),
    ("SELECT s.id INTO dbo.x FROM silver.sale AS s;", 18, "dbo.x", "Write finance.x"),
    (f"SELECT s.id {FROM};\nUPDATE silver.sale SET id = 1;", 8, "silver.sale", "SELECT … INTO #sale FROM silver.sale"),
    (f'SELECT s.id {FROM} WHERE s.customer = "EUR";', None, "column [EUR]", "single quotes: 'EUR'"),
    (f"SELECT FOO(s.id) AS a {FROM};", 8, "FOO()", "docs/analyst"),
    (f"SELECT LENGTH(s.customer) AS a {FROM};", 8, "LENGTH()", "LEN(x)"),
    (f"SELECT s._tenant_id {FROM};", 8, "column s._tenant_id", "Leave it out"),
    ("SELECT c.email INTO finance.x FROM bronze_product.customer AS c;", 8, "column c.email", "silver.customer.email"),
    (f"SELECT YEAR(s.sold_on) AS y {FROM} WHERE y > 2000;", None, "column y", "expression: YEAR(s.sold_on)"),
    (f"SELECT YEAR(s.sold_on) AS y, COUNT(*) AS n {FROM} GROUP BY y;", None, "column y", "YEAR(s.sold_on)"),
    ("INSERT INTO finance.x SELECT 1 AS a;", None, "finance.x", "CREATE TABLE finance.x"),
    (f"SELECT ROUND(s.amount) AS a {FROM};", 8, "ROUND()", "ROUND(a, b)"),
    ("SELECT x.id INTO finance.x FROM finance.x AS x;", None, "finance.x", "the tables that it is made of"),
    (
        f"SELECT (SELECT ', ' + c.email FROM silver.customer AS c FOR XML PATH('')) AS a {FROM};",
        57,
        "FOR XML",
        "STRING_AGG(x, ', ') WITHIN GROUP (ORDER BY …)",
    ),
    (
        f"SELECT (SELECT c.email FROM silver.customer AS c FOR JSON PATH, ROOT('a')) AS a {FROM};",
        50,
        "FOR JSON",
        "STRING_AGG",
    ),
    (
        f"SELECT SUM(s.id) OVER w AS a, MAX(s.id) OVER w AS b {FROM} WINDOW w AS (PARTITION BY s.customer);",
        90,
        "WINDOW",
        "each OVER (…)",
    ),
    (f"SELECT s.customer COLLATE Latin1_General_CS_AS AS a {FROM};", 8, "COLLATE", "Leave it out"),
    (f"SELECT s.id s.amount {FROM};", 13, "near 's'", "comma missing before s"),
    (f"SELECT s.id,\n    s.customer AS a\n    s.amount {FROM};", 5, "near 's'", "comma missing before s"),
    (f"SELECT CASE WHEN s.id = 1 THEN 2 END SUM(s.id) OVER () AS b {FROM};", 38, "near 'SUM'", "comma missing"),
    (f"SELECT s.id, sale.amount {FROM};", 14, "column sale.amount", "Write s.amount."),
    ("SELECT sale.*, s.id INTO finance.x FROM silver.sale AS s;", 8, "sale.*", "Write s.*"),
    (
        "SELECT DATE_BUCKET(week, 1, s.sold_on) AS a INTO finance.x FROM silver.sale AS s;",
        8,
        "DATE_BUCKET",
        "DATETRUNC",
    ),
    (
        f"SELECT p.value {FROM} CROSS APPLY STRING_SPLIT(s.customer, ',', 1) AS p;",
        None,
        "third argument",
        "Leave it out",
    ),
    (f"SELECT 'Invoice ' + s.amount AS a {FROM};", 8, "'Invoice ' as decimal(18,2)", "CONCAT"),
    (f"SELECT 'x' + 1 AS a {FROM};", 8, "'x' as int", "CONCAT"),
    (f"SELECT ISNULL(s.amount, 'n/a') AS a {FROM};", 8, "'n/a' as decimal(18,2)", "CAST the other side AS varchar"),
    (f"SELECT CASE s.id WHEN 1 THEN s.amount ELSE 'none' END AS a {FROM};", None, "'none' as decimal(18,2)", "varchar"),
    (f"SELECT IIF(s.id = 1, s.id, '-') AS a {FROM};", 8, "'-' as int", "CAST the other side AS varchar"),
    (f"SELECT COALESCE(s.sold_on, 'open') AS a {FROM};", 8, "'open' as a date", "CAST the other side AS varchar"),
    (f"SELECT COALESCE(CAST(s.amount AS money), 'no') AS a {FROM};", 8, "'no' as money", "varchar"),
    (f"SELECT s.id {FROM} JOIN finance.mrr_months AS m ON m.id = s.id;", None, "finance.mrr_months", "Check the name."),
    (f"SELECT s.id {FROM} WHERE s.id s.amount;", None, "near", "semicolon"),
]


@pytest.mark.parametrize(("body", "column", "what", "instead"), ONE, ids=[body for body, *_ in ONE])
def test_a_fault_is_told_once_at_its_word_with_what_to_write(
    write_script: Write, body: str, column: int | None, what: str, instead: str
) -> None:
    found = [item for item in faults(write_script(body)) if item.what != "no SELECT … INTO"]
    (problem,) = found
    assert what in problem.what
    assert instead in problem.instead
    assert column in (None, problem.column)
    assert not any(word in str(problem) for word in ("sqlglot", "tsql_", "TSQL_", "DOT:", "DPIPE", "BOOLEAN"))


@pytest.mark.parametrize(("body", "column", "what"), [
    (f"SELECT s.customer || 'a' AS a {FROM};", None, "||"), (f"SELECT s.id {FROM} WHERE TRUE;", 56, "TRUE"),
    (f"SELECT s.id {FROM} QUALIFY ROW_NUMBER() OVER (ORDER BY s.id) = 1;", 50, "QUALIFY"),
])  # fmt: skip
def test_a_word_of_another_database_is_told_where_it_stands(
    write_script: Write, body: str, column: int | None, what: str
) -> None:
    (told,) = [item for item in faults(write_script(body)) if item.what == what]
    assert column in (None, told.column)


def test_an_alias_that_there_is_not_is_told_of_with_those_that_there_are(write_script: Write) -> None:
    (problem,) = faults(write_script(f"SELECT sale.amount AS a {FROM};"))
    assert problem.why == "no table here is called sale; there is s."


@pytest.mark.parametrize("value", ["ISNULL(s.amount, '0')", "'1.5' + s.amount", "COALESCE(s.sold_on, '2026-01-01')",
                                   "CASE WHEN s.id = 1 THEN s.customer ELSE 'none' END", "ISNULL(s.id, '')",
                                   "COALESCE(CAST(s.amount AS money), '$1,000.50')", "'No ' + s.customer"])  # fmt: skip
def test_a_text_that_becomes_a_number_or_a_date_is_none(write_script: Write, value: str) -> None:
    assert faults(write_script(f"SELECT {value} AS a {FROM};")) == []


def test_a_default_of_as_of_is_not_looked_at(write_script: Write) -> None:
    body = f"DECLARE @as_of date = GETDATE();\nSELECT s.id {FROM} WHERE s.sold_on <= @as_of;"
    assert compile_script(read_script(write_script(body)), CATALOG).problems == ()


def test_a_function_says_how_many_arguments_it_takes(write_script: Write) -> None:
    (problem,) = faults(write_script(f"SELECT ISNULL(s.id) AS a {FROM};"))
    assert problem.why == "it takes 2 arguments, and here it has 1."


@pytest.mark.parametrize("text", ["", "-- nothing yet\n", "/* title: A\n owner: b\n description: c */\n"])
def test_an_empty_script_is_one_error(write_script: Write, text: str) -> None:
    assert [item.what for item in faults(write_script(text, header=""))] == ["an empty script"]


def test_a_header_that_is_not_there_is_one_error_with_the_lines_to_write(write_script: Write) -> None:
    whole = faults(write_script(f"SELECT s.id {FROM};", header=""))
    assert [item.what for item in whole] == ["no title, owner and description in the header"]
    (part,) = faults(write_script(f"SELECT s.id {FROM};", header="/* title: A\n   description: b */\n"))
    assert (part.what, part.instead.endswith("owner: …")) == ("no owner in the header", True)
