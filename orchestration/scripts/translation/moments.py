"""Dates and times as text, and text as dates and times: the documented styles of CONVERT."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlglot import exp

from orchestration.scripts.binding.plan import Refused
from orchestration.scripts.translation.nodes import call, cast, join, text
from orchestration.scripts.types import SqlType


class Style(NamedTuple):
    """A style's date and time in strftime's letters, and what a text of it looks like; empty where it has none."""

    day: str
    clock: str = ""
    between: str = " "


_TWELVE = "12"
_STYLES: dict[int, Style] = {
    0: Style("%b @e %Y", _TWELVE),
    1: Style("%m/%d/%y"), 3: Style("%d/%m/%y"), 4: Style("%d.%m.%y"), 5: Style("%d-%m-%y"), 10: Style("%m-%d-%y"),
    12: Style("%y%m%d"),
    20: Style("%Y-%m-%d", "%H:%M:%S"), 21: Style("%Y-%m-%d", "%H:%M:%S.f"), 23: Style("%Y-%m-%d"),
    101: Style("%m/%d/%Y"), 102: Style("%Y.%m.%d"), 103: Style("%d/%m/%Y"), 104: Style("%d.%m.%Y"),
    105: Style("%d-%m-%Y"), 106: Style("%d %b %Y"), 107: Style("%b %d, %Y"), 108: Style("", "%H:%M:%S"),
    110: Style("%m-%d-%Y"), 111: Style("%Y/%m/%d"), 112: Style("%Y%m%d"),
    126: Style("%Y-%m-%d", "%H:%M:%S.f", "T"),
}  # fmt: skip
_STYLES |= {100: _STYLES[0], 120: _STYLES[20], 121: _STYLES[21], 25: _STYLES[21], 8: _STYLES[108], 24: _STYLES[108]}
_NUMERIC = {
    101: r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", 102: r"[0-9]{4}[.][0-9]{1,2}[.][0-9]{1,2}",
    103: r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", 104: r"[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}",
    105: r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}", 110: r"[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}",
    111: r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}", 112: r"[0-9]{8}",
}  # fmt: skip
_ISO_STYLES = (None, 20, 21, 23, 25, 120, 121, 126, 127)


def _unknown(style: int | None, kind: SqlType) -> Refused:
    why = "this style is not one that is the same on every engine."
    return Refused(f"style {style} for {kind.tsql}", why, "Use 23, 104, 112, 120, 121 or 126.")


def moment_as_text(kind: SqlType, style: int | None) -> tuple[Callable[[exp.Expr], exp.Expr], int]:
    """Return what writes a moment in a style, and the most characters that it takes.

    Without a style, date, time and datetime2 are written in style 121, datetime and smalldatetime in style 0.
    """
    if style is None:
        style = 0 if kind.name in ("datetime", "smalldatetime") else 121
    form = _STYLES.get(style)
    if form is None or kind.name == "datetimeoffset" or (kind.name == "time" and not form.clock):
        raise _unknown(style, kind)
    if kind.name == "date" and not form.day:
        raise _unknown(style, kind)
    day = form.day if kind.name != "time" else ""
    clock = form.clock if kind.name != "date" else ""
    return (lambda node: _shown(node, kind, day, clock, form.between)), 40


def _shown(node: exp.Expr, kind: SqlType, day: str, clock: str, between: str) -> exp.Expr:
    if kind.name == "time":
        node = call("strata_at", node)
    parts = [_day(node, day)] if day else []
    if day and clock:
        parts.append(text(between))
    if clock:
        parts.append(_clock(node.copy(), kind, clock, drop_zero=between == "T"))
    return join(*parts)


def _day(node: exp.Expr, day: str) -> exp.Expr:
    """Write the date; ``@e`` is the day of the month with a blank before a single digit."""
    if "@e" not in day:
        return call("strftime", node, text(day))
    before, after = day.split("@e")
    padded = call("lpad", cast(call("day", node), "VARCHAR"), exp.Literal.number(2), text(" "))
    return join(call("strftime", node.copy(), text(before)), padded, call("strftime", node.copy(), text(after)))


def _clock(node: exp.Expr, kind: SqlType, clock: str, *, drop_zero: bool) -> exp.Expr:
    if clock == _TWELVE:
        return call("strata_twelve", node)
    if not clock.endswith(".f"):
        return call("strftime", node, text(clock))
    whole = call("strftime", node, text(clock[:-2]))
    places = 3 if kind.name == "datetime" else 0 if kind.name == "smalldatetime" else kind.scale
    if kind.name == "smalldatetime" and not drop_zero:
        return join(whole, text(".000"))
    if places == 0:
        return whole
    fraction = call("strata_decimals", node.copy(), exp.Literal.number(places))
    if drop_zero and kind.name == "datetime":
        return join(whole, call("strata_unless_zero", fraction))
    return join(whole, text("."), fraction)


def text_as_moment(kind: SqlType, style: int | None, *, attempt: bool) -> Callable[[exp.Expr], exp.Expr]:
    """Return what reads a text in a style as a timestamp; without a style it has to be ISO's form."""
    if style in _ISO_STYLES:
        return lambda node: call("strata_try_moment" if attempt else "strata_moment", node)
    if style not in _NUMERIC or kind.name == "time":
        raise _unknown(style, kind)
    name = "strata_try_styled" if attempt else "strata_styled"
    return lambda node: call(name, node, text(_NUMERIC[style]), text(_STYLES[style].day))


_ISO = re.compile(r"\s*(\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}([.]\d{1,6}0?)?)?)?|\d{8})?\s*")


def is_day(node: exp.Expr) -> bool:
    """Say whether a node is a constant ``'yyyy-mm-dd'``."""
    return isinstance(node, exp.Literal) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(node.name)) is not None


def is_in_calendar(value: str) -> bool:
    """Say whether a date in ISO's form, with or without a time, is one that there is; an empty one is 1900-01-01."""
    digits = re.sub(r"\D", "", value)
    if not digits:
        return True
    clock = digits[8:14].ljust(6, "0")
    try:
        datetime.strptime(digits[:8] + clock, "%Y%m%d%H%M%S")  # noqa: DTZ007 - only whether it can be read matters
    except ValueError:
        return False
    return True


def is_iso(value: str) -> bool:
    """Say whether a text is a date, with or without a time, in ISO's form, which no server setting reads otherwise."""
    return _ISO.fullmatch(value) is not None
