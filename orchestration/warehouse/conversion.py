"""Says whether a column's values keep their meaning in another type, before anything is rewritten."""

from __future__ import annotations

import re

_INTEGERS = ("SMALLINT", "INTEGER", "BIGINT")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def unfit(column: str, before: str, after: str) -> str:
    """Return the condition that a value does not convert, or converts to another: old and new meet in one type."""
    new, common = f"TRY_CAST({column} AS {after})", _common(before, after)
    changed = f"TRY_CAST({new} AS {common}) IS DISTINCT FROM TRY_CAST({column} AS {common})"
    return f"{column} IS NOT NULL AND ({new} IS NULL OR {changed})"


def _common(before: str, after: str) -> str:
    """Return the type to compare in; text has many forms of one number (10.5, 10.50), which an exact number has not."""
    if before != "VARCHAR":
        return before
    if after in _INTEGERS:
        return "DECIMAL(38,19)"
    if decimal := _DECIMAL.fullmatch(after):
        return f"DECIMAL(38,{38 - int(decimal[1]) + int(decimal[2])})"
    return after
