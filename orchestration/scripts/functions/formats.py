"""FORMAT: the patterns of .NET that are the same everywhere, in the culture en-US."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.plan import Call, Plan, Refused
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.functions.rule import Function, is_plain, planned
from orchestration.scripts.translation.nodes import call as duckdb
from orchestration.scripts.translation.nodes import cast, join, multiply, number, text
from orchestration.scripts.types import SqlType, varchar

_DATE = re.compile(r"yyyy|yy|MMMM|MMM|MM|M|dddd|ddd|dd|d|HH|H|hh|h|mm|m|ss|s|fff|tt|'[^']*'|\\.|[^A-Za-z%]")
_LETTERS = {
    "yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m", "dddd": "%A", "ddd": "%a", "dd": "%d",
    "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S",
    "fff": "%g", "tt": "%p",
}  # fmt: skip
_STANDARD = {"d": "%-m/%-d/%Y", "D": "%A, %B %-d, %Y", "s": "%Y-%m-%dT%H:%M:%S", "M": "%B %-d", "Y": "%B %Y"}
_NUMBER = re.compile(r"(?P<kind>[NnFfPpDdCc])(?P<places>\d{0,2})")
_CUSTOM = re.compile(r"(?P<grouped>#,##)?(?P<zeros>0+)(?:[.](?P<places>0+))?(?P<percent>%)?")
_RESULT = varchar(4000, national=True)


def _format(call: Call, _: Findings) -> Plan:
    pattern, kind = call.constant(1), call.kinds[0]
    if pattern is None:
        raise call.refused("the pattern has to be written out.", "Write it as a constant.")
    if len(call.arguments) > 2 and (call.constant(2) or "").lower() not in ("en-us", ""):
        raise call.refused("only the culture en-US is the same everywhere.", "Leave it out, or write 'en-US'.")
    is_plain(call)
    if kind.is_moment and kind.name not in ("time", "datetimeoffset"):
        return planned(call, _RESULT, _moment(pattern))
    if kind.is_exact:
        return planned(call, _RESULT, _exact(pattern, kind))
    raise call.refused("it is translated for dates and exact numbers.", "CAST the value first.")


def _moment(pattern: str) -> Callable[..., exp.Expr]:
    form = _STANDARD.get(pattern) if len(pattern) == 1 else _letters(pattern)
    if form is None:
        raise _unknown(pattern)
    return lambda moment, *_: duckdb("strftime", moment, text(form))


def _letters(pattern: str) -> str | None:
    """Return strftime's letters for a custom pattern, or None where it has others."""
    parts = _DATE.findall(pattern)
    if "".join(parts) != pattern:
        return None
    return "".join(_LETTERS.get(part) or part.strip("'").removeprefix("\\") for part in parts)


def _exact(pattern: str, kind: SqlType) -> Callable[..., exp.Expr]:
    standard = _NUMBER.fullmatch(pattern)
    if standard:
        return _standard(standard["kind"].upper(), standard["places"], kind)
    custom = _CUSTOM.fullmatch(pattern)
    if custom is None:
        raise _unknown(pattern)
    places = len(custom["places"] or "")
    write = _rounded(places, percent=bool(custom["percent"]), grouped=bool(custom["grouped"]))
    width = len(custom["zeros"]) + (places + 1 if places else 0)
    if custom["grouped"] and len(custom["zeros"]) > 1:
        raise _unknown(pattern)
    filled: Callable[..., exp.Expr] = lambda x, *_: duckdb("strata_zeros", write(x), number(width))  # noqa: E731
    ending = "%" if custom["percent"] else ""
    shown = filled if len(custom["zeros"]) > 1 else write
    return (lambda x, *_: join(shown(x), text(ending))) if ending else shown


def _standard(letter: str, places: str, kind: SqlType) -> Callable[..., exp.Expr]:
    if letter == "D":
        if not kind.is_integer:
            raise _unknown("D")
        plain = _rounded(0)
        return lambda x, *_: duckdb("strata_zeros", plain(x), number(int(places or 1)))
    digits = int(places or 2)
    if letter == "P":
        write = _rounded(digits, percent=True, grouped=True)
        return lambda x, *_: join(write(x), text("%"))
    if letter == "C":
        amount = _rounded(digits, grouped=True)
        return lambda x, *_: duckdb("strata_dollars", amount(x))
    return _rounded(digits, grouped=letter == "N")


def _rounded(places: int, *, percent: bool = False, grouped: bool = False) -> Callable[..., exp.Expr]:
    """Return what writes a number with so many places, half rounded away from zero; -0.00 is written without sign."""

    def write(x: exp.Expr, *_: exp.Expr) -> exp.Expr:
        value = multiply(x, number(100)) if percent else x
        plain = cast(cast(value, f"DECIMAL(38,{places})"), "VARCHAR")
        return duckdb("strata_grouped", plain) if grouped else plain

    return write


def _unknown(pattern: str) -> Refused:
    why = "this pattern is not one that is the same everywhere."
    return Refused(f"FORMAT(…, '{pattern}')", why, "Use such as 'yyyy-MM', 'MMMM yyyy', 'N2', '0.00', '#,##0.00'.")


FORMATS: dict[str, Function] = {"FORMAT": Function.of(_format, 2, 3)}
