"""Tells conditions from values: T-SQL takes each where the other cannot stand, sqlglot takes both anywhere."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import function_name

_CONDITIONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.And, exp.Or, exp.Not,
    exp.Is, exp.Exists, exp.Between, exp.In, exp.Like, exp.Escape,
)  # fmt: skip
_WANTED: dict[type[exp.Expr], str] = {
    exp.Where: "this", exp.Having: "this", exp.Join: "on", exp.Merge: "on", exp.When: "condition", exp.Not: "this",
    exp.CheckColumnConstraint: "this",
}  # fmt: skip
_VALUE = Advice("T-SQL has no values that are true or false.", "Write CASE WHEN … THEN 1 ELSE 0 END.")
_CONDITION = Advice("T-SQL wants a comparison here, even of a bit.", "Write = 1 behind it, or another comparison.")
Finding = tuple[exp.Expr, str, Advice]


def misplaced(tree: exp.Expr) -> Iterator[Finding]:
    """Yield each value where a condition has to stand, and each condition where a value has to."""
    for node in tree.walk():
        if isinstance(node, exp.Paren) or node.parent is None:
            continue
        wanted, found = _wants_condition(node), _is_condition(node)
        if found and not wanted and not _names_or_sets(node):
            yield node, "a condition as a value", _VALUE
    for node in tree.walk():
        for value in _places(node):
            if not _is_condition(value):
                yield value, "a value as a condition", _CONDITION


def _is_condition(node: exp.Expr) -> bool:
    return isinstance(node.unnest(), _CONDITIONS)


def _wants_condition(node: exp.Expr) -> bool:
    """Say whether a node stands where a condition has to, perhaps in parentheses."""
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    parent = node.parent
    if isinstance(parent, exp.Escape):
        return isinstance(node, exp.Like)
    if isinstance(parent, exp.If):
        return node is parent.this and parent.parent is not None and parent.parent.args.get("this") is None
    return parent is not None and any(node is place for place in _places(parent))


def _places(node: exp.Expr) -> list[exp.Expr]:
    """Return what stands below a node where T-SQL wants a condition."""
    if isinstance(node, exp.And | exp.Or):
        return [node.this, node.expression]
    if isinstance(node, exp.Case):
        return [branch.this for branch in node.args["ifs"]] if node.args.get("this") is None else []
    if function_name(node) == "IIF" and node.expressions:
        return [node.expressions[0]]
    part = node.args.get(_WANTED.get(type(node), ""))
    return [part] if isinstance(part, exp.Expr) else []


def _names_or_sets(node: exp.Expr) -> bool:
    """Say whether ``=`` compares nothing, or IN is PIVOT's: ``SELECT 'name' = x``, ``SELECT @x = y``, ``SET a = b``."""
    parent = node.parent
    if not isinstance(node, exp.EQ):
        return isinstance(parent, exp.Pivot)
    if isinstance(parent, exp.SetItem):
        return True
    if isinstance(parent, exp.Update):
        return any(node is item for item in parent.expressions)
    if isinstance(parent, exp.Select):
        literal = isinstance(node.this, exp.Literal) and node.this.is_string
        return literal or isinstance(node.this, exp.Parameter)
    return False
