"""The tables that a statement names: of this warehouse, temporary (``#t``), variables (``@t``) or CTEs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from orchestration.names import BRONZE_PREFIX, FINANCE, GOLD, SILVER, Table
from orchestration.scripts.constructs import Advice

Name = str | Table
"""A temporary table or table variable as ``#t`` or ``@t``, or a table of the warehouse; in lower case."""

READABLE = (SILVER, GOLD, FINANCE)
_OTHER_DATABASE = Advice(
    "a script reads tables of this warehouse alone.", "Bring the data in through a source; then read it from bronze."
)
_CATALOGUE = Advice("what it shows is the server's, not the business'.", "Leave it out.")
_GLOBAL = Advice("a global temporary table is everybody's.", "Write #, not ##.")
_OTHER_SCHEMA = Advice(
    "scripts read bronze, silver, gold and finance, and their own #tables.", "Read it from one of these schemas."
)
_WRITABLE = f"scripts write to the schema {FINANCE} and to #tables."
_SERVERS = Advice("what it holds is the server's or the session's.", "Compute what you need with a query.")
_FUNCTION = Advice(
    "it is not one of the functions that give a table here.", "Use STRING_SPLIT, GENERATE_SERIES, or a table."
)
_HIDES = Advice("it is the schema's name too.", "Write another alias.")
_FROM_OUTSIDE = ("OPENROWSET", "OPENQUERY", "OPENDATASOURCE", "OPENXML")


def name_of(node: exp.Table) -> Name | None:
    """Return the table that a node names; None for a CTE, an alias or a function."""
    if isinstance(node.this, exp.Parameter):
        return f"@{node.this.name.lower()}"
    if isinstance(node.this, exp.Identifier) and node.this.args.get("temporary"):
        return f"#{node.name.lower()}"
    if isinstance(node.this, exp.Identifier) and node.db:
        return node.db.lower(), node.name.lower()
    return None


def written(name: Name) -> str:
    """Return a table's name as people write it."""
    return name if isinstance(name, str) else ".".join(name)


def scope_view(table: Table) -> str:
    """Return the name of DuckDB's temporary view that shows a script one tenant's rows of a table."""
    return f"strata_scope_{table[0]}__{table[1]}"


def misplaced(tree: exp.Expr, tables: Iterable[exp.Table]) -> Iterator[tuple[exp.Expr, str, Advice]]:
    """Yield what no script may name: of a statement's tables, and the server's variables in it."""
    for node in tables:
        advice = _advice(node)
        if advice:
            yield node, node.sql("tsql").split(" AS ")[0], _to_write(node) if advice is _OTHER_SCHEMA else advice
    for alias in tree.find_all(exp.TableAlias):
        if _is_schema(alias.name.lower()):
            yield alias, f"AS {alias.name}", _HIDES
    for variable in tree.find_all(exp.Parameter):
        if isinstance(variable.this, exp.Parameter):
            yield variable, f"@@{variable.this.name}", _SERVERS


def _to_write(node: exp.Table) -> Advice:
    """Return the advice about a schema that is not known, where a statement reads it, makes it or changes it."""
    around = node.parent.parent if isinstance(node.parent, exp.Schema) else node.parent
    if isinstance(around, exp.Into | exp.Create):
        return Advice(_WRITABLE, f"Write {FINANCE}.{node.name}.")
    if isinstance(around, exp.Insert | exp.Update | exp.Delete | exp.Merge | exp.TruncateTable | exp.Drop):
        return Advice(_WRITABLE, f"Write {FINANCE}.{node.name} or #{node.name}, which the script makes before.")
    return _OTHER_SCHEMA


def _advice(node: exp.Table) -> Advice | None:
    if isinstance(node.this, exp.Func) and node.this.name.upper() in _FROM_OUTSIDE:
        return _OTHER_DATABASE
    if isinstance(node.this, exp.Func) and (node.db or not isinstance(node.this, exp.Anonymous)):
        return _FUNCTION
    if isinstance(node.this, exp.Identifier) and node.this.args.get("global_"):
        return _GLOBAL
    if node.catalog or isinstance(node.this, exp.Dot):
        return None if node.catalog.lower() == "tempdb" and name_of(node) else _OTHER_DATABASE
    schema = node.db.lower()
    if schema in ("sys", "information_schema"):
        return _CATALOGUE
    known = not schema or _is_schema(schema)
    return None if known or isinstance(node.this, exp.Func) else _OTHER_SCHEMA


def _is_schema(name: str) -> bool:
    return name in READABLE or name.startswith(BRONZE_PREFIX)
