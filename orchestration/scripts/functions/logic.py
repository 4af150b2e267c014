"""Functions that choose between values: which type the result has is their whole difference."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.comparisons import check_beside, compared, unified
from orchestration.scripts.binding.plan import Call, Plan
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.binding.texts import mark_plain
from orchestration.scripts.functions.rule import Function, keeps_plain
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.translation.nodes import call as duckdb
from orchestration.scripts.translation.nodes import null, number, operation, when
from orchestration.scripts.types import INT

_Converts = list[Callable[[exp.Expr], exp.Expr]]


def _each(converts: _Converts, nodes: list[exp.Expr]) -> list[exp.Expr]:
    return [convert(node) for convert, node in zip(converts, nodes, strict=True)]


def _iif(call: Call, _: Findings) -> Plan:
    kind, converts = unified(call.arguments[1:], "IIF")
    keeps_plain(call, 1, 2)

    def build(nodes: list[exp.Expr]) -> exp.Expr:
        yes, no = _each(converts, nodes[1:])
        return when((nodes[0], yes), otherwise=no)

    return Plan(kind, build)


def _choose(call: Call, _: Findings) -> Plan:
    """CHOOSE cuts its index to a whole number; one that is out of range gives NULL."""
    kind, converts = unified(call.arguments[1:], "CHOOSE")
    index = converter(call.kinds[0], INT)
    keeps_plain(call, *range(1, len(call.arguments)))

    def build(nodes: list[exp.Expr]) -> exp.Expr:
        values = _each(converts, nodes[1:])
        chosen = index(nodes[0])
        return when(*[(operation(exp.EQ, chosen.copy(), number(i)), value) for i, value in enumerate(values, 1)])

    return Plan(kind, build)


def _coalesce(call: Call, _: Findings) -> Plan:
    kind, converts = unified(call.arguments, "COALESCE")
    keeps_plain(call, *range(len(call.arguments)))
    return Plan(kind, lambda nodes: duckdb("coalesce", *_each(converts, nodes)))


def _isnull(call: Call, _: Findings) -> Plan:
    """ISNULL has its first argument's type: the second is cut or rounded to it."""
    first, second = call.kinds
    kind = second if first.name == "null" else first
    check_beside(call.arguments, kind)
    converts = [converter(first, kind), converter(second, kind)]
    keeps_plain(call, 0, 1)
    return Plan(kind, lambda nodes: duckdb("coalesce", *_each(converts, nodes)))


def _nullif(call: Call, found: Findings) -> Plan:
    first, second = compared(call.arguments, found)
    mark_plain(call.node, call.arguments[0])

    def build(nodes: list[exp.Expr]) -> exp.Expr:
        test = operation(exp.EQ, first(nodes[0].copy()), second(nodes[1]))
        return when((test, null()), otherwise=nodes[0])

    return Plan(call.kinds[0], build)


LOGIC: dict[str, Function] = {
    "IIF": Function.of(_iif, 3),
    "CHOOSE": Function(_choose, 2, None),
    "COALESCE": Function(_coalesce, 2, None),
    "ISNULL": Function.of(_isnull, 2),
    "NULLIF": Function.of(_nullif, 2),
}
