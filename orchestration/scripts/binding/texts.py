"""Text beside text: what has to hold so that both engines equate and sort it alike.

The reference collation is Latin1_General_100_CI_AS_SC: letters differ by accent, not by
case, and blanks at the end do not count. DuckDB compares here with ``nocase``. What a
stored column holds is assumed and checked before the statement runs; what an expression
makes is checked value by value while it runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from sqlglot import exp

from orchestration.scripts.binding.plan import ORIGIN, Refused, also, type_of
from orchestration.scripts.binding.scope import Findings, Origin
from orchestration.scripts.translation.macros import EQUAL_CLASS
from orchestration.scripts.translation.nodes import call, text
from orchestration.scripts.types import SqlType

PLAIN: Origin = ("", "")
"""The origin of text that is made of plain ASCII alone, such as a constant: it needs no check to be compared."""

Convert = Callable[[exp.Expr], exp.Expr]
Mode = Literal["equal", "constant", "order"]
_EXPANDED = re.compile("ss|ae|oe|th|ij", re.IGNORECASE)
_PLAIN_TEXT = re.compile(r"[\t\n\r -~]*")
_EQUAL = re.compile(EQUAL_CLASS)


def constant(node: exp.Expr) -> str | None:
    """Return a text constant's value."""
    plain = node.unnest()
    return (
        str(plain.name)
        if isinstance(plain, exp.National) or (isinstance(plain, exp.Literal) and plain.is_string)
        else None
    )


def origin(node: exp.Expr) -> Origin | None:
    """Return the stored column that an expression shows unchanged, :data:`PLAIN`, or None."""
    found: Origin | None = node.meta.get(ORIGIN) or node.unnest().meta.get(ORIGIN)
    return found


def mark_plain(node: exp.Expr, *sources: exp.Expr) -> None:
    """Mark an expression whose text comes from plain sources alone."""
    if all(
        type_of(source).name == "null" or not type_of(source).is_text or origin(source) == PLAIN for source in sources
    ):
        node.meta[ORIGIN] = PLAIN


def is_plain(value: str) -> bool:
    """Say whether a constant equals the same texts on both engines."""
    return _PLAIN_TEXT.fullmatch(value) is not None and not value.endswith(" ")


def compared_texts(nodes: list[exp.Expr], found: Findings, mode: Mode) -> list[Convert]:
    """Return what each text becomes where it is compared with the others."""
    values = [constant(node) for node in nodes]
    others = [all(is_simple(value) for j, value in enumerate(values) if j != i) for i in range(len(nodes))]
    return [
        _compared(node, value, found, "constant" if mode == "equal" and simple and len(nodes) > 1 else mode)
        for node, value, simple in zip(nodes, values, others, strict=True)
    ]


def is_simple(value: str | None) -> bool:
    """Say whether a constant is ASCII without the letters that SQL Server takes for one (ss for ß)."""
    return value is not None and is_plain(value.rstrip(" ")) and not _EXPANDED.search(value)


def _compared(node: exp.Expr, value: str | None, found: Findings, mode: Mode) -> Convert:
    if value is not None:
        return _compared_constant(value, mode)
    return key(node, type_of(node), found, mode)


def _compared_constant(value: str, mode: Mode) -> Convert:
    trimmed = value.rstrip(" ")
    allowed = re.compile(r"[0-9A-Za-z ]*") if mode == "order" else _EQUAL
    if not allowed.fullmatch(trimmed):
        why = "SQL Server compares some of its characters in its own way (ß as ss, punctuation apart when sorting)."
        raise Refused(f"comparing with '{value}'", why, "Compare keys, numbers or dates instead.")
    return lambda node: text(trimmed) if trimmed != value else node


def key(node: exp.Expr, kind: SqlType, found: Findings, mode: Mode, *, inline_order: bool = True) -> Convert:
    """Return what a text becomes where it is compared, grouped (``equal``) or sorted (``order``)."""
    stored = origin(node)
    trim: Convert = (lambda item: call("rtrim", item)) if kind.is_padded else (lambda item: item)
    if stored is not None and stored != PLAIN and not (mode == "order" and inline_order):
        found.assume(mode, stored)
        return trim
    if stored == PLAIN and mode != "order":
        return trim
    return lambda item: call(f"strata_{mode}", trim(item))


def group_key(node: exp.Expr, found: Findings) -> bool:
    """Note what grouping by a text assumes; True where the values have to be checked as they come."""
    stored = origin(node)
    if not type_of(node).is_text or stored == PLAIN:
        return False
    if stored is not None:
        found.assume("equal", stored)
    return stored is None


def check_inline(node: exp.Expr) -> None:
    """Have a text's values checked where they are computed."""
    also(node, lambda item: call("strata_equal", item))
