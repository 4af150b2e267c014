"""Converts values that arrive as text, exactly: CSV, JSON and mended rows.

DuckDB's casts are lenient in ways that lose data: 1.239 becomes 1.24, 22.7 becomes 23,
a date drops its time, an offset is ignored, and ``8.6e3`` passes into ``DECIMAL(5,2)``.
A value is sound when its cast, written back, is the text it came from; that is cheap
and true of most values. What is left is compared with the grammar of its type.

Rows are judged in two goes. The first only tells rows that are certainly right, and asks
of each value no more than that. The second takes the few others apart; its SQL is written
in layers, so that nothing is computed twice: the text ``t``, its cast ``c``, and its value
``v``, which is NULL where it cannot be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import duckdb

from orchestration.contracts.model import Column
from orchestration.quality.rows.judgement import Conversion, Fault, Judgement, Reason, judge
from orchestration.quality.rows.typed import out_of_range

ALWAYS = "true"
_PLAIN = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_NUMBER = _PLAIN + r"(?:[eE][-+]?[0-9]{1,3})?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,12})?)?"
_OFFSET = r" ?[-+](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?"
_UTC = r"(?: ?Z| ?[-+]00(?::?00)?)?"
_NAIVE_OR_UTC = rf"{_DATE}(?:[T ]{_CLOCK}{_UTC})?"
_LOSSLESS_UTC = rf"{_DATE}(?:[T ]{_CLOCK.replace('{1,12}', '{1,6}0*')}{_UTC})?"
_USUAL_UTC, _USUAL_LENGTH = "%Y-%m-%dT%H:%M:%S.%g+0000", len("2026-01-01T10:00:00.000+0000")
_TIMESTAMP = rf"{_DATE}(?:[T ]{_CLOCK}(?: ?Z|{_OFFSET})?)?"
_LOST_FRACTION = r"\.[0-9]{6}[0-9]*[1-9]"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_JSON_STRING = r'"(?:[^"\\]|\\.)*"'
_NO_JSON = r"(?i)nan|inf|,\s*[\]}]"
# Up to 15 digits a double is as good as the text it came from; a sixteenth character may be the point.
_EXACT_IN_DOUBLE = 16

_MACROS = (
    """moved_point(whole, fraction, places) AS CASE
        WHEN strlen(whole) + places <= 0 THEN '0.' || repeat('0', -places - strlen(whole)) || whole || fraction
        WHEN places >= strlen(fraction) THEN whole || fraction || repeat('0', places - strlen(fraction))
        ELSE left(whole || fraction, strlen(whole) + places) || '.'
            || substr(whole || fraction, strlen(whole) + places + 1) END""",
    # A number without its exponent: DuckDB checks no overflow where there is one. The lambda names what
    # a macro would repeat at every place of use, until planning takes longer than the query.
    r"""plain_number(t) AS CASE WHEN regexp_matches(t, '[eE]') THEN list_transform(
        [regexp_extract(t, '^([-+]?)([0-9]*)\.?([0-9]*)[eE]([-+]?[0-9]+)$', ['sign', 'whole', 'fraction', 'places'])],
        lambda n: replace(n.sign, '+', '') || moved_point(n.whole, n.fraction, CAST(n.places AS INTEGER))
        )[1] ELSE t END""",
    "used_scale(plain) AS strlen(rtrim(split_part(plain, '.', 2), '0'))",
)


def create_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Create the SQL functions that the conversions use, for this connection alone."""
    for macro in _MACROS:
        con.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")


@dataclass(frozen=True)
class TextColumn:
    """A column whose text is in the SQL column ``_t<number>`` of a source.

    ``json``: it came as JSON, which for a text is in ``_j<number>``, so that a number can be told from a text.
    """

    column: Column
    number: int
    text: str
    json: str = ""

    @property
    def is_converted(self) -> bool:
        """Whether its values are anything but texts."""
        return self.column.type.kind in _RULES

    @property
    def cast(self) -> str:
        """The SQL column of DuckDB's own cast."""
        return f"_c{self.number}" if self.is_converted else self.text

    @property
    def value(self) -> str:
        """The SQL column of the value, NULL where it cannot be trusted."""
        return f"_v{self.number}"


def casted(source: str, columns: Sequence[TextColumn]) -> str:
    """Return the source with the casts of its text columns as further columns."""
    rules = [(item, _RULES[item.column.type.kind]) for item in columns if item.is_converted]
    casts = "".join(f", {rule.cast(item)} AS {item.cast}" for item, rule in rules)
    return f"(SELECT *{casts} FROM {source})" if rules else source


def layered(source: str, columns: Sequence[TextColumn]) -> str:
    """Return the source with the casts and values of its text columns as further columns."""
    rules = [(item, _RULES[item.column.type.kind]) for item in columns if item.is_converted]
    values = "".join(f", {_value(item, rule)} AS {item.value}" for item, rule in rules)
    return f"(SELECT *{values} FROM {casted(source, columns)})" if rules else source


def certain(item: TextColumn) -> str:
    """Return the condition, on a :func:`casted` source, under which the cast is certainly the right value.

    The source is a regular part, in which NUL bytes were looked for when it landed.
    """
    rule = _RULES.get(item.column.type.kind)
    if rule:
        return f"{item.text} IS NULL OR ({rule.sound(item)})"
    return f"{item.json} IS NULL OR {item.json} LIKE '\"%'" if item.json else ALWAYS


def convert_text(item: TextColumn, longest: int | None = None) -> Conversion:
    """Convert a text column of a :func:`layered` source; of one with a ``longest`` text there are no NUL bytes."""
    if item.column.type.kind == "text":
        if longest is not None:
            return Conversion(item.text)
        return Conversion.unless(item.text, *_text_faults(item))
    failed = f"{item.text} IS NOT NULL AND {item.value} IS NULL"
    return Conversion(item.value, failed, _RULES[item.column.type.kind].faults(item))


def judge_text(item: TextColumn, longest: int | None = None) -> Judgement:
    """Judge a text column of a :func:`layered` source; ``longest``: the most bytes of a text, where that is known."""
    return judge(item.column, convert_text(item, longest), arriving=item.text, raw=item.text, longest=longest)


def _text_faults(item: TextColumn) -> Iterable[Fault]:
    if item.json:
        # A number's text is not kept as it was sent, so a number is no text.
        yield Fault(f"{item.json} IS NOT NULL AND {item.json} NOT LIKE '\"%'", Reason.NOT_TEXT)
    yield Fault(f"coalesce(contains({item.text}, chr(0)), false)", Reason.NUL_BYTE)


def _value(item: TextColumn, rule: _Rule) -> str:
    return f"CASE WHEN {rule.sound(item)} THEN {item.cast} {rule.otherwise(item)} END"


@dataclass(frozen=True)
class _Rule:
    """How one kind is cast, when that is right, which WHENs give a value otherwise, and why there may be none."""

    cast: Callable[[TextColumn], str]
    sound: Callable[[TextColumn], str]
    otherwise: Callable[[TextColumn], str]
    faults: Callable[[TextColumn], tuple[Fault, ...]]


def _cast(item: TextColumn) -> str:
    return f"TRY_CAST({item.text} AS {item.column.type.duckdb})"


def _number_sound(item: TextColumn) -> str:
    t, c = item.text, item.cast
    in_double = f"strlen({t}) <= {_EXACT_IN_DOUBLE} AND CAST({c} AS DOUBLE) = TRY_CAST({t} AS DOUBLE)"
    return f"CAST({c} AS VARCHAR) = {t} OR ({in_double} AND regexp_full_match({t}, '{_PLAIN}'))"


def _number_otherwise(item: TextColumn) -> str:
    exact = f"CASE WHEN used_scale(p) <= {item.column.type.scale} THEN TRY_CAST(p AS {item.column.type.duckdb}) END"
    plain = f"list_transform([plain_number({item.text})], lambda p: {exact})[1]"
    return f"WHEN regexp_full_match({item.text}, '{_NUMBER}') THEN {plain}"


def _number_faults(item: TextColumn) -> tuple[Fault, ...]:
    reason = Reason.SCALE if item.column.type.kind == "decimal" else Reason.NOT_AN_INTEGER
    return (
        Fault(f"NOT regexp_full_match({item.text}, '{_NUMBER}')", Reason.NOT_A_NUMBER),
        Fault(f"used_scale(plain_number({item.text})) > {item.column.type.scale}", reason),
        Fault("true", Reason.OVERFLOW),
    )


def _double_sound(item: TextColumn) -> str:
    return f"isfinite({item.cast}) AND regexp_full_match({item.text}, '{_NUMBER}')"


def _double_faults(item: TextColumn) -> tuple[Fault, ...]:
    grammatical = f"regexp_full_match({item.text}, '{_NUMBER}')"
    return Fault(f"NOT {grammatical}", Reason.NOT_A_NUMBER), Fault("true", Reason.NOT_FINITE)


def _boolean_cast(item: TextColumn) -> str:
    return f"CASE {item.text} WHEN 'true' THEN true WHEN 'false' THEN false END"


def _date_sound(item: TextColumn) -> str:
    return f"strlen({item.text}) = 10 AND CAST({item.cast} AS VARCHAR) = {item.text}"


def _date_faults(item: TextColumn) -> tuple[Fault, ...]:
    return (
        Fault(f"regexp_full_match({item.text}, '(?s){_DATE}[T ].*')", Reason.TIME_IN_DATE),
        Fault(f"regexp_full_match({item.text}, '[0-9]{{4,}}-[0-9]{{2}}-[0-9]{{2}}')", Reason.IMPOSSIBLE_DATE),
        Fault("true", Reason.NOT_A_DATE),
    )


def _timestamp_sound(item: TextColumn) -> str:
    t, c = item.text, item.cast
    written_back = f"{t} LIKE '____-__-__ __:__:__%' AND CAST({c} AS VARCHAR) = {t}"
    # Salesforce's form, written back at two thirds of the regex's cost.
    usual = f"strlen({t}) = {_USUAL_LENGTH} AND strftime({c}, '{_USUAL_UTC}') = {t}"
    in_utc = f"{c} >= TIMESTAMP '0001-01-01' AND ({usual} OR regexp_full_match({t}, '{_LOSSLESS_UTC}'))"
    return f"({written_back}) OR ({in_utc})"


def _timestamp_otherwise(item: TextColumn) -> str:
    t = item.text
    # Not through AT TIME ZONE, which asks ICU and takes three times as long.
    shifted = f"make_timestamp(epoch_us(TRY_CAST({t} AS TIMESTAMPTZ)))"
    in_range = f"CASE WHEN {out_of_range('s').condition} THEN NULL ELSE s END"
    offset = f"regexp_full_match({t}, '{_TIMESTAMP}') AND NOT regexp_full_match({t}, '{_NAIVE_OR_UTC}')"
    lossless = f"NOT regexp_matches({t}, '{_LOST_FRACTION}')"
    return f"WHEN {offset} AND {lossless} THEN list_transform([{shifted}], lambda s: {in_range})[1]"


def _timestamp_faults(item: TextColumn) -> tuple[Fault, ...]:
    return (
        Fault(f"NOT regexp_full_match({item.text}, '{_TIMESTAMP}')", Reason.NOT_A_TIMESTAMP),
        Fault(f"regexp_matches({item.text}, '{_LOST_FRACTION}')", Reason.PRECISION),
        Fault("true", Reason.IMPOSSIBLE_DATE),
    )


def _json_sound(item: TextColumn) -> str:
    if item.json:  # the part was read as JSON
        return "true"
    # DuckDB takes NaN, infinities and trailing commas for JSON; strings may hold what looks like them.
    bare = f"regexp_replace({item.text}, '{_JSON_STRING}', '\"\"', 'g')"
    suspect = f"regexp_matches({item.text}, '{_NO_JSON}') AND regexp_matches({bare}, '{_NO_JSON}')"
    return f"json_valid({item.text}) AND NOT ({suspect})"


def _only(reason: Reason) -> Callable[[TextColumn], tuple[Fault, ...]]:
    return lambda _: (Fault("true", reason),)


def _nothing(_item: TextColumn) -> str:
    return ""


_NUMERIC = _Rule(_cast, _number_sound, _number_otherwise, _number_faults)
_RULES: dict[str, _Rule] = {
    "smallint": _NUMERIC,
    "integer": _NUMERIC,
    "bigint": _NUMERIC,
    "decimal": _NUMERIC,
    "double": _Rule(_cast, _double_sound, _nothing, _double_faults),
    "boolean": _Rule(_boolean_cast, lambda item: f"{item.cast} IS NOT NULL", _nothing, _only(Reason.NOT_A_BOOLEAN)),
    "date": _Rule(_cast, _date_sound, _nothing, _date_faults),
    "timestamp": _Rule(_cast, _timestamp_sound, _timestamp_otherwise, _timestamp_faults),
    "uuid": _Rule(
        lambda item: f"lower({item.text})",
        lambda item: f"regexp_full_match({item.text}, '{_UUID}')",
        _nothing,
        _only(Reason.NOT_A_UUID),
    ),
    "json": _Rule(lambda item: item.text, _json_sound, _nothing, _only(Reason.NOT_JSON)),
}
