"""Of which columns dbt's models make theirs, told from the SQL that dbt compiled of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from orchestration.names import PLATFORM, TENANT, Table
from orchestration.scripts.lineage.columns import ColumnSources
from orchestration.scripts.lineage.tracing import trace
from orchestration.scripts.tables import Name

Stored = Mapping[Table, Iterable[str]]
"""The columns of tables, the platform's and personal ones too."""


def compiled_models(folders: Iterable[Path], tables: Iterable[Table]) -> dict[Table, str]:
    """Return the compiled SQL of each model below some folders: dbt's targets, one for each of its runs.

    The newest that builds the model from its start counts: later builds of an incremental model read the model itself.
    """
    wanted = {name: (schema, name) for schema, name in tables}
    found: dict[Table, list[Path]] = {}
    for folder in folders:
        for path in folder.glob("compiled/*/models/**/*.sql"):
            if path.is_file() and path.stem in wanted:
                found.setdefault(wanted[path.stem], []).append(path)
    return {table: _from_the_start(paths, table) for table, paths in found.items()}


def _from_the_start(paths: Iterable[Path], table: Table) -> str:
    newest_first = sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)
    texts = [path.read_text(encoding="utf-8") for path in newest_first]
    own = f'"{table[0]}"."{table[1]}"'
    return next((text for text in texts if own not in text), texts[0])


def model_reads(compiled: Mapping[Table, str], dialect: str = "duckdb") -> dict[Table, tuple[Table, ...]]:
    """Return the tables that each model names; a model whose SQL cannot be parsed is not among the results."""
    found: dict[Table, tuple[Table, ...]] = {}
    for table, sql in compiled.items():
        try:
            tree = sqlglot.parse_one(sql, dialect=dialect)
        except SqlglotError:
            continue
        found[table] = tuple(
            sorted({(node.db, node.name) for node in tree.find_all(exp.Table) if node.db not in ("", PLATFORM)})
        )
    return found


def model_lineage(compiled: Mapping[Table, str], stored: Stored, dialect: str = "duckdb") -> dict[Table, ColumnSources]:
    """Return the sources of each model's columns; a model whose SQL does not tell them is not among the results."""
    schema = MappingSchema(dialect=dialect)
    for table, columns in stored.items():
        schema.add_table(exp.table_(table[1], table[0]), dict.fromkeys(columns, "text"))
    found = {table: _sources(sql, schema, dialect) for table, sql in compiled.items()}
    return {table: sources for table, sources in found.items() if sources}


def _sources(sql: str, schema: MappingSchema, dialect: str) -> ColumnSources:
    try:
        tree = sqlglot.parse_one(sql, dialect=dialect)
        for node in tree.find_all(exp.Table):
            node.set("catalog", None)
        tree = qualify(tree, dialect=dialect, schema=schema, validate_qualify_columns=False)
    except SqlglotError:
        return {}
    return {
        name: sorted((table, column) for table, column in made if _is_data(table) and column != TENANT)  # type: ignore[misc]  # a compiled model names no #t
        for name, made in trace(tree)
    }


def _is_data(table: Name) -> bool:
    return not isinstance(table, str) and table[0] != PLATFORM
