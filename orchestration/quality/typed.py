"""Judges values that arrive with a type of their own, as Parquet parts have.

A conversion is accepted for a value when converting it back gives the same value;
nothing is rounded, cut or wrapped. A type that can never fit is schema drift.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product

from orchestration.contracts.model import Column
from orchestration.failures import SchemaDrift
from orchestration.quality.judgement import Fault, Judgement, Reason, rule_faults

_INTEGERS = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
}  # fmt: skip
_FLOATS = {"FLOAT", "DOUBLE"}
_EARLIEST, _LATEST = "0001-01-01", "9999-12-31"


def judge_typed(column: Column, given: str, expression: str) -> Judgement:
    """Judge a column that arrives as DuckDB type ``given``.

    Raises:
        SchemaDrift: no value of that type can be one of the contract's.
    """
    value, faults = _converted(column, _family(given), given, expression)
    raw = f"CAST({expression} AS VARCHAR)"
    return Judgement(column, value, raw, (*faults, *rule_faults(column, value)))


def _family(given: str) -> str:
    plain = re.sub(r"\(.*\)", "", given)
    if plain in _INTEGERS:
        return "integer"
    if plain in _FLOATS:
        return "float"
    return "timestamp" if plain.startswith("TIMESTAMP") else plain.lower()


def _converted(column: Column, family: str, given: str, x: str) -> tuple[str, tuple[Fault, ...]]:
    kind = column.type.kind
    target = {"smallint": "integer", "bigint": "integer", "double": "float"}.get(kind, kind)
    convert = _CONVERSIONS.get((family, target))
    if convert is None:
        message = f"Column {column.name!r} arrives as {given}, the contract says {column.type}."
        raise SchemaDrift(message, "Correct the contract's type, or the source's query.")
    return convert(column, given, x)


def _number(column: Column, given: str, x: str) -> tuple[str, tuple[Fault, ...]]:
    wanted = column.type.duckdb
    if given == wanted:
        return x, ()
    value = f"TRY_CAST({x} AS {wanted})"
    faults = [Fault(f"{x} IS NOT NULL AND {value} IS NULL", Reason.OVERFLOW)]
    if given.startswith("DECIMAL"):
        reason = Reason.SCALE if column.type.kind == "decimal" else Reason.NOT_AN_INTEGER
        faults.append(Fault(f"TRY_CAST({value} AS {given}) IS DISTINCT FROM {x}", reason))
    return value, tuple(faults)


def _float(_column: Column, given: str, x: str) -> tuple[str, tuple[Fault, ...]]:
    if given in _FLOATS:
        return f"CAST({x} AS DOUBLE)", (Fault(f"{x} IS NOT NULL AND NOT isfinite({x})", Reason.NOT_FINITE),)
    value = f"CAST({x} AS DOUBLE)"
    return value, (Fault(f"TRY_CAST({value} AS {given}) IS DISTINCT FROM {x}", Reason.PRECISION),)


def _timestamp(_column: Column, given: str, x: str) -> tuple[str, tuple[Fault, ...]]:
    if given == "TIMESTAMP":
        return x, (_out_of_range(x),)
    value = f"({x} AT TIME ZONE 'UTC')" if "TIME ZONE" in given else f"TRY_CAST({x} AS TIMESTAMP)"
    faults = [Fault(f"{x} IS NOT NULL AND {value} IS NULL", Reason.IMPOSSIBLE_DATE), _out_of_range(value)]
    if given == "TIMESTAMP_NS":
        faults.append(Fault(f"TRY_CAST({value} AS {given}) IS DISTINCT FROM {x}", Reason.PRECISION))
    return value, tuple(faults)


def _date_of(column: Column, given: str, x: str) -> tuple[str, tuple[Fault, ...]]:
    instant, faults = _timestamp(column, given, x)
    value = f"CAST({instant} AS DATE)"
    timed = Fault(f"{instant} IS NOT NULL AND {instant} <> CAST({value} AS TIMESTAMP)", Reason.TIME_IN_DATE)
    return value, (*faults, timed)


def _text(_column: Column, _given: str, x: str) -> tuple[str, tuple[Fault, ...]]:
    return x, (Fault(f"{x} IS NOT NULL AND contains({x}, chr(0))", Reason.NUL_BYTE),)


def _uuid(_column: Column, _given: str, x: str) -> tuple[str, tuple[Fault, ...]]:
    return f"CAST({x} AS VARCHAR)", ()


def _same(_column: Column, _given: str, x: str) -> tuple[str, tuple[Fault, ...]]:
    return x, ()


def _date(_column: Column, _given: str, x: str) -> tuple[str, tuple[Fault, ...]]:
    return x, (_out_of_range(x),)


def _out_of_range(x: str) -> Fault:
    """Infinite dates and years beyond four digits, which no other engine holds."""
    condition = f"{x} IS NOT NULL AND ({x} < '{_EARLIEST}' OR {x} >= CAST('{_LATEST}' AS DATE) + 1)"
    return Fault(condition, Reason.IMPOSSIBLE_DATE)


_Converted = tuple[str, tuple[Fault, ...]]
_CONVERSIONS: dict[tuple[str, str], Callable[[Column, str, str], _Converted]] = {
    **dict.fromkeys(product(("integer", "decimal"), ("integer", "decimal")), _number),
    **dict.fromkeys(product(("integer", "float"), ("float",)), _float),
    **dict.fromkeys(product(("timestamp", "date"), ("timestamp",)), _timestamp),
    **dict.fromkeys(product(("varchar",), ("text", "uuid", "json")), _text),
    **dict.fromkeys(product(("uuid",), ("text", "uuid")), _uuid),
    ("boolean", "boolean"): _same,
    ("date", "date"): _date,
    ("timestamp", "date"): _date_of,
}
