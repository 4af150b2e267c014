"""Decides where a statement of the engine runs, by the tables it names.

A table with a schema is the warehouse's; one without is this session's own, in DuckDB: what the gate let
through, what a comparison found. So a statement is one of these:

- of own tables alone: DuckDB runs it;
- of the warehouse's alone: SQL Server runs it, in its own words;
- a temporary table of what a query of the warehouse finds: the answer is fetched;
- rows of own tables for a table of the warehouse: they are loaded, and the load is proven;
- of both, or one that DuckDB alone can run (COPY to a file): on copies of the warehouse's tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property, lru_cache

import sqlglot
from sqlglot import exp

from orchestration.names import Table
from orchestration.warehouse.sqlserver.rendering import to_tsql
from orchestration.warehouse.sqlserver.statement import Rendered

_OF_DUCKDB = ("SET ", "RESET ", "PRAGMA ", "DESCRIBE ", "SUMMARIZE ")
_FILES = ("read_parquet", "read_csv", "read_json")


class Route(Enum):
    """Where a statement runs."""

    LOCAL = auto()
    REMOTE = auto()
    FETCH = auto()
    LOAD = auto()
    COPIES = auto()


@dataclass(frozen=True)
class Routed:
    """A statement, the warehouse's tables that it names, and whether it names own ones, files or a form of DuckDB's.

    ``target`` is what it makes or fills; ``query`` what that is filled from.
    """

    tree: exp.Expr
    reads: frozenset[Table]
    writes: frozenset[Table]
    is_local: bool
    query: exp.Expr | None = None

    @cached_property
    def rendered(self) -> Rendered:
        """The statement in the server's words."""
        return to_tsql(self.tree)

    @property
    def source(self) -> exp.Expr:
        """The query that fills the target, where there is one; else the statement itself."""
        return self.query or self.tree

    def route(self, borrowed: frozenset[Table] = frozenset()) -> Route:
        """Say where it runs; tables that are ``borrowed`` count as the session's own."""
        reads, writes = self.reads - borrowed, self.writes - borrowed
        is_local = self.is_local or bool((self.reads | self.writes) & borrowed)
        if not reads and not writes:
            return Route.LOCAL
        if writes:
            if not is_local:
                return Route.REMOTE
            return Route.LOAD if isinstance(self.tree, exp.Insert) and not reads else Route.COPIES
        if self.query is not None and isinstance(self.tree, exp.Create):
            return Route.COPIES if _mentions_own(self.query) or self.reads & borrowed else Route.FETCH
        return Route.COPIES if is_local else Route.REMOTE


@lru_cache(maxsize=4096)
def read_statement(sql: str) -> Routed | None:
    """Read a statement; ``None`` where it is one that only DuckDB knows (``SET``, ``DESCRIBE``): it is local."""
    if sql.lstrip().upper().startswith(_OF_DUCKDB):
        return None
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except sqlglot.ParseError:
        return None
    if isinstance(tree, exp.Command):
        return None
    names = [table for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
    written = _target(tree)
    reads = frozenset(_table(table) for table in names if table.db and table is not written)
    writes = frozenset({_table(written)} if written is not None and written.db else ())
    query = tree.expression if isinstance(tree, exp.Create | exp.Insert) else None
    return Routed(tree, reads, writes, _mentions_own(tree), query)


def _target(tree: exp.Expr) -> exp.Table | None:
    if isinstance(tree, exp.Select | exp.SetOperation | exp.Subquery | exp.Copy):
        return None
    found = tree.this
    while found is not None and not isinstance(found, exp.Table):
        found = found.this if isinstance(found, exp.Expression) else None
    return found


def _table(table: exp.Table) -> Table:
    return table.db, table.name


def _mentions_own(tree: exp.Expr) -> bool:
    """Say whether a tree names a table without a schema, that is no CTE, or reads or writes a file."""
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    if isinstance(tree, exp.Copy):
        return True
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            if not table.db and table.name not in ctes:
                return True
        elif table.this is not None:
            return True
    return any(call.name.lower() in _FILES for call in tree.find_all(exp.Anonymous))
