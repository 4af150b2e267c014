"""Comparisons: both sides in one type by precedence, then as SQL Server compares it."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.plan import Refused, type_of
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.binding.texts import Mode, compared_texts, constant
from orchestration.scripts.translation.conversion import converter
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
    "whole": re.compile(r"\s*([+-]?\s*\d+)?\s*"),
}
"""What SQL Server reads as a number; of nothing at all it makes a 0, but for decimal."""


def check_constant(node: exp.Expr, target: SqlType) -> None:
    """Refuse a text constant that SQL Server cannot read as a date or a number.

    Raises:
        Refused: the constant is no such value, or one that a server's language reads its own way.
    """
    value = constant(node)
    if target.is_moment and target.name not in ("time", "datetimeoffset"):
        check_date(node)
    name = "whole" if target.is_integer else "float" if target.is_float else target.name
    form = _NUMBERS.get(name)
    if value is not None and form is not None and form.fullmatch(value) is None:
        raise Refused(f"'{value}' as {target.tsql}", f"it is no {name} number.", "Write the number.")


def check_date(node: exp.Expr) -> None:
    """Refuse a text constant that is not ISO's form of a date.

    Raises:
        Refused: the constant is another form.
    """
    value = constant(node)
    if value is not None and not is_iso(value):
        why = "which day it is depends on the server's language."
        raise Refused(f"'{value}' as a date", why, "Write it as 'yyyy-mm-dd'.")
    if value is not None and not is_in_calendar(value):
        raise Refused(f"'{value}' as a date", "there is no such day or time.", "Write one that there is.")


def unified(nodes: list[exp.Expr], what: str) -> tuple[SqlType, list[Convert]]:
    """Return the type that the branches of an expression share, and what brings each of them to it.

    Raises:
        Refused: the branches have no common type.
    """
    kinds = [type_of(node) for node in nodes]
    common = combined(kinds)
    for node, kind in zip(nodes, kinds, strict=True):
        if kind.is_text and common.is_moment:
            check_date(node)
    try:
        return common, [converter(kind, common) for kind in kinds]
    except Refused as refused:
        raise Refused(f"{what}: {refused.what}", refused.advice.why, refused.advice.instead) from refused
