"""Conditions: comparisons, LIKE, IN, BETWEEN, EXISTS, and what joins them."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.comparisons import compared
from orchestration.scripts.binding.plan import BUILD, TYPE, Refused, also, type_of
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.binding.texts import Mode, constant, is_simple, key
from orchestration.scripts.translation.nodes import call, operand, selects, text
from orchestration.scripts.translation.patterns import has_class, like_pattern
from orchestration.scripts.types import BIT, SqlType

Convert = Callable[[exp.Expr], exp.Expr]


def _plain(node: exp.Expr, found: Findings) -> SqlType:  # noqa: ARG001 - one signature for all
    node.meta[TYPE] = BIT
    return BIT


def _comparison(node: exp.Expr, found: Findings) -> SqlType:
    mode = "equal" if isinstance(node, exp.EQ | exp.NEQ | exp.NullSafeEQ | exp.NullSafeNEQ) else "order"
    sides = [_value(side) for side in (node.this, node.expression)]
    converts = compared(sides, found, mode)  # type: ignore[arg-type]  # one of the two literals above
    kind = type(node)
    for side, value, convert in zip((node.this, node.expression), sides, converts, strict=True):
        if side is not value:
            _convert_rows(value, convert)

    def build(item: exp.Expr) -> exp.Expr:
        left, right = _settled(item.this, converts[0]), _settled(item.expression, converts[1])
        return kind(this=left, expression=right)

    return _remember(node, build)


def _value(node: exp.Expr) -> exp.Expr:
    """Return what a side compares: of ANY (…) and ALL (…) the query inside."""
    return node.this if isinstance(node, exp.Any | exp.All) else node


def _convert_rows(query: exp.Expr, convert: Convert) -> None:
    """Convert what a query selects before it is compared."""
    for select in selects(query):
        for item in select.expressions[:1]:
            also(item.this if isinstance(item, exp.Alias) else item, convert)


def _settled(node: exp.Expr, convert: Convert) -> exp.Expr:
    if isinstance(node, exp.Any | exp.All):
        return node
    return operand(convert(node))


def _remember(node: exp.Expr, build: Convert) -> SqlType:
    node.meta.update({TYPE: BIT, BUILD: build})
    return BIT


def _between(node: exp.Expr, found: Findings) -> SqlType:
    converts = compared([node.this, node.args["low"], node.args["high"]], found, "order")

    def build(item: exp.Expr) -> exp.Expr:
        value, low, high = (
            operand(to(part))
            for to, part in zip(converts, (item.this, item.args["low"], item.args["high"]), strict=True)
        )
        return exp.Between(this=value, low=low, high=high)

    return _remember(node, build)


def _in(node: exp.Expr, found: Findings) -> SqlType:
    query = node.args.get("query")
    if query is not None:
        first, inner = compared([node.this, query], found)
        _convert_rows(query, inner)
        return _remember(node, lambda item: exp.In(this=operand(first(item.this)), query=item.args["query"]))
    converts = compared([node.this, *node.expressions], found)

    def build(item: exp.Expr) -> exp.Expr:
        values = [to(value) for to, value in zip(converts[1:], item.expressions, strict=True)]
        return exp.In(this=operand(converts[0](item.this)), expressions=values)

    return _remember(node, build)


def _like(node: exp.Expr, found: Findings) -> SqlType:
    escape = node.parent if isinstance(node.parent, exp.Escape) else None
    sign = "" if escape is None else (constant(escape.expression) or "")
    kind = type_of(node.this)
    if not kind.is_text or kind.is_padded:
        raise Refused("LIKE", "it matches text without padding.", "CAST the value AS varchar(n), or RTRIM it.")
    pattern = constant(node.expression)
    mode: Mode = "constant" if is_simple(pattern) else "equal"
    check = key(node.this, kind, found, mode) if constant(node.this) is None else (lambda item: item)
    negated = bool(node.args.get("negate"))
    if pattern is None:
        if sign:
            raise Refused("LIKE … ESCAPE", "the pattern has to be written out.", "Write it as a constant.")
        return _remember(node, _negated(_variable_like(check), negated))
    return _remember(node, _negated(_constant_like(pattern, sign, check), negated))


def _negated(match: Convert, negated: bool) -> Convert:  # noqa: FBT001 - it is the word NOT
    return (lambda item: exp.Not(this=exp.Paren(this=match(item)))) if negated else match


def _variable_like(check: Convert) -> Convert:
    return lambda item: exp.ILike(this=operand(check(item.this)), expression=call("strata_pattern", item.expression))


def _constant_like(pattern: str, escape: str, check: Convert) -> Convert:
    if pattern.endswith(" "):
        raise Refused(f"the pattern '{pattern}'", "a blank at its end counts on one engine only.", "Leave it out.")
    if not has_class(pattern) and not escape:
        like_pattern(pattern)
        return lambda item: exp.ILike(this=operand(check(item.this)), expression=text(pattern))
    regex, ascii_only = like_pattern(pattern, escape)

    def build(item: exp.Expr) -> exp.Expr:
        value = check(item.this)
        return call("regexp_full_match", call("strata_ascii", value) if ascii_only else value, text(regex), text("is"))

    return build


def _escape(node: exp.Expr, found: Findings) -> SqlType:  # noqa: ARG001 - one signature for all
    return _remember(node, lambda item: item.this)


def _any(node: exp.Expr, found: Findings) -> SqlType:  # noqa: ARG001 - one signature for all
    node.meta[TYPE] = type_of(node.this)
    return type_of(node)


_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)
PREDICATES: dict[type[exp.Expr], Callable[[exp.Expr, Findings], SqlType]] = {
    **dict.fromkeys(_COMPARISONS, _comparison),
    **dict.fromkeys((exp.And, exp.Or, exp.Not, exp.Is, exp.Exists), _plain),
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Any: _any,
    exp.All: _any,
}
"""What is a condition, and how each is bound once its operands are."""
