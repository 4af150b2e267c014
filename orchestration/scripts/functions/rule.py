"""How a function is written down: how many arguments it takes, and the rule that types and translates it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from orchestration.scripts.binding.plan import Call, Plan
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.binding.texts import PLAIN, mark_plain
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.types import SqlType, varchar

Rule = Callable[[Call, Findings], Plan]


@dataclass(frozen=True)
class Function:
    """One function; ``most`` None takes any number. A ``part`` function's first argument is a date part, no value."""

    rule: Rule
    least: int
    most: int | None
    part: bool = False

    @classmethod
    def of(cls, rule: Rule, *counts: int, part: bool = False) -> Function:
        """Take one number of arguments, or a range of numbers."""
        return cls(rule, counts[0], counts[-1], part)


def converted(call: Call, *targets: SqlType | None) -> list[Callable[[exp.Expr], exp.Expr]]:
    """Return what brings each argument to its target; None leaves it as it is.

    Raises:
        Refused: an argument cannot become its target.
    """
    wanted = [*targets, *[None] * (len(call.kinds) - len(targets))]
    return [
        converter(kind, target) if target is not None else (lambda node: node)
        for kind, target in zip(call.kinds, wanted, strict=False)
    ]


def planned(call: Call, kind: SqlType, build: Callable[..., exp.Expr], *targets: SqlType | None) -> Plan:
    """Plan a call whose arguments are brought to their targets and handed to ``build`` one by one."""
    converts = converted(call, *targets)
    return Plan(kind, lambda nodes: build(*[convert(node) for convert, node in zip(converts, nodes, strict=False)]))


def as_text(call: Call, index: int) -> SqlType:
    """Return the text type that an argument is read as.

    Raises:
        Refused: it is neither text nor a number.
    """
    kind = call.kinds[index]
    if kind.is_text:
        return kind
    return varchar(None if kind.is_float else 41) if kind.name != "null" else varchar(1)


def keeps_plain(call: Call, *indexes: int) -> None:
    """Mark the result as plain text where the arguments that it is made of are."""
    mark_plain(call.node, *[call.arguments[index] for index in indexes if index < len(call.arguments)])


def is_plain(call: Call) -> None:
    """Mark the result as text of plain ASCII."""
    call.node.meta["origin"] = PLAIN
