"""Which tables there are for scripts, with their columns as SQL Server types, without a warehouse at hand or of one.

Bronze follows from the contracts. Silver and gold stand in the committed ``sql_scripts/catalog.yml``, which
``strata generate`` writes from a built warehouse; for each column it also has the columns that dbt's model makes it
of. Finance follows from the scripts, by checking them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from orchestration.contracts.model import Contract
from orchestration.contracts.yaml_file import parse_yaml
from orchestration.names import BRONZE_PREFIX, GOLD, SILVER, Table
from orchestration.quality.personal import personal_columns
from orchestration.scripts.lineage.columns import ColumnSources
from orchestration.scripts.lineage.models import compiled_models, model_lineage, model_reads
from orchestration.scripts.scope import Personal, seen_of
from orchestration.scripts.types import Catalog, SqlType, from_duckdb

FILE = "catalog.yml"
"""The file's name below the folder of all scripts."""
Stored = Mapping[Table, Mapping[str, str]]
"""The columns of a warehouse's tables and views with their DuckDB types."""
_LAYERS = (SILVER, GOLD)
_READS = "_reads"
_WIDTH = 112
_HEAD = """\
# Written by `strata generate` from a built warehouse: the columns of silver and gold that scripts see, with the types
# that they have on SQL Server, and behind <- the columns that the model makes each of (?: not told by its SQL);
# _reads are the tables that the model reads.
"""


@dataclass(frozen=True)
class Described:
    """Tables, of which columns theirs are made, and which tables each reads; what is not there is unknown."""

    columns: Catalog = field(default_factory=dict)
    lineage: Mapping[Table, ColumnSources] = field(default_factory=dict)
    reads: Mapping[Table, tuple[Table, ...]] = field(default_factory=dict)


def catalog_of(stored: Stored, personal: Personal | None = None) -> Catalog:
    """Return what scripts see of the bronze, silver and gold tables of a warehouse.

    A bronze table that ``personal`` does not name has no contract that could be read, and is left out.
    """
    seen = {
        table: columns
        for table, columns in stored.items()
        if table[0] in _LAYERS or (table[0].startswith(BRONZE_PREFIX) and (personal is None or table in personal))
    }
    return seen_of(seen, personal)


def describe(stored: Stored, targets: Iterable[Path], dialect: str) -> Described:
    """Return silver and gold as a built warehouse has them.

    ``targets`` are the folders that dbt built them in, ``dialect`` is sqlglot's word for the SQL that it wrote there.
    """
    columns = {table: found for table, found in catalog_of(stored).items() if table[0] in _LAYERS}
    compiled = compiled_models(targets, columns)
    made = model_lineage(compiled, stored, dialect)
    return Described(
        columns,
        {
            table: {name: made[table][name] for name in columns[table] if name in made[table]}
            for table in columns
            if table in made
        },
        model_reads(compiled, dialect),
    )


def bronze_catalog(contracts: Iterable[Contract]) -> Catalog:
    """Return what scripts see of the bronze tables of contracts: no personal columns, and none of the platform's."""
    known = list(contracts)
    hidden = personal_columns(known)
    return {
        contract.table: {
            column.name: from_duckdb(column.type.duckdb)
            for column in contract.columns
            if column.name not in hidden[contract.table]
        }
        for contract in known
    }


def catalog_path(scripts_dir: Path) -> Path:
    """Return where the catalogue of silver and gold is kept."""
    return scripts_dir / FILE


def read_catalog(path: Path) -> Described:
    """Read the catalogue of silver and gold; a file that is not there describes nothing."""
    if not path.exists():
        return Described()
    document = parse_yaml(path.read_text(encoding="utf-8"))
    columns: dict[Table, dict[str, SqlType]] = {}
    lineage: dict[Table, dict[str, list[tuple[Table, str]]]] = {}
    reads: dict[Table, tuple[Table, ...]] = {}
    for name, entries in (document or {}).items():
        table = _table(name)
        if text := entries.pop(_READS, ""):
            reads[table] = tuple(_table(item.strip()) for item in text.split(","))
        for column, text in entries.items():
            kind, _, sources = (part.strip() for part in str(text).partition("<-"))
            columns.setdefault(table, {})[column] = _type(kind)
            if sources != "?":
                lineage.setdefault(table, {})[column] = [_source(item) for item in sources.split(", ") if item]
    return Described(columns, lineage, reads)


def render_catalog(described: Described) -> str:
    """Return the file's text."""
    lines = [_HEAD]
    for table, columns in sorted(described.columns.items()):
        if table[0] in _LAYERS:
            lines.append(f"{'.'.join(table)}:")
            lines += (
                [_folded(_READS, ", ".join(map(".".join, described.reads[table])))] if table in described.reads else []
            )
            lines += [_line(described.lineage.get(table, {}), name, kind) for name, kind in columns.items()]
    return "\n".join(lines) + "\n"


def _line(lineage: ColumnSources, name: str, kind: SqlType) -> str:
    sources = ", ".join(".".join((*table, column)) for table, column in lineage[name]) if name in lineage else "?"
    return _folded(name, f"{kind.tsql} <- {sources}".rstrip())


def _folded(name: str, text: str) -> str:
    """Write one entry; a name that YAML would take for a truth value (``on``) in quotes."""
    name = name if yaml.safe_load(name) == name else f'"{name}"'
    if len(name) + len(text) <= _WIDTH:
        return f"  {name}: {text}"
    lines = textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return f"  {name}: >-\n" + "\n".join(f"    {line}" for line in lines)


def _type(written: str) -> SqlType:
    """Read a type as :attr:`SqlType.tsql` writes it."""
    name, _, sizes = written.rstrip(")").partition("(")
    numbers = [0 if size == "max" else int(size) for size in sizes.split(",") if size]
    if name == "decimal":
        return SqlType(name, *numbers)
    kind = SqlType(name)
    if kind.is_text or name == "varbinary":
        return SqlType(name, length=numbers[0] or None)
    return SqlType(name, scale=numbers[0] if numbers else 0)


def _table(name: str) -> Table:
    schema, _, table = name.partition(".")
    return schema, table


def _source(text: str) -> tuple[Table, str]:
    schema, table, column = text.strip().split(".", 2)
    return (schema, table), column
