"""Calls of functions: finds the rule, binds the arguments, and puts OVER where DuckDB wants it."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.foreign import own_word
from orchestration.scripts.binding.ordering import bind_order
from orchestration.scripts.binding.plan import BUILD, GROUPED, TYPE, Call, Refused, also, remember
from orchestration.scripts.binding.scope import Findings, Scope, near
from orchestration.scripts.binding.texts import check_inline, group_key
from orchestration.scripts.dialect import function_name
from orchestration.scripts.functions.aggregates import AGGREGATE, AGGREGATES, WINDOWS
from orchestration.scripts.functions.registry import FUNCTIONS, REFUSED
from orchestration.scripts.functions.rule import Function
from orchestration.scripts.translation.macros import steady
from orchestration.scripts.types import UNKNOWN, SqlType

_SKIPPING: dict[str, type[exp.Expr]] = {
    "first_value": exp.FirstValue,
    "last_value": exp.LastValue,
    "lag": exp.Lag,
    "lead": exp.Lead,
}
_ALIKE = 0.8
_SEE = "docs/analyst/differences.md lists the functions that there are."
BindOne = Callable[[exp.Expr, Scope, Findings], SqlType]


def bind_call(node: exp.Expr, scope: Scope, found: Findings, bind: BindOne, *, over: bool = False) -> SqlType:
    """Bind a function's arguments and then the call.

    Raises:
        Refused: the function is unknown or refused, or its rule refuses these arguments.
    """
    name = function_name(node)
    function = _function(name, over=over)
    arguments = _arguments(node)
    if function.part:
        if not arguments or not isinstance(arguments[0], exp.Column | exp.Var | exp.Anonymous):
            raise Refused(f"{name}()", "its first argument is a date part.", f"Write {name}(month, …).")
        node.meta["part"] = arguments[0].name
        arguments = arguments[1:]
    _check_count(name, function, arguments)
    arguments = [_undistinct(node, argument) for argument in arguments]
    _bind_within(node, scope, found, bind)
    kinds = [bind(argument, scope, found) for argument in arguments]
    plan = function.rule(Call(node, name, arguments, kinds), found)
    kind = remember(node, plan, lambda item: _rewritten(item, part=function.part))
    if not over:
        also(node, _settled)
    return kind


def _settled(node: exp.Expr) -> exp.Expr:
    """Keep an aggregate that has no window of its own from taking that of a window around it."""
    for item in node.find_all(exp.Anonymous):
        item.meta.pop(AGGREGATE, None)
    return node


def _function(name: str, *, over: bool) -> Function:
    function = FUNCTIONS.get(name)
    if function is None:
        why = "it is not one of the functions that give the same result everywhere."
        advice = own_word(name) or near(name, list(FUNCTIONS), cutoff=_ALIKE, otherwise=_SEE)
        raise Refused(f"{name}()", *REFUSED.get(name, (why, advice)))
    if name in WINDOWS and not over:
        raise Refused(f"{name}()", "it needs a window.", "Write OVER (…) behind it.")
    return function


def _arguments(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.GroupConcat):
        value = node.this.this if isinstance(node.this, exp.Order) else node.this
        return [value, node.args.get("separator") or exp.Literal.string("")]
    if isinstance(node, exp.Trim):
        return [node.this, *([node.expression] if node.args.get("expression") is not None else [])]
    if isinstance(node, exp.CurrentTimestamp):
        return []
    return list(node.expressions)


def _rewritten(node: exp.Expr, *, part: bool) -> list[exp.Expr]:
    found = [item.expressions[0] if isinstance(item, exp.Distinct) else item for item in _arguments(node)]
    return found[1:] if part else found


def _check_count(name: str, function: Function, arguments: list[exp.Expr]) -> None:
    if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
        part = ["month"] if function.part else []
        least, most = function.least + len(part), None if function.most is None else function.most + len(part)
        counts = f"{least} or more" if most is None else str(least) if most == least else f"{least} to {most}"
        what = "argument" if counts == "1" else "arguments"
        written = ", ".join([*part, *(chr(ord("a") + n) for n in range(function.least))])
        given = len(arguments) + len(part)
        raise Refused(f"{name}()", f"it takes {counts} {what}, and here it has {given}.", f"Write {name}({written}).")


def _undistinct(node: exp.Expr, argument: exp.Expr) -> exp.Expr:
    """Return what is counted of ``COUNT(DISTINCT x)``."""
    if not isinstance(argument, exp.Distinct):
        return argument
    node.meta["distinct"] = True
    counted: list[exp.Expr] = argument.expressions
    if len(counted) > 1:
        raise Refused("DISTINCT of several values", "T-SQL takes one.", "CONCAT them with a sign between.")
    return counted[0]


def _bind_within(node: exp.Expr, scope: Scope, found: Findings, bind: BindOne) -> None:
    """Bind the order of STRING_AGG, which DuckDB takes inside the call."""
    if isinstance(node, exp.GroupConcat) and isinstance(node.this, exp.Order):
        order = node.this
        bind_order(order, scope, found, bind)
        node.meta["order"] = lambda: order.expressions


def bind_window(node: exp.Expr, scope: Scope, found: Findings, bind: BindOne) -> SqlType:
    """Bind ``f(…) OVER (…)``.

    Raises:
        Refused: the function has no window form, or its order is missing.
    """
    inner = node.this
    ignoring = isinstance(inner, exp.IgnoreNulls | exp.RespectNulls)
    function = inner.this if ignoring else inner
    if isinstance(function, exp.WithinGroup):
        function = _within_group(function, scope, found, bind)
    name = function_name(function)
    if ignoring and name.lower() not in _SKIPPING:
        why = "only LAG, LEAD, FIRST_VALUE and LAST_VALUE leave NULL out by it."
        raise Refused(f"{name}() IGNORE NULLS", why, "Leave it out.")
    if name not in AGGREGATES and name not in WINDOWS:
        raise Refused(f"{name or 'this expression'} OVER", "it has no window form.", "Use an aggregate.")
    order = node.args.get("order")
    if order is None and name in WINDOWS and not name.startswith("PERCENTILE"):
        raise Refused(f"{name}() OVER", "without an order its result is any.", "Add ORDER BY in the OVER (…).")
    for key in node.args.get("partition_by") or []:
        bind(key, scope, found)
        if group_key(key, found):
            check_inline(key)
    if order is not None:
        bind_order(order, scope, found, bind)
    try:
        kind = bind_call(function, scope, found, bind, over=True)
    except Refused as refused:
        if not any(part.meta.get(TYPE) == UNKNOWN for part in function.walk()):
            found.problem(function, refused.what, *refused.advice)
        kind = UNKNOWN
    node.meta.update({TYPE: kind, BUILD: lambda item: _over(item, ignoring=isinstance(inner, exp.IgnoreNulls))})
    return kind


def _within_group(node: exp.Expr, scope: Scope, found: Findings, bind: BindOne) -> exp.Expr:
    """Take the one value that PERCENTILE_CONT and PERCENTILE_DISC sort by."""
    (ordered,) = node.expression.expressions
    kind = bind(ordered.this, scope, found)
    if ordered.args.get("desc"):
        raise Refused(
            "WITHIN GROUP (ORDER BY … DESC)", "it is not translated.", "Sort upwards, and take 1 - the share."
        )
    function: exp.Expr = node.this
    function.meta.update({"ordered_type": kind, "value": lambda: ordered.this})
    return function


def _over(node: exp.Expr, *, ignoring: bool) -> exp.Expr:
    """Put the window behind each of DuckDB's aggregates in the rewritten call."""
    value = node.this
    while isinstance(value, exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup):
        value = value.this
    holder = exp.Paren(this=value)
    window = {name: node.args.get(name) for name in ("partition_by", "order", "spec")}
    for key in [*(node.args.get("partition_by") or []), *filter(None, [node.args.get("order")])]:
        _steady(key)
    calls = [item for item in holder.find_all(exp.Anonymous) if item.meta.pop(AGGREGATE, False)]
    for item in calls:
        framed = exp.Window(**{name: _copied(part) for name, part in window.items()})
        item.replace(framed)
        framed.set("this", _without_nulls(item) if ignoring else item)
    result: exp.Expr = holder.this
    result.pop()
    return result


def _without_nulls(call: exp.Expr) -> exp.Expr:
    """Write IGNORE NULLS, which sqlglot writes for functions alone that it knows."""
    known = _SKIPPING[str(call.this).lower()]
    arguments = dict(zip(("this", "offset", "default"), call.expressions, strict=False))
    return exp.IgnoreNulls(this=known(**arguments))


def _steady(key: exp.Expr) -> None:
    """Take what DuckDB calls volatile out of a window's key, but for what is grouped by: it is computed by then."""
    for item in key.walk(prune=lambda node: GROUPED in node.meta):
        if GROUPED not in item.meta and isinstance(item, exp.Anonymous) and item.find(exp.Column):
            item.set("this", steady(str(item.this)))


def _copied(part: object) -> object:
    if isinstance(part, list):
        return [item.copy() for item in part]
    return part.copy() if isinstance(part, exp.Expr) else part
