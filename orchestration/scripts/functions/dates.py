"""Functions of dates: boundaries, not durations, are counted, months end where they end, weeks begin on Sunday."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestration.scripts.binding.comparisons import check_date
from orchestration.scripts.binding.plan import Call, Plan
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.constructs import Advice
from orchestration.scripts.functions.rule import Function, Rule, is_plain, planned
from orchestration.scripts.translation.conversion import converter
from orchestration.scripts.translation.nodes import add, cast, multiply, number, operation, subtract, text
from orchestration.scripts.translation.nodes import call as duckdb
from orchestration.scripts.types import BIGINT, DATE, DATETIME, DATETIME2, INT, SMALLDATETIME, SqlType, varchar

_NAMES = {
    "year": ("yy", "yyyy"), "quarter": ("qq", "q"), "month": ("mm", "m"), "dayofyear": ("dy", "y"),
    "day": ("dd", "d"), "week": ("wk", "ww"), "weekday": ("dw", "w"), "hour": ("hh",), "minute": ("mi", "n"),
    "second": ("ss", "s"), "millisecond": ("ms",), "microsecond": ("mcs",), "iso_week": ("isowk", "isoww"),
}  # fmt: skip
_PARTS = {short: name for name, shorts in _NAMES.items() for short in (name, *shorts)}
_CLOCK = ("hour", "minute", "second", "millisecond", "microsecond")


def date_part(written: str) -> str | None:
    """Return a date part's full name: ``mm`` is ``month``; None where there is no such part."""
    return _PARTS.get(written.lower())


def _part(call: Call) -> str:
    written = str(call.node.meta["part"])
    name = date_part(written)
    if name is None:
        raise call.refused("this date part is not one that is the same on every engine.", "Use year … millisecond.",
                           f"{call.name}({written}, …)")  # fmt: skip
    return name


def _moment(call: Call, index: int, default: SqlType = DATETIME2) -> SqlType:
    """Return the type that an argument is computed in; text has to be ISO's form of a date, 0 is 1900-01-01."""
    kind = call.kinds[index]
    if kind.is_text:
        check_date(call.arguments[index])
        return default
    if kind.is_integer or kind.name == "null":
        return DATETIME
    if not kind.is_moment or kind.name == "datetimeoffset":
        raise call.refused("it takes a date.", "CAST the argument AS date or datetime2.")
    return kind


_STEPS: dict[str, tuple[str, int]] = {
    "year": ("to_months", 12), "quarter": ("to_months", 3), "month": ("to_months", 1), "week": ("to_days", 7),
    "day": ("to_days", 1), "dayofyear": ("to_days", 1), "weekday": ("to_days", 1), "hour": ("to_hours", 1),
    "minute": ("to_minutes", 1), "second": ("to_seconds", 1), "millisecond": ("to_milliseconds", 1),
    "microsecond": ("to_microseconds", 1),
}  # fmt: skip


def _dateadd(call: Call, _: Findings) -> Plan:
    """DATEADD keeps the date's type; text and whole numbers are datetimes."""
    part, kind = _part(call), _moment(call, 1, DATETIME)
    if part not in _STEPS or (part in _CLOCK and kind.name == "date") or (part not in _CLOCK and kind.name == "time"):
        raise call.refused(f"a {kind.name} has no {part} to add.", "CAST it AS datetime2 first.", f"DATEADD({part}, …)")
    name, factor = _STEPS[part]
    settle = converter(SqlType("datetime2", scale=6), kind)

    def build(count: exp.Expr, moment: exp.Expr) -> exp.Expr:
        step = duckdb(name, multiply(count, number(factor)) if factor > 1 else count)
        later = add(moment, step)
        return cast(later, kind.duckdb) if kind.name in ("date", "time") else settle(later)

    return planned(call, kind, build, INT, kind)


def _datediff(result: SqlType) -> Rule:
    def rule(call: Call, _: Findings) -> Plan:
        part = _part(call)
        if part == "iso_week":
            raise call.refused("DATEDIFF has no iso_week.", "Use week, whose boundaries are Sundays.")
        kinds = [_moment(call, index) for index in (0, 1)]
        return planned(call, result, lambda a, b: cast(_distance(part, a, b), result.duckdb), *kinds)

    return rule


def _distance(part: str, start: exp.Expr, end: exp.Expr) -> exp.Expr:
    if part == "week":
        return subtract(duckdb("strata_weeks", end), duckdb("strata_weeks", start))
    unit = "day" if part in ("dayofyear", "weekday") else part
    return duckdb("date_diff", text(unit), start, end)


def _read(part: str, moment: exp.Expr) -> exp.Expr:
    """Read a part; the week that holds 1 January is week 1, and Sunday is day 1, as with DATEFIRST 7."""
    if part == "weekday":
        return add(duckdb("dayofweek", moment), number(1))
    if part == "week":
        return duckdb("strata_week", moment)
    if part == "millisecond":
        return operation(exp.Mod, duckdb("millisecond", moment), number(1000))
    if part == "microsecond":
        return operation(exp.Mod, duckdb("microsecond", moment), number(1_000_000))
    return duckdb({"iso_week": "week"}.get(part, part), moment)


def _datepart(call: Call, _: Findings) -> Plan:
    part, kind = _part(call), _moment(call, 0)
    if part in _CLOCK and kind.name == "date":
        raise call.refused(f"a date has no {part}.", "CAST it AS datetime2 first.", f"DATEPART({part}, …)")
    return planned(call, INT, lambda moment: cast(_read(part, moment), "INTEGER"), kind)


def _datename(call: Call, _: Findings) -> Plan:
    part, kind = _part(call), _moment(call, 0)
    is_plain(call)
    named = {"month": "monthname", "weekday": "dayname"}.get(part)
    result = varchar(30, national=True)
    if named:
        return planned(call, result, lambda moment: duckdb(named, moment), kind)
    return planned(call, result, lambda moment: cast(_read(part, moment), "VARCHAR"), kind)


def _single(part: str) -> Rule:
    def rule(call: Call, _: Findings) -> Plan:
        return planned(call, INT, lambda moment: cast(duckdb(part, moment), "INTEGER"), _moment(call, 0))

    return rule


def _datetrunc(call: Call, _: Findings) -> Plan:
    part, kind = _part(call), _moment(call, 0)
    if part in ("weekday", "microsecond") or kind.name == "time":
        raise call.refused(
            f"DATETRUNC of a {kind.name} to a {part} is not translated.", "Use day, month, quarter or year."
        )

    def build(moment: exp.Expr) -> exp.Expr:
        if part == "week":
            moment = subtract(
                duckdb("date_trunc", text("day"), moment), duckdb("to_days", duckdb("dayofweek", moment.copy()))
            )
            return cast(moment, kind.duckdb)
        unit = {"iso_week": "week", "dayofyear": "day"}.get(part, part)
        return cast(duckdb("date_trunc", text(unit), moment), kind.duckdb)

    return planned(call, kind, build, kind)


def _eomonth(call: Call, _: Findings) -> Plan:
    kind = _moment(call, 0)

    def build(moment: exp.Expr, months: exp.Expr | None = None) -> exp.Expr:
        return duckdb("last_day", moment if months is None else add(moment, duckdb("to_months", months)))

    return planned(call, DATE, build, kind, INT)


def _datefromparts(call: Call, _: Findings) -> Plan:
    return planned(call, DATE, lambda *parts: duckdb("make_date", *parts), INT, INT, INT)


def _stamp(kind: SqlType, fraction: Callable[[list[exp.Expr]], exp.Expr | None]) -> Rule:
    def rule(call: Call, _: Findings) -> Plan:
        precision = call.constant(7)
        if len(call.arguments) == 8 and not (precision or "").isdigit():
            raise call.refused("the precision has to be written out.", "Write a number from 0 to 6.")
        result = SqlType("datetime2", scale=int(precision or 0)) if len(call.arguments) == 8 else kind

        def build(*parts: exp.Expr) -> exp.Expr:
            seconds = parts[5] if len(parts) > 5 else number(0)
            moment = duckdb("make_timestamp", *parts[:5], cast(seconds, "DOUBLE"))
            rest = fraction(list(parts[6:]))
            moment = moment if rest is None else add(moment, rest)
            return duckdb("strata_datetime", moment) if result.name == "datetime" else moment

        return planned(call, result, build, *[INT] * len(call.kinds))

    return rule


def _fraction(parts: list[exp.Expr]) -> exp.Expr:
    """DATETIME2FROMPARTS counts fractions in units of its precision."""
    return duckdb("to_microseconds", duckdb("strata_micros", *parts))


_MOVING = Advice(
    "what it gives changes from run to run, so a day that is closed again has other figures.",
    "Use @as_of, which the platform sets.",
)


def _now(kind: SqlType) -> Rule:
    def rule(call: Call, found: Findings) -> Plan:
        found.warn("clock", call.node, f"{call.name}()", _MOVING)
        settle = converter(SqlType("datetime2", scale=6), kind)
        return Plan(kind, lambda _: settle(cast(duckdb("now"), "TIMESTAMP")))

    return rule


_MILLISECONDS: Callable[[list[exp.Expr]], exp.Expr | None] = lambda parts: duckdb("to_milliseconds", parts[0])  # noqa: E731

DATES: dict[str, Function] = {
    "DATEADD": Function.of(_dateadd, 2, part=True),
    "DATEDIFF": Function.of(_datediff(INT), 2, part=True),
    "DATEDIFF_BIG": Function.of(_datediff(BIGINT), 2, part=True),
    "DATEPART": Function.of(_datepart, 1, part=True),
    "DATENAME": Function.of(_datename, 1, part=True),
    "DATETRUNC": Function.of(_datetrunc, 1, part=True),
    **{name: Function.of(_single(name.lower()), 1) for name in ("YEAR", "MONTH", "DAY")},
    "EOMONTH": Function.of(_eomonth, 1, 2),
    "DATEFROMPARTS": Function.of(_datefromparts, 3),
    "DATETIMEFROMPARTS": Function.of(_stamp(DATETIME, _MILLISECONDS), 7),
    "DATETIME2FROMPARTS": Function.of(_stamp(DATETIME2, _fraction), 8),
    "SMALLDATETIMEFROMPARTS": Function.of(_stamp(SMALLDATETIME, lambda _: None), 5),
    **{name: Function.of(_now(DATETIME), 0) for name in ("GETDATE", "GETUTCDATE", "CURRENT_TIMESTAMP")},
    **{name: Function.of(_now(DATETIME2), 0) for name in ("SYSDATETIME", "SYSUTCDATETIME")},
}
