"""Values of one type as values of another: CAST, CONVERT, and what SQL Server converts unasked.

The documented table of conversions is the dispatch here: numbers are cut or rounded by
their kinds, text is cut at its length, and a text that is no number is an error.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.plan import Refused
from orchestration.scripts.translation.moments import is_day, moment_as_text, text_as_moment
from orchestration.scripts.translation.nodes import call, cast, number, operation, text
from orchestration.scripts.types import LARGEST, SqlType

Convert = Callable[[exp.Expr], exp.Expr]


def converter(source: SqlType, target: SqlType, *, attempt: bool = False, style: int | None = None) -> Convert:
    """Return what turns a value of ``source`` into one of ``target``; an attempt gives NULL where it cannot.

    Raises:
        Refused: SQL Server has no such conversion, or DuckDB no exact one.
    """
    if source.name == "null":
        return lambda node: cast(node, target.duckdb)
    if (source == target and style is None) or "unknown" in (source.name, target.name):
        return lambda node: node
    if target.is_text:
        return _to_text(source, target, style)
    if style not in (None, 0) and not (source.is_text and target.is_moment):
        raise _no_style(style, target)
    for accepts, make in _MAKERS:
        if accepts(target):
            return make(source, target, attempt, style)
    if source.is_text and target.name == "uniqueidentifier":
        return lambda node: cast(node, "UUID", attempt=attempt)
    raise _refused(source, target)


def _refused(source: SqlType, target: SqlType) -> Refused:
    why = "there is no conversion between these types that both engines make alike."
    return Refused(f"{source.tsql} as {target.tsql}", why, "Convert by way of a number, a date or text that you name.")


def _no_style(style: int | None, target: SqlType) -> Refused:
    why = "this style is not one that is the same on every engine."
    return Refused(
        f"style {style} for {target.tsql}", why, "Use 23, 104, 112, 120, 121 or 126 for dates, 0, 1 or 2 for money."
    )


def _to_integer(source: SqlType, target: SqlType, attempt: bool, style: int | None) -> Convert:  # noqa: ARG001, FBT001
    kind = target.duckdb
    if source.is_integer or source.name == "bit" or source.is_money:
        return lambda node: cast(node, kind, attempt=attempt)
    if source.is_number:
        return lambda node: cast(call("trunc", node), kind, attempt=attempt)
    if source.is_text:
        return lambda node: cast(call("strata_try_whole" if attempt else "strata_whole", node), kind, attempt=attempt)
    raise _refused(source, target)


def _to_fraction(source: SqlType, target: SqlType, attempt: bool, style: int | None) -> Convert:  # noqa: ARG001, FBT001
    kind = target.duckdb
    if source.name == "bit":
        return lambda node: cast(cast(node, "INTEGER"), kind, attempt=attempt)
    if source.is_number:
        return lambda node: cast(node, kind, attempt=attempt)
    if source.is_text:
        form = "amount" if target.is_money else "float" if target.is_float else "fraction"
        name = f"strata_try_{form}" if attempt else f"strata_{form}"
        return lambda node: cast(call(name, node), kind, attempt=attempt)
    raise _refused(source, target)


def _to_bit(source: SqlType, target: SqlType, attempt: bool, style: int | None) -> Convert:  # noqa: ARG001, FBT001
    if source.is_number:
        return lambda node: operation(exp.NEQ, node, number(0))
    if source.is_text:
        return lambda node: call("strata_try_bit" if attempt else "strata_bit", node)
    raise _refused(source, target)


def _to_moment(source: SqlType, target: SqlType, attempt: bool, style: int | None) -> Convert:  # noqa: FBT001
    if "datetimeoffset" in (source.name, target.name):
        why = "DuckDB keeps a moment, but not the offset that it was written with."
        raise Refused(f"{source.tsql} as {target.tsql}", why, "Convert it to datetime2 in UTC in silver.")
    if source.is_text:
        read = text_as_moment(target, style, attempt=attempt)
        if target.name == "date" and not attempt:
            return lambda node: cast(node if is_day(node) else read(node), "DATE")
        shape = _shaped(SqlType("datetime2", scale=6), target)
        return (lambda node: cast(read(node), "TIME")) if target.name == "time" else (lambda node: shape(read(node)))
    if source.is_integer and target.name in ("datetime", "smalldatetime"):
        return lambda node: call("strata_day", node)
    if not source.is_moment or (source.name == "time" and target.name != "time"):
        raise _refused(source, target)
    return _shaped(source, target)


def _shaped(source: SqlType, target: SqlType) -> Convert:
    """Return what rounds a moment to the target's places."""
    if target.name in ("date", "time") or source.name == "date":
        return lambda node: cast(node, target.duckdb)
    if target.name == "smalldatetime":
        return lambda node: call("strata_smalldatetime", node)
    if target.name == "datetime":
        return (lambda node: node) if source.name == "smalldatetime" else (lambda node: call("strata_datetime", node))
    if source.name == "datetime" and target.scale > 3:
        return lambda node: call("strata_ticks", node)
    if source.name == "datetime2" and target.scale < min(source.scale, 6):
        return lambda node: call("strata_places", node, number(10 ** (6 - target.scale)))
    return lambda node: node


_MAKERS: tuple[tuple[Callable[[SqlType], bool], Callable[[SqlType, SqlType, bool, int | None], Convert]], ...] = (
    (lambda target: target.is_integer, _to_integer),
    (lambda target: target.is_number, _to_fraction),
    (lambda target: target.name == "bit", _to_bit),
    (lambda target: target.is_moment, _to_moment),
)


def _to_text(source: SqlType, target: SqlType, style: int | None) -> Convert:
    written = _written(source, target, style)
    return lambda node: _padded(written(node), target)


def _padded(node: exp.Expr, target: SqlType) -> exp.Expr:
    return call("rpad", node, number(target.length or 1), text(" ")) if target.is_padded else node


def _written(source: SqlType, target: SqlType, style: int | None) -> Convert:
    """Return what writes a value as text that fits the target's length, before padding."""
    length = target.length
    if source.is_text:
        return _cut_text(source, target)
    if source.name == "bit":
        return lambda node: cast(cast(node, "INTEGER"), "VARCHAR")
    if source.is_integer or source.name == "decimal":
        return _fitting(_number_text(source), source.as_decimal.precision + 3, target, starred=source.is_integer)
    if source.is_money:
        return _fitting(_money_text(style), 30, target)
    if source.is_moment:
        write, size = moment_as_text(source, style)
        return write if length is None or length >= size else lambda node: call("left", write(node), number(length))
    if source.name == "uniqueidentifier":
        return _fitting(lambda node: call("upper", cast(node, "VARCHAR")), 36, target)
    why = "the digits of a float are written differently by every engine."
    raise Refused(f"{source.tsql} as {target.tsql}", why, "CAST it AS decimal(p,s) first.")


def _number_text(source: SqlType) -> Convert:
    if not 0 < source.precision == source.scale < LARGEST:
        return lambda node: cast(node, "VARCHAR")
    wide = f"DECIMAL({source.precision + 1},{source.scale})"  # DuckDB leaves out the zero of a decimal(1,1)
    return lambda node: cast(cast(node, wide), "VARCHAR")


def _fitting(write: Convert, longest: int, target: SqlType, *, starred: bool = False) -> Convert:
    """Return what stops where a number does not fit; whole numbers become ``*`` in varchar, as they do there."""
    if target.length is None or target.length >= longest:
        return write
    name = "strata_starred" if starred and not target.is_national else "strata_fits"
    length = target.length
    return lambda node: call(name, write(node), number(length))


def _cut_text(source: SqlType, target: SqlType) -> Convert:
    narrow = source.is_national and not target.is_national
    cut = target.length is not None and (source.length is None or source.length > target.length)

    def convert(node: exp.Expr) -> exp.Expr:
        node = call("strata_narrow", node) if narrow else node
        return call("left", node, number(target.length or 0)) if cut else node

    return convert


def _money_text(style: int | None) -> Convert:
    if style not in (None, 0, 1, 2):
        raise Refused(f"style {style} for money", "only 0, 1 and 2 are styles of money.", "Use 0, 1 or 2.")
    places = 4 if style == 2 else 2
    plain: Convert = lambda node: cast(cast(node, f"DECIMAL(19,{places})"), "VARCHAR")  # noqa: E731
    return (lambda node: call("strata_grouped", plain(node))) if style == 1 else plain
