"""Binds what changes tables: values get the types of the columns that they are put into."""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.binding.ctes import bind_ctes
from orchestration.scripts.binding.expressions import bind_expression
from orchestration.scripts.binding.plan import BUILD, Refused, also
from orchestration.scripts.binding.queries import bind_query, settle_outputs
from orchestration.scripts.binding.scope import Field, Findings, Relation, Scope, near
from orchestration.scripts.binding.sources import bind_source, bind_sources, local_name
from orchestration.scripts.translation.conversion import Convert, converter
from orchestration.scripts.translation.nodes import call, number
from orchestration.scripts.types import Columns, SqlType


def assignment(source: SqlType, target: SqlType) -> Convert:
    """Return what puts a value into a column: as a conversion, but text that is too long is an error.

    Raises:
        Refused: there is no such conversion.
    """
    too_long = source.is_text and target.is_text and target.length is not None
    if not too_long or (source.length is not None and source.length <= (target.length or 0)):
        return converter(source, target)
    whole = converter(source, SqlType(target.name.removeprefix("n") if not target.is_national else target.name))
    length = target.length or 0
    fits: Convert = lambda node: call("strata_fits", whole(node), number(length))  # noqa: E731
    if not target.is_padded:
        return fits
    pad = converter(SqlType("varchar", length=length), target)
    return lambda node: pad(fits(node))


def bind_insert(node: exp.Insert, found: Findings) -> None:
    """Bind ``INSERT INTO t (…) SELECT …`` or ``VALUES``."""
    schema = node.this
    table = schema.this if isinstance(schema, exp.Schema) else schema
    columns = _target(table, found)
    names = [item.name for item in schema.expressions] if isinstance(schema, exp.Schema) else list(columns)
    kinds = [_column(name, columns, schema, found) for name in names]
    scope = Scope()
    bind_ctes(node, scope, found, bind_query)
    fields = bind_query(node.expression, scope, found)
    if len(fields) != len(kinds):
        what = f"{len(fields)} values for {len(kinds)} columns"
        found.problem(node.expression, what, "each column takes one value.", "Name the columns that you fill.")
        return
    settle_outputs(node.expression, kinds, found, assignment)


def _target(table: exp.Expr, found: Findings) -> Columns:
    local = local_name(table)
    stored = found.frame.locals.get(local.lower()) if local else found.frame.stored((table.db.lower(), table.name.lower()))
    if stored is None:
        written = local or table.sql("tsql")
        known = [*found.frame.locals, *[".".join(item) for item in found.frame.work]]
        found.problem(table, written, "there is no such table to write to.", near(written, known))
    return stored or {}


def _column(name: str, columns: Columns, node: exp.Expr, found: Findings) -> SqlType | None:
    for known, kind in columns.items():
        if known.lower() == name.lower():
            return kind
    if columns:
        found.problem(node, f"column {name}", "the table has no such column.", near(name, list(columns)))
    return None


def bind_update(node: exp.Update, found: Findings) -> None:
    """Bind ``UPDATE t SET … FROM … WHERE …``; ``t`` is a table, or an alias of the FROM clause."""
    scope = Scope()
    bind_ctes(node, scope, found, bind_query)
    bind_sources(node, scope, found, bind_query)
    target = _relation_of(node.this, scope, found)
    _bind_sets(node.expressions, target, scope, found)
    _bind_where(node, scope, found)


def bind_delete(node: exp.Delete, found: Findings) -> None:
    """Bind ``DELETE t FROM … WHERE …``."""
    scope = Scope()
    bind_ctes(node, scope, found, bind_query)
    for table in [node.this, *[join.this for join in node.this.args.get("joins") or []]]:
        bind_source(table, scope, found, bind_query)
    for join in node.this.args.get("joins") or []:
        if join.args.get("on") is not None:
            bind_expression(join.args["on"], scope, found)
    for table in node.args.get("tables") or []:
        _relation_of(table, scope, found)
    _bind_where(node, scope, found)


def _bind_where(node: exp.Expr, scope: Scope, found: Findings) -> None:
    where = node.args.get("where")
    if where is not None:
        bind_expression(where.this, scope, found)


def _relation_of(table: exp.Expr, scope: Scope, found: Findings) -> Relation:
    """Return the table that is changed: one of the FROM clause by its alias or name, else the one that is named."""
    local = local_name(table)
    wanted: object = local.lower() if local else (table.db.lower(), table.name.lower())
    for relation in scope.relations:
        if relation.named == wanted or (not table.db and not local and relation.alias.lower() == table.name.lower()):
            return relation
    return bind_source(table, scope, found, bind_query)


def _bind_sets(sets: list[exp.Expr], target: Relation, scope: Scope, found: Findings) -> None:
    columns = {item.name: item.type for item in target.fields}
    for item in sets:
        if not isinstance(item, exp.EQ):
            found.problem(item, item.sql("tsql"), "SET takes column = value.", "Write it so.")
            continue
        kind = _column(item.this.name, columns, item.this, found)
        source = bind_expression(item.expression, scope, found)
        if kind is not None:
            _assign(item, source, kind, found)


def _assign(item: exp.Expr, source: SqlType, kind: SqlType, found: Findings) -> None:
    try:
        convert = assignment(source, kind)
    except Refused as refused:
        found.problem(item.expression, refused.what, *refused.advice)
        return
    item.meta[BUILD] = lambda node: exp.EQ(this=node.this, expression=convert(node.expression))


def bind_merge(node: exp.Merge, found: Findings) -> None:
    """Bind MERGE: its source, its condition, and what each WHEN does."""
    scope = Scope()
    bind_ctes(node, scope, found, bind_query)
    target = bind_source(node.this, scope, found, bind_query)
    bind_source(node.args["using"], scope, found, bind_query)
    bind_expression(node.args["on"], scope, found)
    for when in node.args["whens"].expressions:
        if when.args.get("condition") is not None:
            bind_expression(when.args["condition"], scope, found)
        _bind_then(when.args["then"], target, scope, found)


def _bind_then(then: exp.Expr, target: Relation, scope: Scope, found: Findings) -> None:
    columns = {item.name: item.type for item in target.fields}
    if isinstance(then, exp.Update):
        _bind_sets(then.expressions, target, scope, found)
    elif isinstance(then, exp.Insert):
        names = [item.name for item in then.this.expressions] if then.this is not None else list(columns)
        for name, value in zip(names, then.expression.expressions, strict=False):
            kind = _column(name, columns, then, found)
            source = bind_expression(value, scope, found)
            if kind is not None:
                _wrap(value, source, kind, found)


def _wrap(value: exp.Expr, source: SqlType, kind: SqlType, found: Findings) -> None:
    try:
        convert = assignment(source, kind)
    except Refused as refused:
        found.problem(value, refused.what, *refused.advice)
        return
    also(value, convert)


def outputs(fields: tuple[Field, ...]) -> dict[str, SqlType]:
    """Return a query's columns as the columns of a table."""
    return {item.name or f"column{place}": item.type for place, item in enumerate(fields, 1)}


