"""Binds statements: every name to what it names, every expression to its type and its translation.

Binding judges as it goes. What it cannot find or may not translate becomes a problem; what
holds only for some data becomes an assumption, which is checked before the statement runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from orchestration.scripts.binding.expressions import bind_expression
from orchestration.scripts.binding.queries import bind_query
from orchestration.scripts.binding.scope import Assumption, Field, Finding, Findings, Frame, Scope, Warned
from orchestration.scripts.binding.shapes import misshapen
from orchestration.scripts.translation.variables import variable
from orchestration.scripts.types import Columns, SqlType

__all__ = ["Assumption", "Bound", "Finding", "Frame", "bind", "variable"]


@dataclass(frozen=True)
class Bound:
    """A bound statement: the columns of its result (one, ``value``, for an expression), and what was found.

    Each finding is the node, what is wrong with it, and the advice. ``fields`` are a query's columns one by one:
    two may have one name, and some none.
    """

    outputs: Columns = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Warned, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    fields: tuple[Field, ...] = ()


def bind(tree: exp.Expr, frame: Frame) -> Bound:
    """Bind a query or a bare expression in place; a bound tree must not be copied before it is rewritten.

    The outputs of a query are its columns in order; the first without a name has an empty one.
    """
    found = Findings(frame, list(misshapen(tree)), parameterised=frame.changes and _is_simple(tree))
    if isinstance(tree, exp.Query):
        fields = bind_query(tree, None, found)
    else:
        fields = (Field("value", bind_expression(tree, Scope(), found)),)
    return Bound(_outputs(fields), tuple(found.problems), tuple(found.warnings), tuple(found.assumptions), fields)


def _outputs(fields: tuple[Field, ...]) -> Columns:
    columns: dict[str, SqlType] = {}
    for item in fields:
        name = item.name
        while name in columns and not name.strip():
            name += " "
        columns[name] = item.type
    return columns


def _is_simple(tree: exp.Expr) -> bool:
    """Say whether SQL Server may make parameters of a statement's constants: never with joins, groups, CTEs …."""
    others = (exp.Join, exp.Group, exp.With, exp.SetOperation, exp.Subquery, exp.Distinct, exp.Limit)
    return len([*tree.find_all(exp.Select)]) < 2 and tree.find(*others) is None
