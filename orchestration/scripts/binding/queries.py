"""Binds queries: CTEs, SELECT with all its clauses, and what UNION, EXCEPT and INTERSECT combine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from orchestration.scripts.binding.ctes import bind_ctes
from orchestration.scripts.binding.expressions import bind_expression, column_of
from orchestration.scripts.binding.grouping import check_grouping, check_key, is_same
from orchestration.scripts.binding.hints import not_called
from orchestration.scripts.binding.ordering import plan_order
from orchestration.scripts.binding.plan import BUILD, ORIGIN, SOURCE, TYPE, Refused, also, type_of
from orchestration.scripts.binding.scope import Field, Findings, Scope
from orchestration.scripts.binding.sources import bind_sources
from orchestration.scripts.binding.texts import PLAIN, check_inline, group_key, origin
from orchestration.scripts.binding.tops import plan_limit
from orchestration.scripts.constructs import Advice
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.translation.nodes import cast, is_constant, selects
from orchestration.scripts.types import INT, NULL, SqlType, combined

Fields = tuple[Field, ...]
_STAR = Advice("a new column of a source would change the table.", "Name the columns.")


def bind_query(node: exp.Expr, outer: Scope | None, found: Findings) -> Fields:
    """Bind a query and return the columns of its result; one without a name has an empty one."""
    if isinstance(node, exp.Subquery):
        return bind_query(node.this, outer, found)
    scope = Scope(outer)
    bind_ctes(node, scope, found, bind_query)
    if isinstance(node, exp.SetOperation):
        return _bind_set(node, scope, found)
    if isinstance(node, exp.Select):
        return _bind_select(node, scope, found)
    if isinstance(node, exp.Values):
        return _bind_values(node, scope, found)
    found.problem(node, node.key.upper(), "it is no query that scripts can use.", "Write a SELECT.")
    return ()


def _bind_select(select: exp.Select, scope: Scope, found: Findings) -> Fields:
    bind_sources(select, scope, found, bind_query)
    _expand_stars(select, scope, found)
    _name_aliases(select)
    fields = tuple(_bind_projection(item, scope, found) for item in select.expressions)
    for clause in ("where", "having"):
        part = select.args.get(clause)
        if part is not None:
            bind_expression(part.this, scope, found)
    keys = _bind_group(select, scope, found)
    if select.args.get("distinct") is not None:
        _check_distinct(select.expressions, found)
    _bind_select_order(select, scope, found)
    check_grouping(select, scope, keys, found)
    if select.args.get("limit") is None and select.args.get("offset") is None:
        select.set("order", None)
    plan_limit(select, scope, found)
    return fields


def _name_aliases(select: exp.Select) -> None:
    """Turn ``'name' = x``, an alias in an old form, into ``x AS name``."""
    for item in select.expressions:
        if isinstance(item, exp.EQ) and isinstance(item.this, exp.Literal) and item.this.is_string:
            item.replace(exp.alias_(item.expression, item.this.name, quoted=True))


def _bind_projection(item: exp.Expr, scope: Scope, found: Findings) -> Field:
    if isinstance(item, exp.EQ) and isinstance(item.this, exp.Parameter):
        kind = bind_expression(item.expression, scope, found)
        return Field(f"@{item.this.name}", kind)
    value = item.this if isinstance(item, exp.Alias) else item
    kind = bind_expression(value, scope, found)
    item.meta[TYPE] = kind
    name = _output_name(item, value)
    if name and not isinstance(item, exp.Alias):
        _keep_name(item, name)
    stored = SqlType("int") if kind.name == "null" else kind
    if kind.name == "null":
        also(value, converter(kind, INT))
    return Field(name, stored, value.unnest().meta.get(ORIGIN))


def _output_name(item: exp.Expr, value: exp.Expr) -> str:
    if isinstance(item, exp.Alias):
        return str(item.alias)
    source = value.unnest().meta.get(SOURCE) if isinstance(value, exp.Column) else None
    return str(value.name) if source is None and isinstance(value, exp.Column) else source[1] if source else ""


def _keep_name(item: exp.Expr, name: str) -> None:
    """Name a column as it was written, whatever its translation is."""
    build: Callable[[exp.Expr], exp.Expr] | None = item.meta.get(BUILD)
    item.meta[BUILD] = lambda node: exp.alias_(build(node) if build else node, name, quoted=True, copy=False)


def _expand_stars(select: exp.Select, scope: Scope, found: Findings) -> None:
    """Write the columns that a ``*`` stands for."""
    expanded: list[exp.Expr] = []
    for item in select.expressions:
        star = isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star))
        if not star:
            expanded.append(item)
            continue
        if not isinstance(select.parent, exp.Exists):
            found.warn("select-star", item, "SELECT *", _STAR)
        table = item.args["table"].name.lower() if isinstance(item, exp.Column) else ""
        relations = [relation for relation in scope.relations if not table or relation.alias.lower() == table]
        if not relations:
            found.problem(item, item.sql("tsql"), *not_called(table, scope, "*"))
            continue
        expanded += [column_of(relation.alias, column.name) for relation in relations for column in relation.fields]
    select.set("expressions", expanded)


def _bind_group(select: exp.Select, scope: Scope, found: Findings) -> list[exp.Expr]:
    """Bind what a query is grouped by; returns it."""
    group = select.args.get("group")
    if group is None:
        return []
    for name in ("rollup", "cube"):  # GROUP BY a, b WITH ROLLUP
        for whole in group.args.get(name) or []:
            if not whole.expressions:
                whole.set("expressions", group.expressions)
                group.set("expressions", [whole])
                group.set(name, None)
    keys = _group_keys(group)
    for key in keys:
        bind_expression(key, scope, found)
        check_key(key, scope, found)
        if group_key(key, found):
            for twin in _twins(select, key):
                check_inline(twin)
    return keys


def _group_keys(group: exp.Expr) -> list[exp.Expr]:
    """Return the expressions that are grouped by, out of ROLLUP, CUBE and GROUPING SETS."""
    keys: list[exp.Expr] = []
    for item in [
        *group.expressions,
        *[part for name in ("rollup", "cube", "grouping_sets") for part in group.args.get(name) or []],
    ]:
        nested = isinstance(item, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple)
        keys += _group_keys(item) if nested else [item.unnest()]
    return keys


def _twins(select: exp.Select, key: exp.Expr) -> list[exp.Expr]:
    """Return a grouped expression wherever the SELECT has it again: DuckDB knows it by being the same."""
    places = [key.parent_select or select]
    wanted = _identity(key)
    return [
        node for node in places[0].find_all(type(key)) if _identity(node) == wanted and node.parent_select is select
    ]


def _identity(node: exp.Expr) -> object:
    return node.meta.get(SOURCE) if isinstance(node, exp.Column) else node


def _check_distinct(items: Sequence[exp.Expr], found: Findings) -> None:
    for item in items:
        value = item.this if isinstance(item, exp.Alias) else item
        if group_key(value, found):
            also(value, lambda node: exp.Anonymous(this="strata_equal", expressions=[node]))


def _bind_select_order(select: exp.Select, scope: Scope, found: Findings) -> None:
    order = select.args.get("order")
    if order is None:
        return
    picks = select.args.get("limit") is not None or select.args.get("offset") is not None
    if not picks and select.parent is not None:
        why = "SQL Server takes no ORDER BY here without TOP: rows of a table have no order."
        found.problem(order, "ORDER BY", why, "Leave it out, or order where rows are picked.")
    named = {str(item.alias).lower(): item for item in select.expressions if isinstance(item, exp.Alias)}
    for ordered in order.expressions:
        value = ordered.this
        place = int(value.name) if isinstance(value, exp.Literal) and value.is_int else 0
        item = named.get(value.name.lower()) if isinstance(value, exp.Column) and not value.table else None
        if 0 < place <= len(select.expressions):
            item = select.expressions[place - 1]
        if item is not None:
            target = item.this if isinstance(item, exp.Alias) else item
            value.meta.update({TYPE: type_of(target), ORIGIN: target.unnest().meta.get(ORIGIN)})
            if not place:
                value.meta[BUILD] = lambda node: exp.Column(this=exp.to_identifier(node.name, quoted=True))
        else:
            bind_expression(value, scope, found)
            _check_order(value, select, found)
        if picks:
            plan_order(ordered, found)


def _check_order(value: exp.Expr, select: exp.Select, found: Findings) -> None:
    """Note what SQL Server does not sort by: a constant, and beside DISTINCT what the rows do not show."""
    shown = [item.this if isinstance(item, exp.Alias) else item for item in select.expressions]
    if is_constant(value):
        found.problem(value, f"ORDER BY {value.sql('tsql')}", "no column has this place.", "Name the column.")
    elif select.args.get("distinct") is not None and not any(is_same(value, item) for item in shown):
        why = "rows that DISTINCT makes one may differ in it."
        found.problem(value, f"ORDER BY {value.sql('tsql')}", why, "Select it, too, or order by what is selected.")


def _bind_values(values: exp.Values, scope: Scope, found: Findings) -> Fields:
    """Bind the rows of VALUES; each column has the type that all its values share."""
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in values.expressions]
    for row in rows:
        for value in row:
            bind_expression(value, scope, found)
    if len({len(row) for row in rows}) > 1:
        found.problem(values, "VALUES", "its rows are not equally long.", "Write one for each column.")
    kinds = [combined([type_of(value) for value in column]) for column in zip(*rows, strict=False)]
    kinds = [INT if kind.name == "null" else kind for kind in kinds]
    for row in rows:
        for value, kind in zip(row, kinds, strict=False):
            if type_of(value) != kind:
                _settle_one(value, type_of(value), kind, found)
    return tuple(
        Field(
            "",
            kind,
            PLAIN if all(origin(value) == PLAIN or type_of(value).name == "null" for value in column) else None,
        )
        for kind, column in zip(kinds, zip(*rows, strict=False), strict=False)
    )


def _bind_set(node: exp.SetOperation, scope: Scope, found: Findings) -> Fields:
    left, right = bind_query(node.this, scope, found), bind_query(node.expression, scope, found)
    if len(left) != len(right):
        what = f"{node.key.upper()} of {len(left)} and {len(right)} columns"
        found.problem(node, what, "both sides need the same number.", "Add or remove columns.")
        return left
    sides = zip(left, right, _kinds(node.this, left), _kinds(node.expression, right), strict=True)
    fields = tuple(
        Field(one.name, _shared(kind, other_kind), one.origin if one.origin == other.origin else None)
        for one, other, kind, other_kind in sides
    )
    distinct = bool(node.args.get("distinct")) or not isinstance(node, exp.Union)
    for side in (node.this, node.expression):
        _settle_outputs(side, [field.type for field in fields], found)
        if distinct:
            for select in selects(side):
                _check_distinct(select.expressions, found)
    _bind_set_order(node, fields, found)
    plan_limit(node, scope, found)
    return fields


def _kinds(side: exp.Expr, fields: Fields) -> list[SqlType]:
    """Return the types of a side's columns; NULL's where all its rows have a NULL that is written out."""
    columns = [
        [item.this if isinstance(item, exp.Alias) else item for item in column]
        for column in zip(*[select.expressions for select in selects(side)], strict=False)
    ]
    empty = [bool(column) and all(type_of(item).name == "null" for item in column) for column in columns]
    empty += [False] * (len(fields) - len(empty))
    return [NULL if is_empty else field.type for field, is_empty in zip(fields, empty, strict=False)]


def _shared(one: SqlType, other: SqlType) -> SqlType:
    kind = combined([one, other])
    return INT if kind.name == "null" else kind


def _bind_set_order(node: exp.SetOperation, fields: Fields, found: Findings) -> None:
    order = node.args.get("order")
    for ordered in order.expressions if order is not None else []:
        value = ordered.this
        match = next((item for item in fields if item.name.lower() == value.name.lower()), None)
        if match is None:
            found.problem(
                value, f"ORDER BY {value.sql('tsql')}", "the UNION has no such column.", "Order by one of its columns."
            )
            continue
        if match.type.is_text and match.origin is None:
            found.problem(
                value,
                f"ORDER BY {value.name}",
                "a UNION's texts cannot be checked for how they sort.",
                "Put the UNION into a CTE.",
            )
        value.meta.update({TYPE: match.type, ORIGIN: match.origin})
        value.meta[BUILD] = lambda item: exp.Column(this=exp.to_identifier(item.name, quoted=True))
        plan_order(ordered, found)


def _settle_outputs(node: exp.Expr, kinds: Sequence[SqlType], found: Findings) -> None:
    """Bring the columns of a side of a UNION to the types that both sides share."""
    for select in selects(node):
        for item, kind in zip(select.expressions, kinds, strict=False):
            value = item.this if isinstance(item, exp.Alias) else item
            source: SqlType = value.meta.get("settled") or type_of(value)
            if type_of(value).name == "null":
                also(value, _null_of(kind))
            elif source != kind:
                _settle_one(value, source, kind, found)


def _null_of(kind: SqlType) -> Callable[[exp.Expr], exp.Expr]:
    return lambda _: cast(exp.Null(), kind.duckdb)


def _settle_one(value: exp.Expr, source: SqlType, kind: SqlType, found: Findings) -> None:
    try:
        also(value, converter(source, kind))
    except Refused as refused:
        found.problem(value, refused.what, *refused.advice)
    value.meta["settled"] = kind
