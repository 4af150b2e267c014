"""The engine's statements, written once in DuckDB's words, mean the same on a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from orchestration.settings import Settings
from orchestration.warehouse.protocol import Row
from orchestration.warehouse.sqlserver.rendering import to_tsql
from orchestration.warehouse.sqlserver.session import SqlServerSession
from orchestration.warehouse.sqlserver.warehouse import SqlServerWarehouse

ROWS = [
    (1, "a", True, 10, "2026-01-31 10:00:00.123456"),
    (2, "A", False, None, "2026-02-28 00:00:00"),
    (3, "Grün ' [x]", None, 7, None),
    (4, None, True, 7, "2026-01-31 10:00:00.123457"),
]
MADE = "s.t (id BIGINT, name VARCHAR, well BOOLEAN, n BIGINT, seen TIMESTAMP)"
ANSWERED: list[tuple[str, list[object]]] = [
    ("SELECT id, n = 7, n IS NULL, NOT well, well AND n > 8 FROM s.t ORDER BY id", []),
    ("SELECT true, false, CASE WHEN well THEN 1 ELSE 0 END FROM s.t ORDER BY id", []),
    ("SELECT id FROM s.t WHERE coalesce(n = 7, false) ORDER BY id", []),
    ("SELECT id FROM s.t WHERE coalesce(well, false) OR n = ? ORDER BY id", [7]),
    ("SELECT id FROM s.t WHERE NOT well ORDER BY id", []),
    ("SELECT count(*) FILTER (well), count(*) FILTER (n IS NULL OR coalesce(well, false)) FROM s.t", []),
    ("SELECT count(DISTINCT n) FILTER (WHERE id > ?), sum(n) FILTER (well) FROM s.t WHERE id < ?", [1, 9]),
    ("SELECT min(n) <> max(n), bool_and(n = 7), bool_or(n = 7), avg(n) FROM s.t", []),
    ("SELECT n, count(*) FROM s.t GROUP BY ALL ORDER BY count(*), sum(id)", []),
    ("SELECT id FROM s.t WHERE n IS NOT DISTINCT FROM ? ORDER BY id", [7]),
    ("SELECT a.id, b.id FROM s.t a JOIN s.t b ON a.n IS NOT DISTINCT FROM b.n WHERE a.id < b.id", []),
    ("SELECT id FROM s.t WHERE n IS DISTINCT FROM 7 ORDER BY id", []),
    ("SELECT id FROM s.t WHERE name COLLATE C IN ('a', 'Grün '' [x]') ORDER BY id", []),
    ("SELECT id FROM s.t WHERE list_contains(?, name) AND id <> 2 ORDER BY id", [["Grün ' [x]", "a"]]),
    ("SELECT id FROM s.t ORDER BY id DESC LIMIT ?", [2]),
    ("SELECT max(id), ? FROM s.t WHERE id > ? GROUP BY well ORDER BY 1 LIMIT ?", ["x", 1, 1]),
    ("SELECT id || ':' || n FROM s.t WHERE n = 7 ORDER BY id", []),
    ("SELECT a.id FROM s.t a SEMI JOIN s.t b ON b.n = a.n AND b.id > a.id", []),
    ("SELECT id FROM s.t a ANTI JOIN (SELECT id FROM s.t WHERE n = 7) USING (id) ORDER BY id", []),
    ("SELECT id, n FROM s.t LEFT JOIN (SELECT id, 5 AS five FROM s.t WHERE well) AS w USING (id) ORDER BY id", []),
    ("SELECT id FROM s.t QUALIFY row_number() OVER (PARTITION BY n ORDER BY id DESC) = 1 ORDER BY id", []),
    ("SELECT max(seen), min(seen) FROM s.t WHERE seen >= ?", ["2026-01-31 10:00:00.123457"]),
    ("WITH few AS (SELECT id FROM s.t WHERE id < ?) SELECT count(*), EXISTS (SELECT 1 FROM few) FROM few", [3]),
    ("SELECT id FROM (SELECT id, n FROM s.t WHERE n = ?) ORDER BY id", [7]),
]
CHANGED: list[tuple[str, list[object]]] = [
    ("UPDATE s.t SET n = ?, well = (n = ?) WHERE id > ?", [1, 7, 1]),
    ("UPDATE s.t SET name = CASE WHEN name COLLATE C IN ('A') THEN NULL ELSE name END", []),
    ("DELETE FROM s.t WHERE (CASE WHEN n = 7 THEN 1 ELSE 0 END = 1)", []),
    ("INSERT INTO s.t (id, name, well) VALUES (?, ?, true)", [9, "ß"]),
    ("CREATE OR REPLACE TABLE s.w AS SELECT id, name FROM s.t WHERE id > ?", [1]),
    ("INSERT INTO s.t (id, name, well) SELECT id + 10, name, n IS NULL FROM s.t", []),
]


def tsql(sql: str) -> str:
    return to_tsql(sqlglot.parse_one(sql, read="duckdb")).sql


@pytest.fixture(scope="module")
def server(
    new_tsql_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqlServerSession]:
    home: Path = tmp_path_factory.mktemp("rendering")
    settings = Settings(home=home, warehouse="sqlserver", sqlserver_connection=new_tsql_database(), _env_file=None)
    with SqlServerWarehouse(settings).session("rendering") as session:
        session.run("CREATE SCHEMA s")
        session.run("CREATE TABLE s.t (id bigint, name nvarchar(100), well bit, n bigint, seen datetime2(6))")
        yield session


def rows_of(run: Callable[[str, list[object]], list[Row]]) -> None:
    run("DELETE FROM s.t", [])
    for row in ROWS:
        run("INSERT INTO s.t (id, name, well, n, seen) VALUES (?, ?, ?, ?, CAST(? AS TIMESTAMP))", list(row))


@pytest.fixture
def embedded() -> Iterator[Callable[[str, list[object]], list[Row]]]:
    with duckdb.connect(":memory:") as con:
        con.execute("CREATE SCHEMA s")
        con.execute(f"CREATE TABLE {MADE}")
        yield lambda sql, values: con.execute(sql, values).fetchall()


@pytest.mark.sqlserver
@pytest.mark.parametrize(("sql", "values"), ANSWERED, ids=[sql for sql, _ in ANSWERED])
def test_a_query_finds_the_same_on_both(
    server: SqlServerSession, embedded: Callable[[str, list[object]], list[Row]], sql: str, values: list[object]
) -> None:
    rows_of(embedded)
    rows_of(server.execute)
    assert server.execute(sql, values) == embedded(sql, values)


@pytest.mark.sqlserver
@pytest.mark.parametrize(("sql", "values"), CHANGED, ids=[sql for sql, _ in CHANGED])
def test_a_change_leaves_the_same_on_both(
    server: SqlServerSession, embedded: Callable[[str, list[object]], list[Row]], sql: str, values: list[object]
) -> None:
    left = []
    for run in (server.execute, embedded):
        rows_of(run)
        run(sql, values)
        left.append(run("SELECT id, name, well, n, seen FROM s.t ORDER BY id", []))
    assert left[0] == left[1]


def test_every_form_is_read_as_tsql() -> None:
    for sql, _ in [*ANSWERED, *CHANGED]:
        assert sqlglot.parse_one(tsql(sql).replace("?", "@p"), read="tsql") is not None


def test_a_condition_that_can_be_neither_is_null_as_a_value() -> None:
    assert tsql("SELECT a = b AS x FROM s.t") == (
        "SELECT CAST(CASE WHEN [a] = [b] THEN 1 WHEN NOT ([a] = [b]) THEN 0 END AS BIT) AS [x] FROM [s].[t]"
    )
    assert tsql("SELECT a IS NULL AS x FROM s.t") == (
        "SELECT CAST(CASE WHEN [a] IS NULL THEN 1 ELSE 0 END AS BIT) AS [x] FROM [s].[t]"
    )


def test_an_assignment_is_no_comparison() -> None:
    assert tsql("UPDATE s.t SET a = ?, b = ? WHERE c = ?") == "UPDATE [s].[t] SET [a] = ?, [b] = ? WHERE [c] = ?"


def test_a_table_that_is_replaced_goes_first() -> None:
    assert tsql("CREATE OR REPLACE TABLE s.t (a BIGINT, b VARCHAR)") == (
        "DROP TABLE IF EXISTS [s].[t]; CREATE TABLE [s].[t] ([a] BIGINT, [b] NVARCHAR(MAX))"
    )


def test_texts_keep_signs_that_a_code_page_has_not() -> None:
    assert tsql("SELECT 1 FROM s.t WHERE a = 'Grün' AND b = 'plain'") == (
        "SELECT 1 FROM [s].[t] WHERE [a] = N'Grün' AND [b] = 'plain'"
    )


@given(st.text(alphabet="ab'?[]\\é\n", min_size=1, max_size=12))
def test_a_text_is_never_taken_for_anything_else(text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    rendered = to_tsql(sqlglot.parse_one(f"SELECT {quoted} AS x, ? AS y FROM s.t", read="duckdb"))
    (found,) = sqlglot.parse_one(rendered.sql, read="tsql").find_all(sqlglot.exp.Literal, sqlglot.exp.National)
    assert (found.name, rendered.order) == (text, (0,))


@given(st.text(alphabet="ab \"'[]é", min_size=1, max_size=12).filter(str.strip))
def test_a_name_is_quoted_as_the_server_quotes(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    assert tsql(f"SELECT {quoted} FROM s.t") == f"SELECT [{name.replace(']', ']]')}] FROM [s].[t]"
