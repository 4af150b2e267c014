"""Warns of what is right T-SQL and still surprises: its result hangs on a scale, an order or a setting nobody chose."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from orchestration.scripts.actions import Action, Assign, Create
from orchestration.scripts.binding.expressions import INEXACT
from orchestration.scripts.binding.plan import type_of
from orchestration.scripts.check.multiplied import unjoined, with_itself
from orchestration.scripts.check.ties import Ties
from orchestration.scripts.constructs import Advice
from orchestration.scripts.dialect import function_name
from orchestration.scripts.lineage.columns import queries
from orchestration.scripts.places import place_of
from orchestration.scripts.problems import Problem
from orchestration.scripts.program import Program

Found = tuple[str, exp.Expr, str, Advice]
"""A rule, the node, what it is, and the advice."""

_SCALE = Advice(
    "SQL Server derives the scale from both sides' types, and cuts it where 38 digits are not enough.",
    "Write CAST(… AS decimal(p,s)) around it, with the scale that you want.",
)
_BLANK = Advice("= passes over blanks at the end.", "Leave the blank out.")
_CASE = Advice("text compares without case already.", "Leave UPPER or LOWER out.")
_TEXT_ORDER = Advice("which text comes first is the collation's to say.", "Compare keys, numbers or dates.")
_WEEKDAY = Advice(
    "which day a week begins with, and what days are called, is a setting of the server (Sunday is 1 here).",
    "Count from a known day: DATEDIFF(day, '19000101', x) % 7 is 0 on Mondays.",
)
_LAST = Advice(
    "without a frame it ends at the current row, and is that row's own value.",
    "Write ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING, or FIRST_VALUE with the order turned round.",
)
_NULL = Advice("a comparison with NULL is never true, for NULL either.", "Write IS NULL or IS NOT NULL.")
_NOT_IN = Advice(
    "one NULL among what is listed, and no row is left.",
    "Write NOT EXISTS (SELECT …), or WHERE … IS NOT NULL in the subquery.",
)
_LISTED = Advice(
    "a comparison with the NULL in the list is never true, so no row is left.", "Leave NULL out of the list."
)
_MONEY = Advice(
    "SQL Server cuts the quotient at four places, a CAST around it too.",
    "Divide decimals: CAST(x AS decimal(19,4)) / …, and CAST the quotient.",
)
_AVERAGE = Advice(
    "SQL Server cuts an average of integers: that of 1 and 2 is 1.", "Write AVG(CAST(x AS decimal(p,s))) unless meant."
)
_COMPARISONS = (exp.EQ, exp.NEQ)
_RANGES = (exp.LT, exp.LTE, exp.GT, exp.GTE)
_WEEK_PARTS = frozenset({"weekday", "dw", "w", "week", "wk", "ww"})


def habits(program: Program) -> Iterator[Problem]:
    """Yield a warning for everything in a compiled script that surprises; read it before the program is translated."""
    ties = Ties(program)
    for action in program.actions:
        found = [*_floats(action), *(item for query in queries(action) for item in _in_query(query))]
        found += [("ties", *tie) for query in queries(action) for tie in ties.found(query)]
        for rule, node, what, advice in found:
            place = place_of(program.script, node, action.place)
            yield Problem(program.script.path, *place, what, advice.why, advice.instead, "warning", rule)


def _in_query(query: exp.Query) -> Iterator[Found]:
    for node in query.walk():
        judge = _JUDGES.get(type(node))
        if judge is not None:
            yield from judge(node)
        name = function_name(node)
        if name in _FUNCTIONS:
            yield from _FUNCTIONS[name](node)


def _floats(action: Action) -> Iterator[Found]:
    """Find columns and variables that are declared as float."""
    kinds = action.variables if isinstance(action, Assign) else {}
    kinds = action.layout.columns if isinstance(action, Create) else kinds
    for name, kind in kinds.items():
        if kind.is_float:
            yield "float", exp.Select(), f"{name} {kind.tsql}", INEXACT


def _division(node: exp.Expr) -> Iterator[Found]:
    around = node.parent
    while around is not None and not isinstance(around, exp.Query | exp.Cast | exp.Convert):
        around = around.parent
    if type_of(node).name == "decimal" and not isinstance(around, exp.Cast | exp.Convert):
        yield "decimal-division", node, f"a division that gives {type_of(node).tsql}", _SCALE
    if type_of(node).is_money:
        yield "money-division", node, "a division of money", _MONEY


def _comparison(node: exp.Expr) -> Iterator[Found]:
    sides = [node.this, node.args.get("expression"), *(node.expressions if isinstance(node, exp.In) else [])]
    for side in [item.unnest() for item in sides if item is not None]:
        if isinstance(side, exp.Literal | exp.National) and type_of(side).is_text and side.name.endswith(" "):
            yield "trailing-blanks", side, f"'{side.name}'", _BLANK
        if function_name(side) in ("UPPER", "LOWER"):
            yield "case", side, f"{function_name(side)}() in a comparison", _CASE


def _null(node: exp.Expr) -> Iterator[Found]:
    if any(isinstance(side.unnest(), exp.Null) for side in (node.this, node.expression)):
        yield "null-comparison", node, "a comparison with NULL", _NULL
    yield from (("tautology", *found) for found in with_itself(node))


def _equal(node: exp.Expr) -> Iterator[Found]:
    yield from _comparison(node)
    yield from _null(node)


def _ordered(node: exp.Expr) -> Iterator[Found]:
    yield from _range(node)
    yield from _null(node)


def _not_in(node: exp.Expr) -> Iterator[Found]:
    """Find ``NOT IN (SELECT …)`` whose query does not leave NULL out, and ``NOT IN (…, NULL)``."""
    inner = node.this.unnest()
    if not isinstance(inner, exp.In):
        return
    query = inner.args.get("query")
    tests = query.find_all(exp.Not) if query is not None else ()
    leaves_out = any(isinstance(test.this.unnest(), exp.Is) for test in tests)
    listed = any(isinstance(item.unnest(), exp.Null) for item in inner.expressions)
    if listed:
        yield "not-in-null", node, "NOT IN (…, NULL)", _LISTED
    elif query is not None and not leaves_out:
        yield "not-in-null", node, "NOT IN", _NOT_IN


def _joins(node: exp.Expr) -> Iterator[Found]:
    yield from (("cross-join", *found) for found in unjoined(node))


def _average(node: exp.Expr) -> Iterator[Found]:
    if type_of(node).is_integer:
        yield "integer-average", node, "AVG() of an integer", _AVERAGE


def _range(node: exp.Expr) -> Iterator[Found]:
    sides = [node.this, *(node.args.get(name) for name in ("expression", "low", "high"))]
    if all(type_of(side).is_text for side in sides if side is not None):
        yield "text-order", node, "texts compared by their order", _TEXT_ORDER


def _part(node: exp.Expr) -> Iterator[Found]:
    part = str(node.meta.get("part", "")).lower()
    if part in _WEEK_PARTS:
        yield "weekday", node, f"{function_name(node)}({part}, …)", _WEEKDAY


def _last(node: exp.Expr) -> Iterator[Found]:
    window = node.find_ancestor(exp.Window)
    if window is not None and window.args.get("spec") is None:
        yield "row-order", node, "LAST_VALUE() without a frame", _LAST


_JUDGES: dict[type[exp.Expr], Callable[[exp.Expr], Iterator[Found]]] = {
    exp.Select: _joins,
    exp.Div: _division,
    exp.Not: _not_in,
    exp.In: _comparison,
    exp.Between: _range,
    **dict.fromkeys(_COMPARISONS, _equal),
    **dict.fromkeys(_RANGES, _ordered),
}
_FUNCTIONS: dict[str, Callable[[exp.Expr], Iterator[Found]]] = {
    **dict.fromkeys(("DATEPART", "DATENAME", "DATEDIFF", "DATETRUNC"), _part),
    "AVG": _average,
    "LAST_VALUE": _last,
}
