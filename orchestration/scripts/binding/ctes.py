"""WITH: each CTE sees those before it; one that calls itself is counted, because SQL Server stops at its limit."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.scope import Field, Findings, Scope
from orchestration.scripts.translation.nodes import add, call, number
from orchestration.scripts.types import UNKNOWN, SqlType

LEVEL = "strata_level"
"""The column that counts a recursive CTE's rounds."""

BindQuery = Callable[[exp.Expr, Scope | None, Findings], tuple[Field, ...]]


def bind_ctes(node: exp.Expr, scope: Scope, found: Findings, bind: BindQuery) -> None:
    """Bind a query's CTEs in their order."""
    for cte in node.args["with_"].expressions if node.args.get("with_") else []:
        if _calls_itself(cte):
            _bind_recursive(node, cte, scope, found, bind)
        else:
            scope.ctes[cte.alias.lower()] = _named(cte, bind(cte.this, scope, found), found)


def _calls_itself(cte: exp.Expr) -> bool:
    name = cte.alias.lower()
    return any(not table.db and table.name.lower() == name for table in cte.this.find_all(exp.Table))


def _named(cte: exp.Expr, fields: tuple[Field, ...], found: Findings) -> tuple[Field, ...]:
    """Give the columns of a CTE, or of a derived table, the names in parentheses behind its alias."""
    names = [column.name for column in cte.args["alias"].columns] if cte.args.get("alias") else []
    if names and len(names) != len(fields):
        found.problem(cte, cte.alias, f"it has {len(fields)} columns and {len(names)} names.", "Name each column once.")
    elif names:
        fields = tuple(Field(name, column.type, column.origin) for name, column in zip(names, fields, strict=True))
    shown = [column.name.lower() for column in fields if column.name]
    for name in sorted({name for name in shown if shown.count(name) > 1}):
        found.problem(cte, cte.alias, f"it has two columns {name}.", "Name one of them otherwise, by AS.")
    for place, column in enumerate(fields, 1):
        if not column.name:
            found.problem(cte, cte.alias, f"its column {place} has no name.", "Write AS name behind it.")
    return fields


def name_columns(holder: exp.Expr, fields: tuple[Field, ...], found: Findings) -> tuple[Field, ...]:
    """Apply the column names of a derived table's alias."""
    return _named(holder, fields, found)


def _bind_recursive(node: exp.Expr, cte: exp.Expr, scope: Scope, found: Findings, bind: BindQuery) -> None:
    union = cte.this
    if not isinstance(union, exp.Union) or union.args.get("distinct"):
        found.problem(
            cte, cte.alias, "a CTE that calls itself is an anchor UNION ALL the part that calls it.", "Write UNION ALL."
        )
        return
    name = cte.alias.lower()
    parts = _parts(union)
    anchors = [part for part in parts if not _mentions(part, name)]
    if not anchors:
        found.problem(cte, cte.alias, "it has no anchor.", "Begin with a SELECT that does not call it.")
        return
    anchor = _named(cte, bind(anchors[0], scope, found), found)
    scope.ctes[name] = tuple(Field(item.name, item.type) for item in anchor)
    for part in parts:
        fields = anchor if part is anchors[0] else bind(part, scope, found)
        _check_types(part, anchor, fields, found)
    node.args["with_"].set("recursive", value=True)
    _count_rounds(cte, anchors, parts, _limit(node))


def _parts(union: exp.Expr) -> list[exp.Expr]:
    return [*_parts(union.this), union.expression] if isinstance(union, exp.Union) else [union]


def _mentions(part: exp.Expr, name: str) -> bool:
    return any(not table.db and table.name.lower() == name for table in part.find_all(exp.Table))


def _check_types(part: exp.Expr, anchor: tuple[Field, ...], fields: tuple[Field, ...], found: Findings) -> None:
    for one, other in zip(anchor, fields, strict=False):
        if _family(one.type) != _family(other.type) and UNKNOWN not in (one.type, other.type):
            what = f"column {one.name} of the recursive part"
            why = f"the anchor has {one.type.tsql}, this part {other.type.tsql}; SQL Server takes no other type."
            found.problem(part, what, why, f"CAST it AS {one.type.tsql}.")


def _family(kind: SqlType) -> object:
    return "text" if kind.is_text else kind


def _limit(node: exp.Expr) -> int:
    """Return the statement's MAXRECURSION, which is 100 where none is written; 0 takes the limit away."""
    top = node
    while isinstance(top.parent, exp.Expr):
        top = top.parent
    for option in top.find_all(exp.QueryOption):
        if option.name.upper() == "MAXRECURSION":
            return int(option.args["expression"].name)
    return 100


def _count_rounds(cte: exp.Expr, anchors: list[exp.Expr], parts: list[exp.Expr], most: int) -> None:
    """Add a column that counts the rounds and stops at the limit; nothing in the script can name it."""
    if not most:
        return
    alias = cte.args["alias"]
    if alias.columns:
        alias.append("columns", exp.to_identifier(LEVEL))
    for part in parts:
        level: exp.Expr = number(0)
        if all(part is not item for item in anchors):
            level = call("strata_round", add(_previous(part, cte.alias), number(1)), number(most))
        part.append("expressions", exp.alias_(level, LEVEL, quoted=True))


def _previous(part: exp.Expr, name: str) -> exp.Expr:
    table = next(item for item in part.find_all(exp.Table) if not item.db and item.name.lower() == name.lower())
    return exp.column(
        exp.to_identifier(LEVEL, quoted=True), table=exp.to_identifier(table.alias or table.name, quoted=True)
    )
