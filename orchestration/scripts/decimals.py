"""SQL Server's division, exactly: its result types, and HUGEINT arithmetic that cuts where it cuts.

DuckDB divides decimals as floats. Where both operands have a written type the
result's scale is known before anything runs, and integers do the rest.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlglot import exp

from orchestration.scripts.constructs import INTEGERS

_LARGEST = 38


class Numeric(NamedTuple):
    """A number's type; ``whole`` tells an integer type from a decimal with scale 0."""

    precision: int
    scale: int
    whole: bool = False


class Quotient(NamedTuple):
    """A division whose operands' types are known."""

    left: Numeric
    right: Numeric
    result: Numeric


def quotient(division: exp.Expr) -> Quotient | None:
    """Return the types of a division, or None where the text does not tell them or they cannot be kept exact.

    Follows "Precision, scale, and length (Transact-SQL)": scale is max(6, s1 + p2 + 1), and gives way to the
    integral part when the precision passes 38.
    """
    left, right = written_type(division.this), written_type(division.expression)
    if left is None or right is None:
        return None
    if left.whole and right.whole:
        return Quotient(left, right, max(left, right))
    scale = max(6, left.scale + right.precision + 1)
    integral = left.precision - left.scale + right.scale
    if integral + scale > _LARGEST:
        scale = min(scale, _LARGEST - integral) if integral < 32 else min(scale, 6)
    if integral + scale > _LARGEST or scale + right.scale < left.scale:
        return None
    return Quotient(left, right, Numeric(integral + scale, scale))


def written_type(node: exp.Expr) -> Numeric | None:
    """Return the type that the text gives a number: a CAST, a constant with a point, or a quotient of such."""
    plain = node.unnest()
    if isinstance(plain, exp.Cast):
        return _cast_type(plain.to)
    if isinstance(plain, exp.Nullif | exp.Neg):
        return written_type(plain.this)
    if isinstance(plain, exp.Literal) and not plain.is_string and "." in plain.name and "e" not in plain.name.lower():
        before, after = plain.name.split(".")
        return Numeric(max(1, len(before.lstrip("0")) + len(after)), len(after))
    if isinstance(plain, exp.Div):
        inner = quotient(plain)
        return inner.result if inner else None
    return None


def _cast_type(kind: exp.DataType) -> Numeric | None:
    if kind.this in INTEGERS:
        return Numeric(INTEGERS[kind.this], 0, whole=True)
    if kind.this is exp.DataType.Type.DECIMAL and len(kind.expressions) == 2:
        precision, scale = (int(size.name) for size in kind.expressions)
        return Numeric(precision, scale)
    return None


QUOTIENT_MACRO = (
    "CREATE OR REPLACE TEMP MACRO strata_quotient(n, d) AS "
    "CASE WHEN d = 0 THEN error('a division by zero') ELSE n // d END"
)
"""What :func:`divide` needs in the script's connection; SQL Server stops at a division by zero, DuckDB says NULL."""


def divide(left: str, right: str, types: Quotient) -> str:
    """Return DuckDB text for ``left / right``, cut (not rounded) at SQL Server's scale."""
    if types.result.whole:
        return f"strata_quotient({left}, {right})"
    shift = types.result.scale + types.right.scale - types.left.scale
    dividend = f"{_integer(left, types.left)} * CAST({10**shift} AS HUGEINT)"
    scale = types.result.scale
    unit = f"CAST('{'0.' + '0' * (scale - 1) + '1'}' AS DECIMAL({scale + 1}, {scale}))"
    return f"(CAST(strata_quotient({dividend}, {_integer(right, types.right)}) AS DECIMAL(38, 0)) * {unit})"


def _integer(text: str, kind: Numeric) -> str:
    """Return a decimal's digits as an integer."""
    if kind.whole or not kind.scale:
        return f"CAST({text} AS HUGEINT)"
    wide = f"CAST({text} AS DECIMAL({_LARGEST}, {kind.scale}))"
    return f"CAST({wide} * CAST({10**kind.scale} AS DECIMAL({kind.scale + 1}, 0)) AS HUGEINT)"


def widened(text: str, kind: Numeric) -> str:
    """Return a wider factor: DuckDB keeps the product of two decimals of up to 18 digits in 18 digits."""
    return f"CAST({text} AS DECIMAL({max(kind.precision, 19)}, {kind.scale}))"
