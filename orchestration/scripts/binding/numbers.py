"""Arithmetic with SQL Server's types and results, exactly.

DuckDB divides decimals as floats and keeps products of short decimals short. Where that
differs, digits are computed as whole numbers and put back at the documented scale.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.plan import Build, Plan, Refused
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.translation.nodes import (
    add,
    call,
    cast,
    divide_whole,
    multiply,
    number,
    operation,
    subtract,
    text,
)
from orchestration.scripts.types import LARGEST, SqlType, arithmetic, combined

_NODES: dict[str, type[exp.Expr]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div, "%": exp.Mod}


def plan_arithmetic(operator: str, left: SqlType, right: SqlType) -> Plan:
    """Plan ``left operator right`` of two numbers; text beside a number is read as one.

    A whole number that is written out is, beside a decimal, as precise as it is long: the caller says so.

    Raises:
        Refused: there is no such operation, or its result is not documented.
    """
    kinds = [_number(operator, kind, other) for kind, other in ((left, right), (right, left))]
    result = arithmetic(operator, *kinds)
    if result is None:
        raise _without_type(operator, left, right)
    converts = [converter(source, kind) for source, kind in zip((left, right), kinds, strict=True)]
    build = _builder(operator, kinds[0], kinds[1], result)
    return Plan(result, lambda nodes: build([convert(node) for convert, node in zip(converts, nodes, strict=True)]))


def _number(operator: str, kind: SqlType, other: SqlType) -> SqlType:
    """Return the type that an operand is computed in."""
    if kind.is_text and other.is_number:
        return other
    if not (kind.is_number or kind.name in ("null", "bit")) or kind.name == other.name == "bit":
        raise _without_type(operator, kind, other)
    return kind


def _without_type(operator: str, left: SqlType, right: SqlType) -> Refused:
    what = f"{left.tsql} {operator} {right.tsql}"
    if left.is_moment or right.is_moment:
        return Refused(what, "days are not added to dates by arithmetic in every engine.", "Use DATEADD or DATEDIFF.")
    if left.name == right.name == "decimal":
        why = "the sum has more than 38 digits, and SQL Server does not document where it rounds."
        return Refused(what, why, "CAST a SUM AS decimal(18,2) (or wider) before you go on with it.")
    return Refused(what, "there is no such operation in SQL Server.", "CAST the operands to numbers.")


def _builder(operator: str, left: SqlType, right: SqlType, result: SqlType) -> Build:
    if result.name == "decimal":
        sides = [converter(kind, _decimal(kind)) for kind in (left, right)]
        exact = _DECIMALS[operator](_decimal(left), _decimal(right), result)
        return lambda nodes: exact([side(node) for side, node in zip(sides, nodes, strict=True)])
    if result.is_money:
        return _MONEY[operator](result)
    node = exp.IntDiv if operator == "/" and result.is_integer else _NODES[operator]
    if result.is_float and operator == "%":
        raise Refused("% of float", "SQL Server takes no float here.", "CAST the operands AS decimal.")
    if result.is_float and operator == "/":
        return lambda nodes: call("strata_over", *[cast(item, result.duckdb) for item in nodes])
    sides = [converter(kind, result) for kind in (left, right)]
    return lambda nodes: operation(node, *[side(item) for side, item in zip(sides, nodes, strict=True)])


def _decimal(kind: SqlType) -> SqlType:
    return SqlType("decimal", 1, 0) if kind.name == "null" else kind.as_decimal


def _sum(operator: str) -> Callable[[SqlType, SqlType, SqlType], Build]:
    def plan(left: SqlType, right: SqlType, result: SqlType) -> Build:
        combine = add if operator == "+" else subtract
        del left, right  # DuckDB adds decimals by the same rule
        return lambda nodes: _typed(combine(*nodes), result)

    return plan


def _typed(node: exp.Expr, result: SqlType) -> exp.Expr:
    return cast(node, result.duckdb)


def _product(left: SqlType, right: SqlType, result: SqlType) -> Build:
    lost = left.scale + right.scale - result.scale
    if left.scale + right.scale > LARGEST:
        return lambda nodes: placed(
            call(
                "strata_nearest", multiply(digits(nodes[0], left), digits(nodes[1], right)), cast(_ten(lost), "HUGEINT")
            ),
            result,
        )
    # DuckDB keeps the product of two decimals of up to 18 digits in 18 digits.
    wide = SqlType("decimal", max(left.precision, 19), left.scale)
    return lambda nodes: _typed(multiply(cast(nodes[0], wide.duckdb), nodes[1]), result)


def _quotient(left: SqlType, right: SqlType, result: SqlType) -> Build:
    """SQL Server cuts a quotient at its scale; it does not round."""
    shift = result.scale + right.scale - left.scale

    def build(nodes: list[exp.Expr]) -> exp.Expr:
        dividend, divisor = digits(nodes[0], left), digits(nodes[1], right)
        if shift >= 0:
            return placed(divide_whole(shifted(dividend, shift), divisor), result)
        return placed(divide_whole(dividend, shifted(divisor, -shift)), result)

    return build


def _remainder(left: SqlType, right: SqlType, result: SqlType) -> Build:
    shifts = result.scale - left.scale, result.scale - right.scale

    def build(nodes: list[exp.Expr]) -> exp.Expr:
        sides = [
            shifted(digits(node, kind), shift) for node, kind, shift in zip(nodes, (left, right), shifts, strict=True)
        ]
        return placed(operation(exp.Mod, *sides), result)

    return build


def digits(node: exp.Expr, kind: SqlType) -> exp.Expr:
    """Return a decimal's digits as a whole number."""
    if not kind.scale:
        return cast(node, "HUGEINT")
    if kind.precision + kind.scale > LARGEST:
        return call("strata_digits", node)
    wide = cast(node, f"DECIMAL({LARGEST},{kind.scale})")
    return cast(multiply(wide, cast(_ten(kind.scale), f"DECIMAL({kind.scale + 1},0)")), "HUGEINT")


def shifted(node: exp.Expr, places: int) -> exp.Expr:
    """Multiply a whole number by a power of ten."""
    return multiply(node, cast(_ten(places), "HUGEINT")) if places else node


def placed(node: exp.Expr, result: SqlType) -> exp.Expr:
    """Put the point back into a whole number's digits."""
    if not result.scale:
        return cast(node, result.duckdb)
    unit = cast(text(f"0.{'0' * (result.scale - 1)}1"), f"DECIMAL({result.scale + 1},{result.scale})")
    return cast(multiply(cast(node, f"DECIMAL({LARGEST},0)"), unit), result.duckdb)


def _ten(places: int) -> exp.Expr:
    return number(10**places)


def _money_sum(operator: str) -> Callable[[SqlType], Build]:
    combine = add if operator == "+" else subtract
    return lambda result: (
        lambda nodes: cast(combine(cast(nodes[0], result.duckdb), cast(nodes[1], result.duckdb)), result.duckdb)
    )


def _money_product(result: SqlType) -> Build:
    """A product of money has to have four places: how SQL Server rounds a longer one is not documented."""

    def build(nodes: list[exp.Expr]) -> exp.Expr:
        whole = multiply(cast(nodes[0], "DECIMAL(19,4)"), cast(nodes[1], "DECIMAL(19,4)"))
        return call("strata_exact", whole, cast(whole.copy(), result.duckdb))

    return build


def _money_quotient(result: SqlType) -> Build:
    amount = SqlType("decimal", 19, 4)
    return lambda nodes: cast(_quotient(amount, amount, amount)(nodes), result.duckdb)


def _no_money_remainder(result: SqlType) -> Build:
    raise Refused(f"% of {result.tsql}", "its result is not documented.", "CAST the operands AS decimal(19,4).")


_DECIMALS = {"+": _sum("+"), "-": _sum("-"), "*": _product, "/": _quotient, "%": _remainder}
_MONEY = {
    "+": _money_sum("+"), "-": _money_sum("-"), "*": _money_product, "/": _money_quotient, "%": _no_money_remainder,
}  # fmt: skip


def plan_negative(kind: SqlType) -> Plan:
    """Plan ``-x``."""
    if not kind.is_number and kind.name != "null":
        raise Refused(f"-{kind.tsql}", "only numbers have a sign.", "CAST it to a number.")
    result = SqlType("smallint") if kind.name == "tinyint" else kind
    convert = converter(kind, result)
    return Plan(result, lambda nodes: exp.Paren(this=exp.Neg(this=exp.Paren(this=convert(nodes[0])))))


def plan_bits(node: type[exp.Expr], left: SqlType, right: SqlType) -> Plan:
    """Plan ``& | ^`` of whole numbers."""
    if not all(kind.is_integer for kind in (left, right)):
        raise Refused("a bit operator", "it takes whole numbers alone.", "CAST the operands AS int.")
    result = combined([left, right])
    sides = [converter(kind, result) for kind in (left, right)]
    return Plan(result, lambda nodes: operation(node, *[side(item) for side, item in zip(sides, nodes, strict=True)]))
