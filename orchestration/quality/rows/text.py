"""Converts values that arrive as text, exactly: CSV, JSON and mended rows.

DuckDB's casts are lenient in ways that lose data: 1.239 becomes 1.24, 22.7 becomes 23,
a date drops its time, an offset is ignored, and ``8.6e3`` passes into ``DECIMAL(5,2)``.
A value is sound when its cast, written back, is the text it came from; that is cheap
and true of most values. What is left is compared with the grammar of its type.

The SQL of a column is written in layers, so that nothing is computed twice: the text
``t``, its cast ``c``, and whether it is sound ``k``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb

from orchestration.contracts.model import Column
from orchestration.quality.rows.judgement import Conversion, Fault, Reason
from orchestration.quality.rows.typed import out_of_range

_PLAIN = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_NUMBER = _PLAIN + r"(?:[eE][-+]?[0-9]{1,3})?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,12})?)?"
_OFFSET = r" ?[-+](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?"
_NAIVE_OR_UTC = rf"{_DATE}(?:[T ]{_CLOCK}(?: ?Z|[-+]00(?::?00)?)?)?"
_TIMESTAMP = rf"{_DATE}(?:[T ]{_CLOCK}(?: ?Z|{_OFFSET})?)?"
_LOST_FRACTION = r"\.[0-9]{6}[0-9]*[1-9]"
# Up to 15 digits a double is as good as the text it came from; a sixteenth character may be the point.
_EXACT_IN_DOUBLE = 16

_MACROS = (
    """moved_point(whole, fraction, places) AS CASE
        WHEN strlen(whole) + places <= 0 THEN '0.' || repeat('0', -places - strlen(whole)) || whole || fraction
        WHEN places >= strlen(fraction) THEN whole || fraction || repeat('0', places - strlen(fraction))
        ELSE left(whole || fraction, strlen(whole) + places) || '.'
            || substr(whole || fraction, strlen(whole) + places + 1) END""",
    """scaled_number(mantissa, exponent) AS CASE WHEN left(mantissa, 1) = '-' THEN '-' ELSE '' END || moved_point(
        split_part(ltrim(mantissa, '+-'), '.', 1), split_part(mantissa, '.', 2), exponent)""",
    # A number without its exponent: DuckDB checks no overflow where there is one.
    """plain_number(t) AS CASE WHEN regexp_matches(t, '[eE]') THEN
        scaled_number(split_part(lower(t), 'e', 1), CAST(split_part(lower(t), 'e', 2) AS INTEGER)) ELSE t END""",
    "used_scale(t) AS strlen(rtrim(split_part(plain_number(t), '.', 2), '0'))",
)


def create_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Create the SQL functions that the conversions use, for this connection alone."""
    for macro in _MACROS:
        con.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")


@dataclass(frozen=True)
class TextColumn:
    """A column whose text is in the SQL column ``text`` of a source; ``number`` names its layers."""

    column: Column
    text: str
    number: int

    @property
    def cast(self) -> str:
        """The SQL column of the cast."""
        return f"_c{self.number}"

    @property
    def sound(self) -> str:
        """The SQL column that says whether the cast is certainly right."""
        return f"_k{self.number}"


def layered(source: str, columns: Sequence[TextColumn]) -> str:
    """Return the source with the casts of its text columns, and whether they are sound, as further columns."""
    rules = [(item, _RULES[item.column.type.kind]) for item in columns if item.column.type.kind in _RULES]
    casts = "".join(f", {rule.cast(item)} AS {item.cast}" for item, rule in rules)
    sounds = "".join(
        f", coalesce({item.text} IS NULL OR ({rule.sound(item)}), false) AS {item.sound}" for item, rule in rules
    )
    return f"(SELECT *{sounds} FROM (SELECT *{casts} FROM {source}))" if rules else source


def convert_text(item: TextColumn) -> Conversion:
    """Convert a text column of a :func:`layered` source."""
    if item.column.type.kind == "text":
        # An AND would search every value: DuckDB evaluates a CASE's branch for the rows that reach it.
        return Conversion(item.text, (Fault(f"coalesce(contains({item.text}, chr(0)), false)", Reason.NUL_BYTE),))
    rule = _RULES[item.column.type.kind]
    return Conversion(rule.value(item), rule.faults(item), item.sound)


@dataclass(frozen=True)
class _Rule:
    """How one kind is cast, when that is certainly right, what the value is, and the faults when it is not sound."""

    cast: Callable[[TextColumn], str]
    sound: Callable[[TextColumn], str]
    value: Callable[[TextColumn], str]
    faults: Callable[[TextColumn], tuple[Fault, ...]]


def _cast(item: TextColumn) -> str:
    return f"TRY_CAST({item.text} AS {item.column.type.duckdb})"


def _number_sound(item: TextColumn) -> str:
    t, c = item.text, item.cast
    same = f"strlen({t}) <= {_EXACT_IN_DOUBLE} AND CAST({c} AS DOUBLE) = TRY_CAST({t} AS DOUBLE)"
    return (
        f"CASE WHEN CAST({c} AS VARCHAR) = {t} THEN true "
        f"WHEN {same} THEN regexp_full_match({t}, '{_PLAIN}') ELSE false END"
    )


def _number_value(item: TextColumn) -> str:
    slow = f"TRY_CAST(plain_number({item.text}) AS {item.column.type.duckdb})"
    grammatical = f"regexp_full_match({item.text}, '{_NUMBER}')"
    return f"CASE WHEN {item.sound} THEN {item.cast} WHEN {grammatical} THEN {slow} END"


def _number_faults(item: TextColumn) -> tuple[Fault, ...]:
    reason = Reason.SCALE if item.column.type.kind == "decimal" else Reason.NOT_AN_INTEGER
    numeric = f"regexp_full_match({item.text}, '{_NUMBER}')"
    used = f"CASE WHEN {numeric} THEN used_scale({item.text}) > {item.column.type.scale} ELSE false END"
    return (
        Fault(f"NOT {numeric}", Reason.NOT_A_NUMBER),
        Fault(used, reason),
        Fault(f"{_number_value(item)} IS NULL", Reason.OVERFLOW),
    )


def _double_faults(item: TextColumn) -> tuple[Fault, ...]:
    return (
        Fault(f"{item.cast} IS NOT NULL AND NOT isfinite({item.cast})", Reason.NOT_FINITE),
        Fault(f"NOT regexp_full_match({item.text}, '{_NUMBER}')", Reason.NOT_A_NUMBER),
        Fault(f"{item.cast} IS NULL", Reason.OVERFLOW),
    )


def _date_faults(item: TextColumn) -> tuple[Fault, ...]:
    return (
        Fault(f"regexp_full_match({item.text}, '{_DATE}[T ].*')", Reason.TIME_IN_DATE),
        Fault(f"regexp_full_match({item.text}, '[0-9]{{4,}}-[0-9]{{2}}-[0-9]{{2}}')", Reason.IMPOSSIBLE_DATE),
        Fault("true", Reason.NOT_A_DATE),
    )


def _timestamp_sound(item: TextColumn) -> str:
    t, c = item.text, item.cast
    written_back = f"{t} LIKE '____-__-__ __:__:__%' AND CAST({c} AS VARCHAR) = {t}"
    in_utc = f"strlen({t}) <= 26 AND {c} >= TIMESTAMP '0001-01-01' AND regexp_full_match({t}, '{_NAIVE_OR_UTC}')"
    return f"CASE WHEN {written_back} THEN true ELSE {in_utc} END"


def _timestamp_value(item: TextColumn) -> str:
    t = item.text
    # Not through AT TIME ZONE, which asks ICU and takes three times as long.
    shifted = f"make_timestamp(epoch_us(TRY_CAST({t} AS TIMESTAMPTZ)))"
    return (
        f"CASE WHEN {item.sound} OR regexp_full_match({t}, '{_NAIVE_OR_UTC}') THEN {item.cast} "
        f"WHEN regexp_full_match({t}, '{_TIMESTAMP}') THEN {shifted} END"
    )


def _timestamp_faults(item: TextColumn) -> tuple[Fault, ...]:
    value = _timestamp_value(item)
    return (
        Fault(f"NOT regexp_full_match({item.text}, '{_TIMESTAMP}')", Reason.NOT_A_TIMESTAMP),
        Fault(f"regexp_matches({item.text}, '{_LOST_FRACTION}')", Reason.PRECISION),
        Fault(f"{value} IS NULL OR {out_of_range(value).condition}", Reason.IMPOSSIBLE_DATE),
    )


_NUMERIC = _Rule(_cast, _number_sound, _number_value, _number_faults)
_RULES: dict[str, _Rule] = {
    "smallint": _NUMERIC,
    "integer": _NUMERIC,
    "bigint": _NUMERIC,
    "decimal": _NUMERIC,
    "double": _Rule(
        _cast,
        lambda i: f"isfinite({i.cast}) AND regexp_full_match({i.text}, '{_NUMBER}')",
        lambda i: i.cast,
        _double_faults,
    ),
    "boolean": _Rule(
        lambda i: f"CASE {i.text} WHEN 'true' THEN true WHEN 'false' THEN false END",
        lambda i: f"{i.cast} IS NOT NULL",
        lambda i: i.cast,
        lambda _: (Fault("true", Reason.NOT_A_BOOLEAN),),
    ),
    "date": _Rule(
        _cast,
        lambda i: f"strlen({i.text}) = 10 AND CAST({i.cast} AS VARCHAR) = {i.text}",
        lambda i: i.cast,
        _date_faults,
    ),
    "timestamp": _Rule(_cast, _timestamp_sound, _timestamp_value, _timestamp_faults),
    "uuid": _Rule(
        lambda i: f"CAST(TRY_CAST({i.text} AS UUID) AS VARCHAR)",
        lambda i: f"{i.cast} IS NOT NULL",
        lambda i: i.cast,
        lambda _: (Fault("true", Reason.NOT_A_UUID),),
    ),
    "json": _Rule(
        lambda i: i.text,
        lambda i: f"json_valid({i.text})",
        lambda i: i.cast,
        lambda _: (Fault("true", Reason.NOT_JSON),),
    ),
}
