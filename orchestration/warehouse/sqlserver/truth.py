"""Rewrites what has to do with truth: SQL Server has conditions and bits, and neither stands for the other.

A condition that is used as a value (a column of the answer, an argument, a value of UPDATE) becomes a bit, which is
NULL where the condition is neither true nor false; a value that is used as a condition is compared with 1.
"""

from __future__ import annotations

from sqlglot import exp

_CONDITIONS = (exp.Predicate, exp.Connector, exp.Not)
_QUANTIFIED = (exp.Any, exp.All)
_CERTAIN = (exp.Exists, exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ)
_HOLDERS = (exp.Where, exp.Having, exp.Qualify)


def conditions_as_values(tree: exp.Expr) -> None:
    """Make bits of conditions, and of the words for true and false, where a value has to be."""
    for condition in list(tree.find_all(*_CONDITIONS)):
        if not isinstance(condition, _QUANTIFIED) and not _is_condition(condition) and not _is_assignment(condition):
            condition.replace(_bit(condition.copy()))
    for word in list(tree.find_all(exp.Boolean)):
        if not _is_condition(word):
            word.replace(exp.cast(exp.Literal.number(int(word.this)), "boolean", dialect="duckdb"))


def values_as_conditions(tree: exp.Expr) -> None:
    """Compare values with 1 where a condition has to be; columns are compared by sqlglot."""
    for value in list(tree.find_all(exp.Func, exp.Case, exp.Cast, exp.Var, exp.Subquery)):
        if not isinstance(value, _CONDITIONS) and _is_condition(value):
            value.replace(exp.EQ(this=value.copy(), expression=exp.Literal.number(1)))


def _is_condition(node: exp.Expr) -> bool:
    """Say whether a condition is what has to be where a node is."""
    parent, place = node.parent, node
    while isinstance(parent, exp.Paren):
        place, parent = parent, parent.parent
    if isinstance(parent, exp.If):
        around = parent.parent
        is_simple = isinstance(around, exp.Case) and around.this is not None
        return place.arg_key == "this" and not is_simple
    if isinstance(parent, exp.Join):
        return place.arg_key == "on"
    return isinstance(parent, (exp.Connector, exp.Not, *_HOLDERS))


def _is_assignment(node: exp.Expr) -> bool:
    return isinstance(node, exp.EQ) and isinstance(node.parent, exp.Update)


def _bit(condition: exp.Expr) -> exp.Expr:
    case = exp.Case().when(condition, exp.Literal.number(1))
    if _is_certain(condition):
        case = case.else_(exp.Literal.number(0))
    else:
        case = case.when(exp.Not(this=exp.paren(condition.copy())), exp.Literal.number(0))
    return exp.cast(case, "boolean", dialect="duckdb")


def _is_certain(condition: exp.Expr) -> bool:
    """Say whether a condition is true or false whatever is NULL."""
    if isinstance(condition, exp.Paren | exp.Not):
        return _is_certain(condition.this)
    if isinstance(condition, exp.Connector):
        return _is_certain(condition.left) and _is_certain(condition.right)
    return isinstance(condition, _CERTAIN)
