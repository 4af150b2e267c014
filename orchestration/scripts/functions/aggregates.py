"""Aggregates, plain and over windows: sums keep SQL Server's types, averages are cut as it cuts them."""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.binding.numbers import digits, placed, shifted
from orchestration.scripts.binding.plan import Call, Plan
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.binding.texts import key
from orchestration.scripts.functions.rule import Function, Rule, as_text, keeps_plain, planned
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.translation.nodes import call as duckdb
from orchestration.scripts.translation.nodes import cast, divide_whole, number
from orchestration.scripts.types import BIGINT, FLOAT, INT, LARGEST, SqlType, decimal, varchar

AGGREGATE = "aggregate"
"""The key of ``node.meta`` that marks DuckDB's aggregate calls: an OVER belongs to each of them."""


def aggregate(name: str, *arguments: exp.Expr) -> exp.Expr:
    """Call one of DuckDB's aggregates or window functions."""
    node = duckdb(name, *arguments)
    node.meta[AGGREGATE] = True
    return node


def _distinct(call: Call, node: exp.Expr) -> exp.Expr:
    return exp.Distinct(expressions=[node]) if call.node.meta.get("distinct") else node


def _summed(call: Call) -> SqlType:
    """Return the type that values are summed in; bits and text have no sum."""
    kind = call.kinds[0]
    if kind.name in ("tinyint", "smallint", "null"):
        return INT
    if not kind.is_number:
        raise call.refused(f"SQL Server has no sum of {kind.tsql}.", "CAST the values AS int or decimal(p,s).")
    return SqlType("money") if kind.is_money else FLOAT if kind.is_float else kind


def _sum(call: Call, _: Findings) -> Plan:
    kind = _summed(call)
    result = decimal(LARGEST, kind.scale) if kind.name == "decimal" else kind
    return planned(call, result, lambda x: cast(aggregate("sum", _distinct(call, x)), result.duckdb), kind)


def _avg(call: Call, _: Findings) -> Plan:
    """AVG of whole numbers is one; of decimals it has at least six places, and is cut there."""
    kind = _summed(call)
    if kind.is_float:
        return planned(call, FLOAT, lambda x: aggregate("avg", _distinct(call, x)), FLOAT)
    result = decimal(LARGEST, max(kind.scale, 6)) if kind.name == "decimal" else kind
    exact = kind.as_decimal if kind.is_money else kind
    places = decimal(LARGEST, exact.scale if kind.is_money else result.scale)

    def build(x: exp.Expr) -> exp.Expr:
        total, count = (aggregate(name, _distinct(call, node)) for name, node in (("sum", x), ("count", x.copy())))
        many = duckdb("nullif", count, number(0))
        if kind.is_integer:
            return cast(divide_whole(total, many), result.duckdb)
        dividend = shifted(digits(total, exact), places.scale - exact.scale)
        return cast(placed(divide_whole(dividend, many), places), result.duckdb)

    return planned(call, result, build, kind)


def _count(result: SqlType) -> Rule:
    def rule(call: Call, found: Findings) -> Plan:
        node = call.arguments[0]
        if isinstance(node, exp.Star):
            return Plan(result, lambda _: cast(aggregate("count", exp.Star()), result.duckdb))
        check = key(node, call.kinds[0], found, "equal") if _compares(call) else (lambda x: x)
        return planned(call, result, lambda x: cast(aggregate("count", _distinct(call, check(x))), result.duckdb))

    return rule


def _compares(call: Call) -> bool:
    return bool(call.node.meta.get("distinct")) and call.kinds[0].is_text


def _extreme(name: str) -> Rule:
    """Plan MIN or MAX; of text it is a matter of sorting."""

    def rule(call: Call, found: Findings) -> Plan:
        kind, node = call.kinds[0], call.arguments[0]
        if kind.name == "bit":
            raise call.refused("SQL Server has no smallest or largest bit.", "CAST it AS int.")
        check = key(node, kind, found, "order", inline_order=False) if kind.is_text else (lambda x: x)
        keeps_plain(call, 0)
        return planned(call, kind, lambda x: aggregate(name, check(x)))

    return rule


def _spread(name: str) -> Rule:
    return lambda call, _: planned(call, FLOAT, lambda x: aggregate(name, _distinct(call, x)), FLOAT)


def _string_agg(call: Call, _: Findings) -> Plan:
    """STRING_AGG leaves NULL out; its order has to be written, or it is any."""
    order = call.node.meta.get("order")
    if order is None:
        raise call.refused("the order of the values would be any.", "Add WITHIN GROUP (ORDER BY …).")
    kind, separator = as_text(call, 0), as_text(call, 1)
    longest = 4000 if kind.is_national else 8000
    result = varchar(None if kind.length is None else longest, national=kind.is_national)

    def build(x: exp.Expr, between: exp.Expr) -> exp.Expr:
        ordered = exp.Order(this=between, expressions=call.node.meta["order"]())
        joined = aggregate("string_agg", x, ordered)
        return joined if result.length is None else duckdb("strata_fits", joined, number(longest))

    return planned(call, result, build, kind, separator)


def _grouping(call: Call, _: Findings) -> Plan:
    return planned(call, SqlType("tinyint") if call.name == "GROUPING" else INT, lambda *x: duckdb("grouping", *x))


AGGREGATES: dict[str, Function] = {
    "SUM": Function.of(_sum, 1),
    "AVG": Function.of(_avg, 1),
    "COUNT": Function.of(_count(INT), 1),
    "COUNT_BIG": Function.of(_count(BIGINT), 1),
    "MIN": Function.of(_extreme("min"), 1),
    "MAX": Function.of(_extreme("max"), 1),
    "STDEV": Function.of(_spread("stddev_samp"), 1),
    "STDEVP": Function.of(_spread("stddev_pop"), 1),
    "VAR": Function.of(_spread("var_samp"), 1),
    "VARP": Function.of(_spread("var_pop"), 1),
    "STRING_AGG": Function.of(_string_agg, 2),
    "GROUPING": Function.of(_grouping, 1),
    "GROUPING_ID": Function(_grouping, 1, None),
}


def _rank(name: str, result: SqlType) -> Rule:
    return lambda call, _: planned(call, result, lambda *x: aggregate(name, *x), *[INT] * len(call.kinds))


def _shift(name: str) -> Rule:
    """Plan LAG or LEAD: of its first argument's type, which the default is brought to."""

    def rule(call: Call, _: Findings) -> Plan:
        kind = call.kinds[0]
        fallback = converter(call.kinds[2], kind) if len(call.kinds) > 2 else None
        keeps_plain(call, 0, 2)

        def build(x: exp.Expr, offset: exp.Expr | None = None, default: exp.Expr | None = None) -> exp.Expr:
            parts = [x, *([offset] if offset is not None else [])]
            if default is not None and fallback is not None:
                parts.append(fallback(default))
            return aggregate(name, *parts)

        return planned(call, kind, build, None, BIGINT)

    return rule


def _edge(name: str) -> Rule:
    def rule(call: Call, _: Findings) -> Plan:
        keeps_plain(call, 0)
        return planned(call, call.kinds[0], lambda x: aggregate(name, x))

    return rule


def _percentile(name: str) -> Rule:
    """PERCENTILE_CONT computes in floats, PERCENTILE_DISC takes one of the values."""

    def rule(call: Call, _: Findings) -> Plan:
        kind: SqlType = call.node.meta["ordered_type"]
        if call.constant(0) is None or (kind.is_text or not (kind.is_number or name == "quantile_disc")):
            raise call.refused("it takes a share that is written out, of numbers.", "Write PERCENTILE_CONT(0.5).")
        result = FLOAT if name == "quantile_cont" else kind
        to = converter(kind, result)
        share = call.constant(0) or "0"
        return Plan(result, lambda _: aggregate(name, to(call.node.meta["value"]()), exp.Literal.number(share)))

    return rule


WINDOWS: dict[str, Function] = {
    "ROW_NUMBER": Function.of(_rank("row_number", BIGINT), 0),
    "RANK": Function.of(_rank("rank", BIGINT), 0),
    "DENSE_RANK": Function.of(_rank("dense_rank", BIGINT), 0),
    "NTILE": Function.of(_rank("ntile", BIGINT), 1),
    "PERCENT_RANK": Function.of(_rank("percent_rank", FLOAT), 0),
    "CUME_DIST": Function.of(_rank("cume_dist", FLOAT), 0),
    "LAG": Function.of(_shift("lag"), 1, 3),
    "LEAD": Function.of(_shift("lead"), 1, 3),
    "FIRST_VALUE": Function.of(_edge("first_value"), 1),
    "LAST_VALUE": Function.of(_edge("last_value"), 1),
    "PERCENTILE_CONT": Function.of(_percentile("quantile_cont"), 1),
    "PERCENTILE_DISC": Function.of(_percentile("quantile_disc"), 1),
}
