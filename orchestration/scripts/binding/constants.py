"""Constants, with the types that "Constants (Transact-SQL)" gives them."""

from __future__ import annotations

import re

from sqlglot import exp

from orchestration.scripts.binding.plan import BUILD, ORIGIN, TYPE, Refused
from orchestration.scripts.binding.texts import PLAIN, is_plain
from orchestration.scripts.translation.macros import NARROW_CLASS
from orchestration.scripts.translation.nodes import cast, text
from orchestration.scripts.types import FLOAT, INT, LARGEST, NULL, SqlType, decimal, varchar

_NARROW = re.compile(NARROW_CLASS)
_LARGEST_INT = 2**31 - 1


def bind_constant(node: exp.Expr) -> SqlType:
    """Type a constant.

    Raises:
        Refused: it cannot be kept as it is written.
    """
    if isinstance(node, exp.HexString):
        raise Refused("a binary constant", "scripts compute with text, numbers and dates.", "Write the number or text.")
    if isinstance(node, exp.Null):
        node.meta[TYPE] = NULL
        return NULL
    kind = _text(node) if isinstance(node, exp.National) or node.is_string else _number(node)
    node.meta[TYPE] = kind
    return kind


def _text(node: exp.Expr) -> SqlType:
    value = str(node.name)
    national = isinstance(node, exp.National)
    if not national and not _NARROW.fullmatch(value):
        why = "it has characters that varchar cannot hold; SQL Server would replace them."
        raise Refused(f"'{value}'", why, f"Write N'{value}'.")
    if is_plain(value):
        node.meta[ORIGIN] = PLAIN
    if national:
        node.meta[BUILD] = lambda item: text(str(item.name))
    return varchar(max(1, len(value)), national=national)


def _number(node: exp.Expr) -> SqlType:
    """An integer that int cannot hold is a decimal, one with a point is as precise as it is written, 1e3 is a float."""
    written = str(node.name).lower()
    if "e" in written:
        return FLOAT
    before, point, after = written.partition(".")
    whole = before.lstrip("0")
    if not point and int(written) <= _LARGEST_INT:
        return INT
    if len(whole + after) > LARGEST:
        raise Refused(written, "a decimal has 38 digits at most.", "Write fewer digits.")
    kind = decimal(max(1, len(whole + after)), len(after))
    if not point or not whole or not after:  # DuckDB counts the zero of 0.5
        node.meta[BUILD] = lambda item: cast(item, kind.duckdb)
    return kind
