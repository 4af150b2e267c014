"""UPDATE and DELETE: the rows that a statement reaches become a query over its FROM and WHERE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlglot import exp

from orchestration.scripts.actions import Delete, Layout, Rows, Update
from orchestration.scripts.binding.grouping import has_aggregate
from orchestration.scripts.compiling.compilation import Compilation
from orchestration.scripts.compiling.queries import OUTPUT, is_default, known_column
from orchestration.scripts.compiling.values import rules_of, values_for
from orchestration.scripts.constructs import Advice
from orchestration.scripts.statements import Statement
from orchestration.scripts.tables import Name, name_of

_TWICE = Advice(
    "FROM has the table more than once.", "Give each an alias, and write the alias behind UPDATE or DELETE."
)
_CTE = Advice(
    "rows of a CTE can be changed where it selects from one table, without DISTINCT, GROUP BY or TOP.",
    "Change the table itself, joined with the CTE.",
)


class Reached(NamedTuple):
    """The table that a statement changes, and where it stands in the statement's query."""

    target: Name
    layout: Layout
    rows: Rows


def update(c: Compilation, statement: Statement) -> None:
    """Compile UPDATE."""
    tree = statement.tree
    _refuse_output(c, statement)
    source = tree.args.get("from_")
    query = _query(tree, source.this if source else None)
    reached = _reach(c, statement, query, tree.this)
    assigned = assignments(c, statement, reached.layout, tree.expressions)
    query.set("expressions", [exp.alias_(value, f"c{n}") for n, value in enumerate(assigned.values())])
    values = values_for(c, statement, query, {column: reached.layout.columns[column] for column in assigned})
    rules = rules_of(c, statement, reached.target, reached.layout)
    c.actions.append(Update(statement.place, reached.target, reached.layout, rules, values, reached.rows))


def delete(c: Compilation, statement: Statement) -> None:
    """Compile DELETE."""
    tree = statement.tree
    _refuse_output(c, statement)
    tables = tree.args.get("tables")
    named = tables[0] if tables else tree.this
    query = _query(tree, tree.this if tables and tree.this else None)
    reached = _reach(c, statement, query, named)
    query.set("expressions", [exp.alias_(exp.Literal.number(1), "c0")])
    c.bind(statement, query)
    c.actions.append(Delete(statement.place, reached.target, reached.layout, (), query, reached.rows))


def assignments(c: Compilation, statement: Statement, layout: Layout, items: list[exp.Expr]) -> Mapping[str, exp.Expr]:
    """Return the value of each column that a SET names, as its table spells it.

    Raises:
        Stopped: a column is unknown, named twice or numbered by IDENTITY, or a variable is set.
    """
    found: dict[str, exp.Expr] = {}
    for item in items:
        if not isinstance(item, exp.EQ) or not isinstance(item.this, exp.Column):
            advice = Advice("in which order an UPDATE sets variables is not said.", "Write SET @x = (SELECT …).")
            raise c.stop(statement, "UPDATE … SET @x", advice, item)
        column = known_column(c, statement, layout, item.this.name)
        if column in found:
            raise c.stop(statement, column, Advice("it is set twice.", "Set it once."), item)
        if layout.identity and column == layout.identity.column:
            raise c.stop(statement, column, Advice("IDENTITY gives it its value.", "Leave it out."), item)
        value = item.expression
        if has_aggregate(value):
            advice = Advice("an UPDATE has no groups.", "Write a subquery, or join what is aggregated.")
            raise c.stop(statement, f"an aggregate as the value of {column}", advice, item)
        default = layout.defaults.get(column.lower(), exp.Null())
        found[column] = default.copy() if is_default(value) else value
    return found


def alias_of(node: exp.Table) -> str:
    """Return the name by which the columns of a table are called where it has no alias of its own."""
    name = name_of(node)
    return str(node.alias or (name if isinstance(name, str) else node.name))


def _refuse_output(c: Compilation, statement: Statement) -> None:
    if statement.tree.args.get("returning"):
        raise c.stop(statement, "OUTPUT", OUTPUT)


def _query(tree: exp.Expr, source: exp.Expr | None) -> exp.Select:
    """Return a SELECT over a statement's CTEs, FROM and WHERE; its FROM is missing where the statement has none."""
    query = exp.Select()
    for name in ("with_", "where", "options"):
        query.set(name, tree.args.get(name))
    if source is not None:
        query.set("joins", source.args.get("joins"))
        source.set("joins", None)
        query.set("from_", exp.From(this=source))
    return query


def _reach(c: Compilation, statement: Statement, query: exp.Select, named: exp.Table) -> Reached:
    """Find the table that a statement changes among those of its FROM: add it where it is not there.

    Raises:
        Stopped: it is not there, there twice, or behind a CTE that has no rows of its own.
    """
    node = _among(c, statement, query, named)
    ctes = {cte.alias.lower(): cte for cte in query.ctes}
    cte = ctes.get(node.name.lower()) if name_of(node) is None else None
    if cte is None:
        return Reached(*c.target(statement, node), Rows(alias_of(node)))
    inner = cte.this
    start = inner.args.get("from_") if isinstance(inner, exp.Select) else None
    table = start.this if start is not None else None
    plain = isinstance(table, exp.Table) and name_of(table) is not None
    if not plain or any(inner.args.get(key) for key in ("joins", "distinct", "group", "limit", "laterals")):
        raise c.stop(statement, node.name, _CTE, node)
    assert isinstance(table, exp.Table)  # noqa: S101 - it is plain
    return Reached(*c.target(statement, table), Rows(alias_of(node), cte.alias))


def _among(c: Compilation, statement: Statement, query: exp.Select, named: exp.Table) -> exp.Table:
    source = query.args.get("from_")
    tables = [source.this, *(join.this for join in query.args.get("joins") or [])] if source else []
    tables = [table for table in tables if isinstance(table, exp.Table)]
    wanted = name_of(named)
    aliased = [table for table in tables if wanted is None and table.alias_or_name.lower() == named.name.lower()]
    same = aliased or [table for table in tables if wanted is not None and name_of(table) == wanted]
    if len(same) > 1:
        raise c.stop(statement, named.sql("tsql"), _TWICE, named)
    if same:
        found: exp.Table = same[0]
        return found
    if source is None:
        query.set("from_", exp.From(this=named))
    else:
        query.append("joins", exp.Join(this=named, kind="CROSS"))
    return named
