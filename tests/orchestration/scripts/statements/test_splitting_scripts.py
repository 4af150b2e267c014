"""A script's statements are found with and without semicolons, whatever stands between them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.scripts.problems import Problem
from orchestration.scripts.source import Header, Script
from orchestration.scripts.statements import Kind, Statement, parse

STATEMENTS = {
    "DECLARE @n int = 1, @d date": Kind.DECLARE,
    "DECLARE @t TABLE (id int NOT NULL, PRIMARY KEY (id))": Kind.DECLARE,
    "SET @n += CASE WHEN @n = 1 THEN 2 ELSE 3 END": Kind.SET,
    "SET NOCOUNT ON": Kind.IGNORED,
    "PRINT 'SELECT 1; DROP TABLE x'": Kind.IGNORED,
    "CREATE CLUSTERED INDEX ix ON #a (id)": Kind.IGNORED,
    "SELECT @n = 2, @d = '2026-01-01'": Kind.ASSIGN,
    "SELECT x.[update] AS [select;], (SELECT 1) AS one INTO #a FROM silver.x AS x WITH (NOLOCK)": Kind.SELECT_INTO,
    "SELECT a INTO #b FROM t UNION ALL SELECT b FROM u EXCEPT SELECT 3": Kind.SELECT_INTO,
    "SELECT a INTO #c FROM t ORDER BY a OFFSET 1 ROWS FETCH NEXT 5 ROWS ONLY": Kind.SELECT_INTO,
    "INSERT INTO #a (x) VALUES (1), (CASE WHEN 1 = 1 THEN 2 END)": Kind.INSERT,
    "INSERT #a SELECT TOP (1) WITH TIES a FROM t ORDER BY a": Kind.INSERT,
    "UPDATE a SET a.x = b.x, y *= 2 FROM #a AS a INNER MERGE JOIN #b AS b ON a.x = b.x": Kind.UPDATE,
    "DELETE FROM a FROM #a AS a JOIN #b AS b ON b.x = a.x WHERE a.x > 1": Kind.DELETE,
    "DELETE #a": Kind.DELETE,
    "MERGE finance.x AS t USING #a AS s ON s.x = t.x WHEN MATCHED THEN UPDATE SET y = 1, z -= 2 "
    "WHEN NOT MATCHED THEN INSERT (x) VALUES (s.x) WHEN NOT MATCHED BY SOURCE THEN DELETE;": Kind.MERGE,
    "TRUNCATE TABLE #a": Kind.TRUNCATE,
    "DROP TABLE IF EXISTS #a, finance.x": Kind.DROP,
    "IF OBJECT_ID(N'tempdb..#a', 'U') IS NOT NULL DROP TABLE #a": Kind.DROP,
    "IF (OBJECT_ID('[finance].[x]') IS NOT NULL) DROP TABLE finance.x": Kind.DROP,
    "CREATE TABLE #a (id int DEFAULT (1), CHECK (id > 0))": Kind.CREATE_TABLE,
}
FILLERS = ("\n", " ", " -- SELECT 1\n", "\r\n/* GO\n /* nested; */ DROP */ ")


def read(text: str) -> tuple[list[Statement], list[Problem]]:
    return parse(Script(Path("script.sql"), text, Header()))


@pytest.mark.parametrize(("text", "kind"), STATEMENTS.items())
def test_each_kind_is_told(text: str, kind: Kind) -> None:
    statements, problems = read(text)
    assert problems == []
    assert [item.kind for item in statements] == [kind]


@given(
    st.lists(
        st.tuples(st.sampled_from(list(STATEMENTS)), st.booleans(), st.sampled_from(FILLERS)), min_size=1, max_size=8
    )
)
def test_semicolons_and_comments_change_nothing(written: list[tuple[str, bool, str]]) -> None:
    text = "".join(
        f"{body.rstrip(';')}{';' if closed or body.startswith('MERGE') else ''}{filler}"
        for body, closed, filler in written
    )
    statements, problems = read(text)
    assert problems == []
    assert [item.kind for item in statements] == [STATEMENTS[body] for body, _, _ in written]
    assert [text[slice(*item.span)] for item in statements] == [body.rstrip(";") for body, _, _ in written]


def test_a_cte_needs_a_semicolon_before_it_as_on_the_server() -> None:
    text = "DECLARE @n int{} WITH c (a) AS (SELECT 1), d AS (SELECT 2 AS b) INSERT INTO #a SELECT a FROM c DELETE #b"
    statements, problems = read(text.format(";"))
    assert [item.kind for item in statements] == [Kind.DECLARE, Kind.INSERT, Kind.DELETE]
    assert problems == []
    _, (problem,) = read(text.format(""))
    assert (problem.what, problem.column, problem.instead) == ("WITH", 16, "Put a semicolon before WITH.")


def test_go_ends_a_batch_where_it_is_no_part_of_a_comment_or_a_text() -> None:
    statements, problems = read("PRINT 'a\nGO\n'\n/*\nGO\n*/\r\nGO -- next\rgo\nPRINT 'b';\nGO 1\nPRINT 'c'")
    assert problems == []
    assert [item.batch for item in statements] == [0, 2, 3]


def test_a_view_takes_its_cte_with_it() -> None:
    text = (
        "CREATE OR ALTER VIEW finance.v WITH SCHEMABINDING AS WITH c AS (SELECT 1 AS a) SELECT a FROM c\nGO\nDELETE #a"
    )
    statements, problems = read(text)
    assert problems == []
    assert [(item.kind, item.batch) for item in statements] == [(Kind.CREATE_VIEW, 0), (Kind.DELETE, 1)]


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("SELECT 1;\n  SELECT (1 AS a;", (2, 16), "near 'a'"),
        ("SELECT 1;\nSELEC 2;", (2, 1), "near 'SELEC'"),
        ("SELECT 1 -- it's\n, 'open", (2, 3), "' without its end"),
        ("SELECT 'a''b', [open FROM t", (1, 16), "[ without its end"),
        ("SELECT 1\r\n/* a /* b */ SELECT 2", (2, 1), "/* without its end"),
        ("SELECT 1\nGO 5", (2, 1), "GO 5"),
        ("SELECT 1\rGO SELECT 2", (2, 1), "GO SELECT 2"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, place: tuple[int, int], what: str) -> None:
    _, (problem,) = read(text)
    assert (problem.what, (problem.line, problem.column)) == (what, place)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("EXEC sp_who", "EXEC"),
        ("INSERT INTO #a EXEC finance.p", "INSERT … EXEC"),
        ("WHILE 1 = 1 BEGIN DELETE #a END", "WHILE"),
        ("IF 1 = 1 SELECT 1 AS a INTO #a ELSE SELECT 2 AS a INTO #a", "IF"),
        ("IF OBJECT_ID('#a') IS NOT NULL DROP TABLE #a", "IF"),
        ("IF OBJECT_ID('finance.a') IS NOT NULL DROP TABLE finance.b", "IF"),
        ("BEGIN TRY DELETE #a END TRY BEGIN CATCH END CATCH", "BEGIN TRY"),
        ("BEGIN TRAN; COMMIT", "BEGIN TRAN"),
        ("DECLARE c CURSOR FOR SELECT 1", "DECLARE … CURSOR"),
        ("CREATE PROCEDURE p AS BEGIN SELECT 1; SELECT 2 END", "CREATE PROCEDURE"),
        ("CREATE OR ALTER FUNCTION f() RETURNS int AS BEGIN RETURN 1 END", "CREATE FUNCTION"),
        ("CREATE UNIQUE INDEX i ON #a (b)", "CREATE UNIQUE"),
        ("ALTER TABLE #a ADD b int", "ALTER"),
        ("USE master", "USE"),
        ("GRANT SELECT ON finance.x TO y", "GRANT"),
        ("SET DATEFIRST 1", "SET DATEFIRST 1"),
        ("SET LANGUAGE German", "SET LANGUAGE GERMAN"),
        ("SET ANSI_NULLS OFF", "SET ANSI_NULLS OFF"),
        ("DELETE TOP (5) FROM #a", "DELETE TOP"),
        ("RAISERROR('a', 16, 1)", "RAISERROR"),
    ],
)
def test_what_a_script_may_not_do_is_refused_by_name(text: str, what: str) -> None:
    _, problems = read(text)
    assert problems[0].what == what
    assert problems[0].why
    assert problems[0].instead
