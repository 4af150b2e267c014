"""The few shapes of DuckDB expression that translations are made of.

sqlglot writes a tree as it stands, without the parentheses that precedence needs, so
every operand that is an operation itself is put into them here.
"""

from __future__ import annotations

from sqlglot import exp

_OPERATIONS = (exp.Binary, exp.Not, exp.Neg, exp.BitwiseNot, exp.Between, exp.In, exp.Is, exp.Case, exp.Window)


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """Call a DuckDB function or one of the script connection's macros."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def cast(node: exp.Expr, kind: str, *, attempt: bool = False) -> exp.Expr:
    """Cast to a type written as DuckDB writes it; an attempt gives NULL where the cast fails."""
    if isinstance(node, exp.Cast) and not attempt and node.args["to"].args.get("kind") == kind:
        return node
    to = exp.DataType(this=exp.DType.USERDEFINED, kind=kind)
    return (exp.TryCast if attempt else exp.Cast)(this=node, to=to)


def text(value: str) -> exp.Expr:
    """Write a text constant."""
    return exp.Literal.string(value)


def number(value: int) -> exp.Expr:
    """Write a whole number."""
    return exp.Literal.number(value) if value >= 0 else exp.Paren(this=exp.Neg(this=exp.Literal.number(-value)))


def null() -> exp.Expr:
    """Write NULL."""
    return exp.Null()


def operand(node: exp.Expr) -> exp.Expr:
    """Put an operation into parentheses."""
    return exp.Paren(this=node) if isinstance(node, _OPERATIONS) else node


def operation(kind: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Combine two operands."""
    return kind(this=operand(left), expression=operand(right))


def add(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Write ``left + right``."""
    return operation(exp.Add, left, right)


def subtract(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Write ``left - right``."""
    return operation(exp.Sub, left, right)


def multiply(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Write ``left * right``."""
    return operation(exp.Mul, left, right)


def divide_whole(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Write ``left // right``: cut towards zero; a division by zero is an error in DuckDB too."""
    return operation(exp.IntDiv, left, right)


def join(*parts: exp.Expr) -> exp.Expr:
    """Write ``a || b || …``."""
    whole = parts[0]
    for part in parts[1:]:
        whole = exp.DPipe(this=whole if isinstance(whole, exp.DPipe) else operand(whole), expression=operand(part))
    return whole


def when(*branches: tuple[exp.Expr, exp.Expr], otherwise: exp.Expr | None = None) -> exp.Expr:
    """Write ``CASE WHEN … THEN … ELSE … END``."""
    return exp.Case(ifs=[exp.If(this=test, true=then) for test, then in branches], default=otherwise)


def selects(query: exp.Expr) -> list[exp.Select]:
    """Return the SELECTs whose rows a query combines."""
    if isinstance(query, exp.SetOperation):
        return [*selects(query.this), *selects(query.expression)]
    inner = query.unnest()
    return selects(inner) if isinstance(inner, exp.SetOperation) else [inner] if isinstance(inner, exp.Select) else []


def is_constant(node: exp.Expr) -> bool:
    """Say whether a value is written out, maybe with a sign."""
    plain = node.unnest()
    plain = plain.this if isinstance(plain, exp.Neg) else plain
    return isinstance(plain, exp.Literal | exp.National | exp.Null)
