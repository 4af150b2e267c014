"""What a grouped query may show: what it groups by, aggregates, and what is made of them (SQL Server's error 8120)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from orchestration.scripts.binding.plan import GROUPED, OWNER, TYPE, also
from orchestration.scripts.binding.scope import Findings, Scope
from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import function_name
from orchestration.scripts.functions.aggregates import AGGREGATES
from orchestration.scripts.functions.dates import date_part
from orchestration.scripts.types import UNKNOWN

_WINDOW_LATER = "windows are computed when rows are filtered and grouped already."
_SUM_LATER = "aggregates are computed when rows are filtered and grouped already."
_NESTED = Advice(
    "SQL Server aggregates neither aggregates nor subqueries.", "Compute that in a CTE; aggregate its column."
)
_OUTER = Advice(
    "SQL Server computes an aggregate of an outer query's column in that query, over its rows.",
    "Aggregate this query's columns, and go on outside.",
)


def check_grouping(select: exp.Select, scope: Scope, keys: list[exp.Expr], found: Findings) -> None:
    """Note each column that a grouped query shows, sorts or filters groups by, though its groups may differ in it."""
    _check_before_groups(select, found)
    shown = [_value(item) for item in select.expressions]
    having, order = select.args.get("having"), select.args.get("order")
    if having is not None:
        shown.append(having.this)
        _check_early(having, found, windows_alone=True)
    if order is not None:
        shown += [ordered.this for ordered in order.expressions]
    if select.args.get("group") is None and having is None and not any(map(has_aggregate, shown)):
        return
    own = [id(relation) for relation in scope.relations]
    for call in [node for item in shown for node in _calls(item)]:
        _check_arguments(call, own, found)
    if any(_is_unknown(key) for key in keys):
        return
    for item in shown:
        for column in _loose(item, keys, own):
            what = f"column {column.sql('tsql')}"
            why = "it is neither grouped by nor in an aggregate, so that a group may have several values of it."
            found.problem(column, what, why, "Add it to GROUP BY, or write MIN or MAX of it.")


def _check_before_groups(select: exp.Select, found: Findings) -> None:
    for name in ("where", "group"):
        if select.args.get(name) is not None:
            _check_early(select.args[name], found)
    for join in select.args.get("joins") or []:
        if join.args.get("on") is not None:
            _check_early(join.args["on"], found, place="ON")


def check_key(key: exp.Expr, scope: Scope, found: Findings) -> None:
    """Note what SQL Server takes for no group: a constant, a variable, a subquery."""
    own = [id(relation) for relation in scope.relations]
    if key.find(exp.Query):
        found.problem(key, "GROUP BY a subquery", "T-SQL groups by columns.", "Put it into a CTE; group by its column.")
    elif (
        not scope.has_unknown()
        and not _is_unknown(key)
        and not any(_is_own(column, own) for column in key.find_all(exp.Column))
    ):
        found.problem(key, "GROUP BY a constant", "T-SQL groups by columns, not by places.", "Name a column.")


def _is_unknown(key: exp.Expr) -> bool:
    """Say whether a part of it could not be bound, which is told already."""
    return any(part.meta.get(TYPE) == UNKNOWN for part in key.walk())


def _value(item: exp.Expr) -> exp.Expr:
    """Return what an item of a SELECT computes, without its name or the variable that takes it."""
    if isinstance(item, exp.EQ) and isinstance(item.this, exp.Parameter):
        assigned: exp.Expr = item.expression
        return assigned
    return item.this if isinstance(item, exp.Alias) else item


def _check_early(clause: exp.Expr, found: Findings, *, windows_alone: bool = False, place: str = "") -> None:
    """Note windows and aggregates in clauses that are computed before them."""
    name = place or (clause.key.upper() if not isinstance(clause, exp.Group) else "GROUP BY")
    for node in _here(clause):
        if isinstance(node, exp.Window):
            found.problem(node, f"a window in {name}", _WINDOW_LATER, "Put it into a CTE, and choose from that.")
        elif function_name(node) in AGGREGATES and not windows_alone:
            instead = "Write HAVING." if name == "WHERE" else "Put it into a CTE, and use its column."
            found.problem(node, f"{function_name(node)}() in {name}", _SUM_LATER, instead)


def _here(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield a node and what is in it, apart from subqueries and from what windows and aggregates hold."""
    yield node
    if isinstance(node, exp.Query | exp.Window) or function_name(node) in AGGREGATES:
        return
    for child in node.iter_expressions():
        yield from _here(child)


def has_aggregate(node: exp.Expr) -> bool:
    """Say whether an expression holds an aggregate of this query: the arguments and keys of a window may, too."""
    return next(_calls(node), None) is not None


def _calls(node: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the aggregates of this query in an expression."""
    if isinstance(node, exp.Query):
        return
    if not isinstance(node, exp.Window) and function_name(node) in AGGREGATES:
        yield node
        return
    for child in _parts(node) if isinstance(node, exp.Window) else node.iter_expressions():
        yield from _calls(child)


def _check_arguments(call: exp.Expr, own: list[int], found: Findings) -> None:
    """Note what SQL Server takes no aggregate of (errors 130 and 8124)."""
    name = f"{function_name(call)}()"
    parts = list(call.iter_expressions())
    if any(part.find(exp.Query) or any(function_name(node) in AGGREGATES for node in part.walk()) for part in parts):
        found.problem(call, f"{name} of an aggregate or a subquery", *_NESTED)
    elif any(OWNER in column.meta and not _is_own(column, own) for column in call.find_all(exp.Column)):
        found.problem(call, f"{name} of an outer query's column", *_OUTER)


def _parts(window: exp.Expr) -> list[exp.Expr]:
    """Return what a window is made of, without the function that it is a window of."""
    function = window.this
    parts = [child for child in window.iter_expressions() if child is not function]
    while isinstance(function, exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup):
        parts += [function.expression] if isinstance(function, exp.WithinGroup) else []
        function = function.this
    return [*parts, *function.iter_expressions()]


def _loose(node: exp.Expr, keys: list[exp.Expr], own: list[int]) -> Iterator[exp.Expr]:
    """Yield the columns of the grouped tables that are in no grouped expression and in no aggregate."""
    if any(is_same(node, key) for key in keys):
        also(node, _mark)
        return
    if isinstance(node, exp.Column):
        if _is_own(node, own):
            yield node
        return
    if not isinstance(node, exp.Window) and function_name(node) in AGGREGATES:
        return
    for child in _parts(node) if isinstance(node, exp.Window) else node.iter_expressions():
        yield from _loose(child, keys, own)


def _mark(node: exp.Expr) -> exp.Expr:
    node.meta[GROUPED] = True
    return node


def _is_own(column: exp.Expr, own: list[int]) -> bool:
    return OWNER in column.meta and id(column.meta[OWNER]) in own


def is_same(one: object, other: object) -> bool:
    """Compare expressions as SQL Server does: by what their columns are, whatever they are called by."""
    if not isinstance(one, exp.Expr) or not isinstance(other, exp.Expr):
        return one == other
    one, other = one.unnest(), other.unnest()
    if type(one) is not type(other):
        return False
    if isinstance(one, exp.Column) and OWNER in one.meta:
        same_name = one.name.lower() == other.name.lower()
        return one.meta[OWNER] is other.meta.get(OWNER) and same_name
    if "part" in one.meta and "part" in other.meta:
        called = [(function_name(node), date_part(node.meta["part"])) for node in (one, other)]
        return called[0] == called[1] and _are_same(one.expressions[1:], other.expressions[1:])
    if isinstance(one, exp.Identifier | exp.Var):
        return str(one.name).lower() == str(other.name).lower()
    parts = [{name: part for name, part in node.args.items() if part not in (None, [], False)} for node in (one, other)]
    return parts[0].keys() == parts[1].keys() and all(_are_same(parts[0][name], parts[1][name]) for name in parts[0])


def _are_same(one: object, other: object) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return is_same(one, other)
