"""TOP, WITH TIES, PERCENT, OFFSET and FETCH: which rows they pick is decided by an order, or it is any."""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.binding.expressions import bind_expression
from orchestration.scripts.binding.plan import BUILD
from orchestration.scripts.binding.scope import Findings, Scope
from orchestration.scripts.translation.nodes import call, cast, multiply, number, operand, operation


def plan_limit(query: exp.Expr, scope: Scope, found: Findings) -> None:
    """Plan what picks rows of a query."""
    limit, offset = query.args.get("limit"), query.args.get("offset")
    picks: exp.Expr | None = limit if limit is not None else offset
    if picks is None:
        return
    options = limit.args.get("limit_options") if limit is not None else None
    percent, ties = (bool(options is not None and options.args.get(name)) for name in ("percent", "with_ties"))
    count = (limit.args.get("expression") or limit.args.get("count")) if limit is not None else None
    for part in (count, offset.expression if offset is not None else None):
        if part is not None:
            bind_expression(part, scope, found)
    if percent and count is not None and count.name == "100":
        query.set("limit", None)
        query.set("order", None)
        return
    if query.args.get("order") is None:
        found.problem(picks, "TOP without ORDER BY", "which rows it picks is any.", "Add ORDER BY with a unique key.")
        return
    if (percent or ties) and (query.args.get("distinct") is not None or not isinstance(query, exp.Select)):
        found.problem(picks, "TOP … WITH TIES of DISTINCT", "it is not translated.", "Put the DISTINCT into a CTE.")
        return
    query.meta[BUILD] = lambda item: _picked(item, percent=percent, ties=ties)


def _picked(query: exp.Expr, *, percent: bool, ties: bool) -> exp.Expr:
    limit, offset = query.args.get("limit"), query.args.get("offset")
    count = (limit.args.get("expression") or limit.args.get("count")) if limit is not None else None
    if not (percent or ties):
        query.set("limit", exp.Limit(expression=operand(count)) if count is not None else None)
        return query
    assert count is not None  # noqa: S101 - both words belong to TOP
    order = query.args["order"]
    place = exp.Window(this=call("rank" if ties else "row_number"), order=order.copy())
    query.set("limit", None)
    query.set("qualify", exp.Qualify(this=exp.LTE(this=place, expression=_share(count) if percent else operand(count))))
    query.set("order", None)
    query.set("offset", offset)
    return query


def _share(count: exp.Expr) -> exp.Expr:
    """TOP n PERCENT rounds up."""
    every = exp.Window(this=call("count", exp.Star()))
    return call("ceil", operation(exp.Div, multiply(cast(count, "DOUBLE"), every), number(100)))
