"""What binding finds out about one expression: its type, and how DuckDB computes it.

A rule looks at a node whose operands have their types and returns a :class:`Plan`, or
raises :class:`Refused`. What it builds waits at the node until the tree is rewritten, from
its leaves to its root; :attr:`Plan.build` then sees operands that are DuckDB's already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlglot import exp

from orchestration.scripts.constructs import Advice
from orchestration.scripts.types import NULL, SqlType

Build = Callable[[list[exp.Expr]], exp.Expr]
"""Makes DuckDB's expression of the operands' DuckDB expressions, in their order."""

TYPE, BUILD, SOURCE, ORIGIN = "type", "build", "source", "origin"
"""Keys of ``node.meta``: its type, what makes it DuckDB's, the column that it names, the stored column behind that."""

GROUPED = "grouped"
"""The key of ``node.meta`` that marks DuckDB's form of a grouped expression: it has to stay as it is in GROUP BY."""
OWNER = "owner"
"""The key of a column's ``node.meta`` that holds which table of FROM it belongs to: a table may be there twice."""


class Refused(Exception):
    """A construct that has no exact counterpart: what it is, why, and what to write instead."""

    def __init__(self, what: str, why: str, instead: str) -> None:
        """Keep what becomes the problem."""
        super().__init__(what)
        self.what, self.advice = what, Advice(why, instead)


@dataclass(frozen=True)
class Plan:
    """The type of an expression, and what makes it of its operands."""

    type: SqlType
    build: Build


@dataclass(frozen=True)
class Call:
    """A function's call with its arguments; ``kinds`` are their types, in the same order."""

    node: exp.Expr
    name: str
    arguments: list[exp.Expr]
    kinds: list[SqlType] = field(default_factory=list)

    def refused(self, why: str, instead: str, what: str = "") -> Refused:
        """Refuse this call."""
        return Refused(what or f"{self.name}()", why, instead)

    def constant(self, index: int) -> str | None:
        """Return an argument's text where it is written out, else None."""
        if index >= len(self.arguments):
            return None
        node = self.arguments[index].unnest()
        sign = "-" if isinstance(node, exp.Neg) else ""
        node = node.this if sign else node
        return f"{sign}{node.name}" if isinstance(node, exp.Literal | exp.National) else None


def type_of(node: exp.Expr) -> SqlType:
    """Return a bound expression's type; NULL's where a problem kept it from getting one."""
    kind = node.meta.get(TYPE, NULL)
    assert isinstance(kind, SqlType)  # noqa: S101 - only binding writes this key
    return kind


def also(node: exp.Expr, convert: Callable[[exp.Expr], exp.Expr]) -> None:
    """Have a node's translation converted further; the name of a column that is shown stays outside."""
    build: Callable[[exp.Expr], exp.Expr] | None = node.meta.get(BUILD)

    def both(item: exp.Expr) -> exp.Expr:
        item = build(item) if build else item
        if not isinstance(item, exp.Alias):
            return convert(item)
        return exp.alias_(convert(item.this), item.alias, quoted=True)

    node.meta[BUILD] = both


def remember(node: exp.Expr, plan: Plan, operands: Callable[[exp.Expr], list[exp.Expr]]) -> SqlType:
    """Leave a plan at its node; ``operands`` finds there, when the tree is rewritten, what the plan takes."""
    node.meta[TYPE] = plan.type
    node.meta[BUILD] = lambda rewritten: plan.build(operands(rewritten))
    return plan.type
