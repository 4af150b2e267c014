"""Rewrites a bound tree from its leaves to its root, and writes it as DuckDB's text.

sqlglot's own ``transform`` does not enter a node that it has replaced, so it is not used.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp
from sqlglot.errors import ErrorLevel

Locate = Callable[[exp.Table], str]


def rewrite(tree: exp.Expr, locate: Locate) -> exp.Expr:
    """Turn a bound tree into DuckDB's, in place; ``locate`` tells the name of a table there. Returns the new root."""
    holder = exp.Paren(this=tree) if tree.parent is None else None
    parent = holder or tree.parent
    key, index = tree.arg_key, tree.index
    for node in reversed(list(tree.walk())):
        if isinstance(node, exp.Table) and "relation" in node.meta:
            _place(node, locate)
        build = node.meta.pop("build", None)
        if build is not None:
            _replace(node, build)
        if isinstance(node, exp.Select):
            for clause in ("into", "options"):
                node.set(clause, None)
    assert parent is not None  # noqa: S101 - a root without one has the holder
    found = parent.args[key or "this"]
    result: exp.Expr = found[index] if index is not None else found
    if holder is not None:
        result.pop()
    return result


def _replace(node: exp.Expr, build: Callable[[exp.Expr], exp.Expr]) -> None:
    """Put what is built in the node's place; what is built may hold the node itself."""
    marker = exp.Placeholder()
    node.replace(marker)
    marker.replace(build(node))


def _place(table: exp.Table, locate: Locate) -> None:
    """Name a table as DuckDB knows it, under the alias that its columns are written with."""
    alias = exp.TableAlias(this=exp.to_identifier(table.meta.pop("relation"), quoted=True))
    cte = table.meta.pop("cte", False)
    name = exp.to_identifier(table.name, quoted=True) if cte else exp.Var(this=locate(table))
    for key in ("db", "catalog", "hints", "pivots"):
        table.set(key, None)
    table.set("this", name)
    table.set("alias", alias)


def text(tree: exp.Expr, *, pretty: bool = False) -> str:
    """Write a rewritten tree, which is not used any more, as DuckDB's text.

    Raises:
        sqlglot.errors.UnsupportedError: something has no form in DuckDB.
    """
    written: str = tree.sql("duckdb", identify=True, pretty=pretty, copy=False, unsupported_level=ErrorLevel.RAISE)
    return written
