"""FROM: tables, CTEs, derived tables, VALUES, joins, APPLY, and the functions that give tables."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.names import FINANCE, Table
from orchestration.scripts.binding.ctes import name_columns
from orchestration.scripts.binding.expressions import bind_expression
from orchestration.scripts.binding.pivots import desugared
from orchestration.scripts.binding.plan import BUILD, Refused
from orchestration.scripts.binding.scope import Field, Findings, Relation, Scope, near
from orchestration.scripts.binding.tables import bind_table_function
from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import function_name
from orchestration.scripts.types import Columns

_ALIKE = 0.8
BindQuery = Callable[[exp.Expr, Scope | None, Findings], tuple[Field, ...]]
RELATION = "relation"
"""The key of a table's ``node.meta`` that holds its alias: what is to be located and named."""


def bind_sources(select: exp.Expr, scope: Scope, found: Findings, bind: BindQuery) -> None:
    """Bind a FROM clause and its joins, and put their tables into the scope."""
    start = select.args.get("from_")
    if start is None:
        return
    bind_source(start.this, scope, found, bind)
    for join in [*(start.this.args.get("joins") or []), *(select.args.get("joins") or [])]:
        _bind_join(join, scope, found, bind)


def _bind_join(join: exp.Expr, scope: Scope, found: Findings, bind: BindQuery) -> None:
    bind_source(join.this, scope, found, bind)
    for nested in join.this.args.get("joins") or []:
        _bind_join(nested, scope, found, bind)
    condition = join.args.get("on")
    if condition is not None:
        bind_expression(condition, scope, found)
    if join.args.get("using"):
        found.problem(join, "USING", "T-SQL has no USING.", "Write ON a.x = b.x.")


def bind_source(node: exp.Expr, scope: Scope, found: Findings, bind: BindQuery) -> Relation:
    """Bind one member of a FROM clause and add it to the scope."""
    if node.args.get("pivots"):
        try:
            node = desugared(node, lambda source: _probe(source, scope, found, bind))
        except Refused as refused:
            found.problem(node.args["pivots"][0], refused.what, *refused.advice)
            scope.relations.append(Relation(node.alias_or_name, (), node.alias_or_name))
            return scope.relations[-1]
    relation = _relation(node, scope, found, bind)
    taken = {item.alias.lower() for item in scope.relations}
    if relation.alias.lower() in taken and relation.table is not None and not node.alias:
        relation = Relation(".".join(relation.table), relation.fields, relation.named, relation.table)
        node.meta[RELATION] = relation.alias
    scope.relations.append(relation)
    return relation


def _probe(source: exp.Expr, scope: Scope, found: Findings, bind: BindQuery) -> tuple[Field, ...]:
    """Return a source's columns without noting anything: it is bound again where it ends up."""
    return _relation(source.copy(), Scope(scope), Findings(found.frame), bind).fields


_NESTED = "scripts join tables one after the other."


def _relation(node: exp.Expr, scope: Scope, found: Findings, bind: BindQuery) -> Relation:
    if isinstance(node, exp.Table):
        return _table(node, scope, found)
    if isinstance(node, exp.Lateral):
        return _lateral(node, scope, found, bind)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
        found.problem(node, "a join in parentheses", _NESTED, "Write (SELECT … FROM b JOIN c ON …) AS name.")
        return Relation(node.alias_or_name, (), node.alias_or_name)
    if isinstance(node, exp.Subquery | exp.Values):
        inner = node.this if isinstance(node, exp.Subquery) else node
        _check_alias(node, found)
        holder = Scope(scope.outer, [], scope.ctes)
        fields = name_columns(node, bind(inner, holder, found), found)
        return Relation(node.alias, fields, node.alias)
    found.problem(node, node.key.upper(), "it cannot stand in FROM.", "Name a table, or write a derived table.")
    return Relation(node.alias_or_name, (), node.alias_or_name)


def _check_alias(node: exp.Expr, found: Findings) -> None:
    if not node.alias and not isinstance(node.this, exp.Table):
        found.problem(node, "a derived table", "SQL Server takes none without a name.", "Write AS name behind its ).")


def _lateral(node: exp.Expr, scope: Scope, found: Findings, bind: BindQuery) -> Relation:
    """Bind what APPLY calls for each row: it sees the tables before it."""
    inner = node.this
    if function_name(inner):
        fields = bind_table_function(inner, scope, found)
        inner.meta["lateral"] = True
    else:
        _check_alias(node, found)
        fields = bind(inner.unnest() if isinstance(inner, exp.Subquery) else inner, scope, found)
    fields = name_columns(node, fields, found)
    _plan_apply(node)
    return Relation(node.alias, fields, node.alias)


def _plan_apply(node: exp.Expr) -> None:
    join = node.parent
    outer = node.args.get("cross_apply") is False
    assert isinstance(join, exp.Join)  # noqa: S101 - the parser puts APPLY into a join

    def build(item: exp.Expr) -> exp.Expr:
        lateral = item.this
        inner = lateral.this if isinstance(lateral.this, exp.Subquery) else exp.Subquery(this=lateral.this)
        bare = exp.Lateral(this=inner, alias=lateral.args.get("alias"))
        return exp.Join(this=bare, side="LEFT", on=exp.true()) if outer else exp.Join(this=bare, kind="CROSS")

    join.meta[BUILD] = build


def _table(node: exp.Table, scope: Scope, found: Findings) -> Relation:
    if function_name(node.this):
        fields = name_columns(node, bind_table_function(node.this, scope, found), found)
        node.meta[BUILD] = lambda item: exp.Subquery(this=item.this, alias=item.args.get("alias"))
        return Relation(node.alias, fields, node.alias)
    local = local_name(node)
    alias = node.alias or (local or node.name)
    cte = scope.cte(node.name) if not node.db and not local else None
    node.meta[RELATION] = alias
    if cte is not None:
        node.meta["cte"] = True
        return Relation(alias, cte, node.name)
    if local:
        columns = found.frame.locals.get(local.lower())
        return Relation(alias, _fields(columns, local.lower(), node, found), local.lower())
    table = (node.db.lower(), node.name.lower())
    return Relation(alias, _fields(found.frame.stored(table), table, node, found), table, table)


def local_name(node: exp.Expr) -> str:
    """Return ``#t`` or ``@t`` where a table is one, else nothing."""
    if isinstance(node.this, exp.Parameter):
        return f"@{node.this.name}"
    temporary = isinstance(node.this, exp.Identifier) and node.this.args.get("temporary")
    return f"#{node.name}" if temporary else ""


def _not_there(table: Table | str, written: str, found: Findings) -> Advice:
    """Say that there is no such table, and which there are that are spelt much like it."""
    if not isinstance(table, str) and table[0] == FINANCE:
        built = [".".join(item) for item in found.frame.work if item[0] == FINANCE and item != found.frame.makes]
        return Advice("no script builds it.", near(written, built, cutoff=_ALIKE, otherwise="Check the name."))
    named = isinstance(table, str) or table[0]
    why = "there is no such table." if named else "no CTE has this name, and a table needs its schema."
    stored = [".".join(item) for item in (*found.frame.work, *found.frame.catalog)]
    return Advice(why, near(written, list(found.frame.locals) if isinstance(table, str) else stored))


def _fields(columns: Columns | None, table: Table | str, node: exp.Expr, found: Findings) -> tuple[Field, ...]:
    line = found.frame.later.get(table)
    if columns is None and line is not None:
        written = table if isinstance(table, str) else ".".join(table)
        found.problem(node, written, f"it is built later, in line {line}.", "Put that statement before this one.")
        return ()
    if columns is None and table == found.frame.makes:
        written = table if isinstance(table, str) else ".".join(table)
        why = "a script cannot read what its own last run left: each close builds its tables anew."
        found.problem(node, written, why, "Compute it from the tables that it is made of.")
        return ()
    if columns is None:
        written = table if isinstance(table, str) else ".".join(part for part in table if part)
        found.problem(node, written, *_not_there(table, written, found))
        return ()
    return tuple(Field(name, kind, (table, name) if kind.is_text else None) for name, kind in columns.items())
