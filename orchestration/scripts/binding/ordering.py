"""ORDER BY: NULL first, and text only where both engines sort it alike."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.plan import BUILD, type_of
from orchestration.scripts.binding.scope import Findings, Scope
from orchestration.scripts.binding.texts import key
from orchestration.scripts.constructs import Advice
from orchestration.scripts.types import SqlType

_ANY = Advice("the order is any, and differs from run to run.", "Order by a key.")
BindOne = Callable[[exp.Expr, Scope, Findings], SqlType]


def bind_order(order: exp.Expr, scope: Scope, found: Findings, bind: BindOne) -> None:
    """Bind the keys of an ORDER BY."""
    for ordered in order.expressions:
        if _is_any(ordered.this):
            found.warn("row-order", ordered, "ORDER BY (SELECT NULL)", _ANY)
            ordered.meta[BUILD] = lambda _: exp.Ordered(this=exp.Null())
            continue
        bind(ordered.this, scope, found)
        plan_order(ordered, found)


def plan_order(ordered: exp.Expr, found: Findings) -> None:
    """Plan one key whose expression is bound."""
    kind, check = type_of(ordered.this), None
    if kind.is_text:
        check = key(ordered.this, kind, found, "order", inline_order=False)
    descending = bool(ordered.args.get("desc"))

    def build(item: exp.Expr) -> exp.Expr:
        value = check(item.this) if check is not None else item.this
        return exp.Ordered(this=value, desc=descending, nulls_first=not descending)

    ordered.meta[BUILD] = build


def _is_any(node: exp.Expr) -> bool:
    """Say whether a key is ``(SELECT NULL)`` or ``(SELECT 1)``, by which scripts say that any order will do."""
    plain = node.unnest()
    return isinstance(plain, exp.Select) and not plain.args.get("from_")
