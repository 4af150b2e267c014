"""The SQL Server target compiles without a server, and all it compiles to is T-SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest
import sqlglot
from sqlglot import exp


class Bronze(Protocol):
    def execute(self, sql: str) -> list[tuple[Any, ...]]: ...


class Dbt(Protocol):
    scratch: Path
    manifest: dict[str, Any]

    def run(self, *arguments: str, warehouse: Path, **environment: str) -> None: ...


@pytest.fixture(scope="session")
def compiled(dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All compiled SQL by file: of a first build, and of later builds where that differs."""
    offline = type(dbt)(tmp_path_factory.mktemp("sqlserver"))
    found = {}
    for build, selection in (("first", "*"), ("later", "config.materialized:incremental")):
        offline.run(
            "compile", "--no-populate-cache", "--no-introspect", "--exclude", "resource_type:unit_test",
            "--select", selection, warehouse=Path("unused"), DBT_OFFLINE=build, STRATA_DBT_TARGET="sqlserver",
        )  # fmt: skip
        folder = offline.scratch / "target" / "compiled" / "strata"
        found |= {f"{build} {path.relative_to(folder)}": path.read_text() for path in sorted(folder.rglob("*.sql"))}
    return found


@pytest.mark.proves("dbt: the project compiles for SQL Server")
def test_everything_parses_as_tsql(compiled: dict[str, str]) -> None:
    assert len(compiled) > 100
    for name, sql in compiled.items():
        for statement in sqlglot.parse(sql, dialect="tsql"):
            assert statement is not None, name
            assert not list(statement.find_all(exp.Command)), name


def test_nothing_is_said_that_only_other_engines_know(compiled: dict[str, str]) -> None:
    for name, sql in compiled.items():
        for statement in sqlglot.parse(sql, dialect="tsql"):
            assert statement is not None
            assert not list(statement.find_all(exp.DPipe)), f"{name}: || joins text"
            assert not list(statement.find_all(exp.Limit)), f"{name}: LIMIT"
            assert not list(statement.find_all(exp.Boolean)), f"{name}: TRUE or FALSE as a value"
            for group in statement.find_all(exp.Group):
                assert not any(isinstance(item, exp.Literal) for item in group.expressions), f"{name}: GROUP BY 1"
            for select in statement.find_all(exp.Select):
                values = [item.unalias() for item in select.expressions]
                assert not any(isinstance(value, exp.Predicate) for value in values), f"{name}: a condition as a value"


def test_what_sql_server_would_run_says_what_duckdb_built(
    compiled: dict[str, str], first_day: Bronze, dbt: Dbt
) -> None:
    """Translated to DuckDB by sqlglot: an independent reading of our T-SQL, not SQL Server itself."""
    models = [node for node in dbt.manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) > 40
    for node in models:
        statement = sqlglot.parse_one(compiled[f"first models/{node['path']}"], dialect="tsql")
        built = f"SELECT * FROM {node['schema']}.{node['name']}"
        assert _sorted(first_day.execute(_in_duckdb(statement))) == _sorted(first_day.execute(built)), node["name"]


def _in_duckdb(statement: exp.Expression) -> str:
    for table in statement.find_all(exp.Table):
        table.set("catalog", None)
    for kind in statement.find_all(exp.DataType):
        if kind.this == exp.DataType.Type.BIT:
            kind.set("this", exp.DataType.Type.BOOLEAN)
        if kind.find(exp.Var):
            kind.set("expressions", [])
    for digest in list(statement.find_all(exp.SHA2)):
        _as_duckdb_digests(digest)
    return statement.sql(dialect="duckdb")


def _as_duckdb_digests(digest: exp.SHA2) -> None:
    """DuckDB's text is UTF-8 and its digests are hexadecimal already; + of two texts joins them."""
    for collated in list(digest.find_all(exp.Collate)):
        collated.replace(collated.this)
    joined = digest.find(exp.Add)
    assert joined
    joined.replace(exp.DPipe(this=joined.this, expression=joined.expression))
    assert isinstance(digest.parent, exp.Convert)
    digest.parent.replace(digest)


def _sorted(rows: list[tuple[Any, ...]]) -> list[str]:
    return sorted(map(repr, rows))


def test_no_view_selects_a_star(compiled: dict[str, str], first_day: object, dbt: Dbt) -> None:
    nodes = [node for node in dbt.manifest["nodes"].values() if node["config"]["materialized"] == "view"]
    assert len(nodes) > 20
    for node in nodes:
        sql = compiled[f"first models/{node['path']}"]
        for statement in sqlglot.parse(sql, dialect="tsql"):
            assert statement is not None
            assert not any(select.is_star for select in statement.find_all(exp.Select)), node["name"]
