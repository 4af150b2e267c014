"""Comparisons: both sides in one type by precedence, then as SQL Server compares it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sqlglot import exp

from orchestration.scripts.binding.plan import Refused, type_of
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.binding.texts import Mode, compared_texts, constant
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.translation.macros import MAYBE_DATE
from orchestration.scripts.translation.moments import is_in_calendar, is_iso
from orchestration.scripts.types import SqlType, combined

Convert = Callable[[exp.Expr], exp.Expr]


def compared(nodes: list[exp.Expr], found: Findings, mode: Mode = "equal") -> list[Convert]:
    """Return what makes each of some values comparable with the others.

    Raises:
        Refused: SQL Server cannot compare them, or the engines would differ.
    """
    kinds = [type_of(node) for node in nodes]
    common = combined(kinds)
    if common.is_text:
        return compared_texts(nodes, found, mode)
    return [_as(node, kind, common) for node, kind in zip(nodes, kinds, strict=True)]


def _as(node: exp.Expr, kind: SqlType, common: SqlType) -> Convert:
    if kind.is_text:
        check_constant(node, common)
    if kind.name == "null" or kind == common or (kind.is_number and common.is_number):
        return lambda item: item
    if common.name == "decimal" and not kind.is_text:
        return converter(kind, kind.as_decimal)
    return converter(kind, common)


_NUMBERS = {
    "decimal": re.compile(r"\s*[+-]?\s*(\d+[.]?\d*|[.]\d+)\s*"),
    "float": re.compile(r"\s*([+-]?\s*(\d+[.]?\d*|[.]\d+)(e[+-]?\d+)?)?\s*", re.IGNORECASE),
    "money": re.compile(r"\s*([+-]?\s*[$€£]?\s*([\d,]+[.]?\d*|[.]\d+))?\s*"),
    "whole": re.compile(r"\s*([+-]?\s*\d+)?\s*"),
}
"""What SQL Server reads as a number; of nothing at all it makes a 0, but for decimal."""


_MAYBE_DATE = re.compile(MAYBE_DATE.replace(r"\p{L}", r"[^\W\d_]"))
_DIGIT = re.compile("[0-9]")
_OTHERS = "CAST the other side AS varchar(n) where text is meant."


def check_constant(node: exp.Expr, target: SqlType, instead: str = "") -> None:
    """Refuse a text constant that SQL Server cannot read as a date or a number; ``instead`` is advice for that.

    Raises:
        Refused: the constant is no such value, or one that a server's language reads its own way.
    """
    value = constant(node)
    if target.is_moment and target.name not in ("time", "datetimeoffset"):
        check_date(node, instead)
    name = "whole" if target.is_integer else "float" if target.is_float else "money" if target.is_money else target.name
    form = _NUMBERS.get(name)
    if value is not None and form is not None and form.fullmatch(value) is None:
        raise Refused(f"'{value}' as {target.tsql}", f"it is no {name} number.", instead or "Write the number.")


def check_beside(nodes: Sequence[exp.Expr], common: SqlType, instead: str = _OTHERS) -> None:
    """Refuse a text constant among values of a type that it can never become.

    Raises:
        Refused: it can not.
    """
    for node in nodes:
        if type_of(node).is_text:
            check_constant(node, common, instead)


def check_date(node: exp.Expr, instead: str = "") -> None:
    """Refuse a text constant that is not ISO's form of a date.

    Raises:
        Refused: the constant is another form.
    """
    value = constant(node)
    if value is None:
        return
    if value.strip() and not (_DIGIT.search(value) and _MAYBE_DATE.fullmatch(value.strip())):
        raise Refused(f"'{value}' as a date", "it is a date in no language.", instead or "Write it as 'yyyy-mm-dd'.")
    if not is_iso(value):
        why = "which day it is depends on the server's language."
        raise Refused(f"'{value}' as a date", why, "Write it as 'yyyy-mm-dd'.")
    if not is_in_calendar(value):
        raise Refused(f"'{value}' as a date", "there is no such day or time.", "Write one that there is.")


def unified(nodes: list[exp.Expr], what: str) -> tuple[SqlType, list[Convert]]:
    """Return the type that the branches of an expression share, and what brings each of them to it.

    Raises:
        Refused: the branches have no common type.
    """
    kinds = [type_of(node) for node in nodes]
    common = combined(kinds)
    check_beside(nodes, common)
    try:
        return common, [converter(kind, common) for kind in kinds]
    except Refused as refused:
        raise Refused(f"{what}: {refused.what}", refused.advice.why, refused.advice.instead) from refused
