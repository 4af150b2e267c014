"""Functions of numbers: most keep their argument's type, which is what makes them differ between engines."""

from __future__ import annotations

from sqlglot import exp

from orchestration.scripts.binding.numbers import digits, placed, shifted
from orchestration.scripts.binding.plan import Call, Plan
from orchestration.scripts.binding.scope import Findings
from orchestration.scripts.functions.rule import Function, Rule, planned
from orchestration.scripts.translation.nodes import call as duckdb
from orchestration.scripts.translation.nodes import cast, divide_whole, number
from orchestration.scripts.types import FLOAT, INT, LARGEST, SqlType, combined, decimal


def _numeric(call: Call, index: int = 0) -> SqlType:
    """Return an argument's type as a number: text is read as float, smaller integers as int."""
    kind = call.kinds[index]
    if kind.name in ("bit", "tinyint", "smallint", "null"):
        return INT
    if kind.is_text:
        return FLOAT
    if not kind.is_number:
        raise call.refused("it takes numbers alone.", "CAST the argument to a number.")
    return kind


def _abs(call: Call, _: Findings) -> Plan:
    kind = _numeric(call)
    return planned(call, kind, lambda x: cast(duckdb("abs", x), kind.duckdb), kind)


def _sign(call: Call, _: Findings) -> Plan:
    kind = _numeric(call)
    return planned(call, kind, lambda x: cast(duckdb("sign", x), kind.duckdb), kind)


def _whole(name: str) -> Rule:
    """Plan FLOOR or CEILING: of a decimal it is a decimal without places."""

    def rule(call: Call, _: Findings) -> Plan:
        kind = _numeric(call)
        result = decimal(kind.precision, 0) if kind.name == "decimal" else kind
        if kind.is_integer:
            return planned(call, kind, lambda x: x, kind)
        return planned(call, result, lambda x: cast(duckdb(name, x), result.duckdb), kind)

    return rule


def _round(call: Call, _: Findings) -> Plan:
    kind, places = _numeric(call), call.constant(1)
    if places is None or not places.lstrip("-").isdigit():
        raise call.refused("the places have to be written out.", "Write ROUND(x, 2).")
    cut = call.constant(2)
    if len(call.arguments) == 3 and cut is None:
        raise call.refused("whether it rounds or cuts has to be written out.", "Write 0 or 1 as the third argument.")
    if cut not in (None, "0"):
        return _cut(call, kind, int(places))
    middle = kind.duckdb if kind.is_float or kind.name == "decimal" else _wide(kind)
    return planned(
        call, kind, lambda x, *_: cast(duckdb("round", cast(x, middle), number(int(places))), kind.duckdb), kind
    )


def _wide(kind: SqlType) -> str:
    return kind.as_decimal.duckdb


def _cut(call: Call, kind: SqlType, places: int) -> Plan:
    if kind.is_float:
        raise call.refused("where a float is cut differs by engine.", "CAST it AS decimal first.")
    exact = kind.as_decimal
    drop = exact.scale - places
    if drop <= 0:
        return planned(call, kind, lambda x, *_: x, kind)

    def build(x: exp.Expr, *_: exp.Expr) -> exp.Expr:
        kept = divide_whole(digits(x, exact), cast(number(10**drop), "HUGEINT"))
        return cast(placed(shifted(kept, drop), decimal(LARGEST, exact.scale)), kind.duckdb)

    return planned(call, kind, build, kind)


def _power(call: Call, _: Findings) -> Plan:
    """POWER has its base's type; of a decimal(p,s) it is a decimal(38,s)."""
    kind = _numeric(call)
    result = decimal(LARGEST, kind.scale) if kind.name == "decimal" else kind

    def build(base: exp.Expr, exponent: exp.Expr) -> exp.Expr:
        power = duckdb("pow", base, exponent)
        return cast(duckdb("trunc", power) if result.is_integer else power, result.duckdb)

    return planned(call, result, build, FLOAT, FLOAT)


def _float(name: str) -> Rule:
    """Plan a function whose arguments and result are floats."""

    def rule(call: Call, _: Findings) -> Plan:
        return planned(call, FLOAT, lambda *x: duckdb(name, *x), *[FLOAT] * len(call.kinds))

    return rule


def _log(call: Call, _: Findings) -> Plan:
    if len(call.arguments) == 1:
        return planned(call, FLOAT, lambda x: duckdb("ln", x), FLOAT)
    return planned(call, FLOAT, lambda x, base: duckdb("log", base, x), FLOAT, FLOAT)


def _square(call: Call, _: Findings) -> Plan:
    return planned(call, FLOAT, lambda x: duckdb("pow", x, number(2)), FLOAT)


def _extreme(name: str) -> Rule:
    def rule(call: Call, _: Findings) -> Plan:
        kind = combined(call.kinds)
        if kind.is_text:
            raise call.refused("engines sort text differently.", "Use CASE with a comparison that you write.")
        return planned(call, kind, lambda *x: duckdb(name, *x), *[kind] * len(call.kinds))

    return rule


NUMBERS: dict[str, Function] = {
    "ABS": Function.of(_abs, 1),
    "SIGN": Function.of(_sign, 1),
    "FLOOR": Function.of(_whole("floor"), 1),
    "CEILING": Function.of(_whole("ceil"), 1),
    "ROUND": Function.of(_round, 2, 3),
    "POWER": Function.of(_power, 2),
    "SQUARE": Function.of(_square, 1),
    "LOG": Function.of(_log, 1, 2),
    "PI": Function.of(_float("pi"), 0),
    **{name: Function.of(_float(name.lower()), 1) for name in ("SQRT", "EXP", "LOG10", "SIN", "COS", "TAN")},
    "GREATEST": Function(_extreme("greatest"), 1, None),
    "LEAST": Function(_extreme("least"), 1, None),
}
