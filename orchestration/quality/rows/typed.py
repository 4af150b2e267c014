"""Converts values that arrive with a type of their own, as Parquet parts have.

A conversion is accepted for a value when converting it back gives the same value;
nothing is rounded, cut or wrapped. A type that can never fit is schema drift.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product

from orchestration.contracts.model import Column
from orchestration.failures import SchemaDrift
from orchestration.quality.rows.judgement import Conversion, Fault, Reason

_INTEGERS = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
}  # fmt: skip
_FLOATS = {"FLOAT", "DOUBLE"}
TEXT = "VARCHAR"


def convert_typed(column: Column, given: str, x: str) -> Conversion:
    """Convert a column that arrives as DuckDB type ``given`` other than text; ``x`` is its SQL.

    Raises:
        SchemaDrift: no value of that type can be one of the contract's.
    """
    kind = column.type.kind
    target = {"smallint": "integer", "bigint": "integer", "double": "float"}.get(kind, kind)
    convert = _CONVERSIONS.get((_family(given), target))
    if convert is None:
        message = f"Column {column.name!r} arrives as {given}, the contract says {column.type}."
        raise SchemaDrift(message, "Correct the contract's type, or the source's query.")
    return convert(column, given, x)


def out_of_range(x: str) -> Fault:
    """Return the fault of infinite dates and of years beyond four digits, which no other engine holds."""
    condition = f"{x} IS NOT NULL AND ({x} < DATE '0001-01-01' OR {x} >= DATE '10000-01-01')"
    return Fault(condition, Reason.IMPOSSIBLE_DATE)


def _family(given: str) -> str:
    plain = re.sub(r"\(.*\)", "", given)
    if plain in _INTEGERS:
        return "integer"
    if plain in _FLOATS:
        return "float"
    return "timestamp" if plain.startswith("TIMESTAMP") else plain.lower()


def _number(column: Column, given: str, x: str) -> Conversion:
    wanted = column.type.duckdb
    if given == wanted:
        return Conversion(x)
    value = f"TRY_CAST({x} AS {wanted})"
    faults = [Fault(f"{x} IS NOT NULL AND {value} IS NULL", Reason.OVERFLOW)]
    if given.startswith("DECIMAL"):
        reason = Reason.SCALE if column.type.kind == "decimal" else Reason.NOT_AN_INTEGER
        faults.append(Fault(f"TRY_CAST({value} AS {given}) IS DISTINCT FROM {x}", reason))
    return Conversion.unless(value, *faults)


def _float(_column: Column, given: str, x: str) -> Conversion:
    value = f"CAST({x} AS DOUBLE)"
    if given in _FLOATS:
        return Conversion.unless(value, Fault(f"{x} IS NOT NULL AND NOT isfinite({x})", Reason.NOT_FINITE))
    return Conversion.unless(value, Fault(f"TRY_CAST({value} AS {given}) IS DISTINCT FROM {x}", Reason.PRECISION))


def _timestamp(_column: Column, given: str, x: str) -> Conversion:
    if given == "TIMESTAMP":
        return Conversion.unless(x, out_of_range(x))
    if given == "TIMESTAMPTZ_NS":  # DuckDB has no cast from it to an instant without a zone
        given, x = "TIMESTAMP_NS", f"make_timestamp_ns(epoch_ns({x}))"
    value = f"({x} AT TIME ZONE 'UTC')" if "TIME ZONE" in given else f"TRY_CAST({x} AS TIMESTAMP)"
    faults = [Fault(f"{x} IS NOT NULL AND {value} IS NULL", Reason.IMPOSSIBLE_DATE), out_of_range(value)]
    if given == "TIMESTAMP_NS":
        faults.append(Fault(f"TRY_CAST({value} AS {given}) IS DISTINCT FROM {x}", Reason.PRECISION))
    return Conversion.unless(value, *faults)


def _date(_column: Column, _given: str, x: str) -> Conversion:
    return Conversion.unless(x, out_of_range(x))


def _date_of(column: Column, given: str, x: str) -> Conversion:
    instant = _timestamp(column, given, x)
    value = f"CAST({instant.value} AS DATE)"
    condition = f"{instant.value} IS NOT NULL AND {instant.value} <> CAST({value} AS TIMESTAMP)"
    return Conversion.unless(value, *instant.faults, Fault(condition, Reason.TIME_IN_DATE))


def _uuid(_column: Column, _given: str, x: str) -> Conversion:
    return Conversion(f"CAST({x} AS VARCHAR)")


def _same(_column: Column, _given: str, x: str) -> Conversion:
    return Conversion(x)


_CONVERSIONS: dict[tuple[str, str], Callable[[Column, str, str], Conversion]] = {
    **dict.fromkeys(product(("integer", "decimal"), ("integer", "decimal")), _number),
    **dict.fromkeys(product(("integer", "float"), ("float",)), _float),
    **dict.fromkeys(product(("timestamp", "date"), ("timestamp",)), _timestamp),
    **dict.fromkeys(product(("uuid",), ("text", "uuid")), _uuid),
    ("boolean", "boolean"): _same,
    ("date", "date"): _date,
    ("timestamp", "date"): _date_of,
}
