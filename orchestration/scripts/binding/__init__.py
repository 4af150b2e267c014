"""Binds statements: every name to what it names, every expression to its type and its translation.

Binding judges as it goes. What it cannot find or may not translate becomes a problem; what
holds only for some data becomes an assumption, which is checked before the statement runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from orchestration.scripts.binding.expressions import bind_expression, variable
from orchestration.scripts.binding.queries import bind_query
from orchestration.scripts.binding.scope import Assumption, Finding, Findings, Frame, Scope
from orchestration.scripts.binding.statements import (
    assignment,
    bind_delete,
    bind_insert,
    bind_merge,
    bind_update,
    outputs,
)
from orchestration.scripts.types import Columns

__all__ = ["Assumption", "Bound", "Finding", "Frame", "assignment", "bind", "variable"]


@dataclass(frozen=True)
class Bound:
    """A bound statement: the columns of its result (one, ``value``, for an expression), and what was found.

    Each finding is the node, what is wrong with it, and the advice.
    """

    outputs: Columns = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    assumptions: tuple[Assumption, ...] = ()


def bind(tree: exp.Expr, frame: Frame) -> Bound:
    """Bind a query, an INSERT, UPDATE, DELETE or MERGE, a CREATE … AS query, or a bare expression, in place.

    A bound tree must not be copied before it is rewritten.
    """
    found = Findings(frame, parameterised=isinstance(tree, exp.Insert | exp.Update | exp.Delete) and _is_simple(tree))
    columns = _bind(tree, found)
    return Bound(columns, tuple(found.problems), tuple(found.warnings), tuple(found.assumptions))


def _is_simple(tree: exp.Expr) -> bool:
    """Say whether SQL Server may parameterise a statement: never one with joins, groups, CTEs, UNION or subqueries."""
    selects = [*tree.find_all(exp.Select)]
    others = (exp.Join, exp.Group, exp.With, exp.SetOperation, exp.Subquery, exp.Distinct, exp.Limit)
    return len(selects) < 2 and tree.find(*others) is None  # noqa: PLR2004 - a second SELECT is a subquery


def _bind(tree: exp.Expr, found: Findings) -> Columns:
    if isinstance(tree, exp.Insert):
        bind_insert(tree, found)
    elif isinstance(tree, exp.Update):
        bind_update(tree, found)
    elif isinstance(tree, exp.Delete):
        bind_delete(tree, found)
    elif isinstance(tree, exp.Merge):
        bind_merge(tree, found)
    elif isinstance(tree, exp.Create):
        return outputs(bind_query(tree.expression, None, found))
    elif isinstance(tree, exp.Query | exp.Values):
        return outputs(bind_query(tree, None, found))
    else:
        return {"value": bind_expression(tree, Scope(), found)}
    return {}
