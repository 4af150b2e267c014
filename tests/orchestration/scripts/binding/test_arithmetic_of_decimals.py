"""Sums, products, quotients and remainders of decimals are what exact arithmetic says, at the documented scale."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestration.scripts.binding import Frame, bind
from orchestration.scripts.dialect import parse_text
from orchestration.scripts.translation import macros_for, rewrite, text
from orchestration.scripts.types import SqlType, arithmetic, decimal

_EXACT = Context(prec=120)
_ROUNDING = {"+": ROUND_HALF_UP, "-": ROUND_HALF_UP, "*": ROUND_HALF_UP, "/": ROUND_DOWN, "%": ROUND_DOWN}
_KINDS = st.builds(lambda p, s: decimal(p, min(p, s)), st.integers(1, 20), st.integers(0, 8))
_DIGITS = st.integers(-(10**20) + 1, 10**20 - 1)


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def value_of(digits: int, kind: SqlType) -> Decimal:
    """Return a value of a type, with as many of the digits as it holds."""
    held = abs(digits) % 10**kind.precision
    return Decimal(-held if digits < 0 else held).scaleb(-kind.scale, _EXACT)


def exactly(operator: str, left: Decimal, right: Decimal) -> Decimal:
    if operator == "%":
        whole = (left / right if not left % right else _EXACT.divide(left, right)).to_integral_value(ROUND_DOWN)
        return _EXACT.subtract(left, _EXACT.multiply(whole, right))
    compute = {"+": _EXACT.add, "-": _EXACT.subtract, "*": _EXACT.multiply, "/": _EXACT.divide}[operator]
    return compute(left, right)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from("+-*/%"), st.tuples(_KINDS, _DIGITS), st.tuples(_KINDS, _DIGITS))
def test_decimals_are_computed_as_documented(
    engine: duckdb.DuckDBPyConnection, operator: str, first: tuple[SqlType, int], second: tuple[SqlType, int]
) -> None:
    (one, some), (other, more) = first, second
    left, right = value_of(some, one), value_of(more, other)
    assume(operator not in "/%" or right)
    assume(operator != "*" or abs(left * right).scaleb(one.scale + other.scale) < Decimal(10) ** 38)
    result = arithmetic(operator, one, other)
    assert result is not None
    expected = exactly(operator, left, right).quantize(
        Decimal(1).scaleb(-result.scale), _ROUNDING[operator], context=_EXACT
    )
    assume(abs(expected) < Decimal(10) ** (result.precision - result.scale))
    tree = parse_text(f"SELECT CAST('{left:f}' AS {one.tsql}) {operator} CAST('{right:f}' AS {other.tsql}) AS a")
    assert bind(tree, Frame()).outputs == {"a": result}
    sql = text(rewrite(tree, lambda table: table.name))
    for macro in macros_for(sql, set()):
        engine.execute(macro)
    assert engine.execute(sql).fetchall() == [(expected,)]


@settings(max_examples=60, deadline=None)
@given(_KINDS, _DIGITS, st.integers(-4, 8), st.booleans())
def test_rounding_is_half_away_from_zero_or_cuts(
    engine: duckdb.DuckDBPyConnection,
    kind: SqlType,
    digits: int,
    places: int,
    cut: bool,
) -> None:
    value = value_of(digits, kind)
    shift = Decimal(1).scaleb(-min(places, kind.scale))
    expected = (_EXACT.divide(value, shift)).to_integral_value(ROUND_DOWN if cut else ROUND_HALF_UP) * shift
    assume(abs(expected) < Decimal(10) ** (kind.precision - kind.scale))
    tree = parse_text(f"SELECT ROUND(CAST('{value:f}' AS {kind.tsql}), {places}{', 1' if cut else ''}) AS a")
    assert bind(tree, Frame()).outputs == {"a": kind}
    sql = text(rewrite(tree, lambda table: table.name))
    for macro in macros_for(sql, set()):
        engine.execute(macro)
    assert engine.execute(sql).fetchall() == [(expected,)]
