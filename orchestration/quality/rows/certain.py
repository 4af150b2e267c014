"""Converts whole columns of text by Arrow's casts, and says which values those casts do not settle.

Arrow's casts are strict where DuckDB's round, and cost a fraction of them. Yet they take
what no contract means (``0x10`` for a number, an hour without minutes), and overflow
unseen where a scale is large. A value is certain only when it is cast and shows none of
that; a doubted one is no reject yet: :mod:`orchestration.quality.rows.text` decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.arrow_values import integer, text, text_array
from orchestration.contracts.model import Column
from orchestration.contracts.types import Kind
from orchestration.quality.rows.short_decimals import LONGEST, arrow_type, from_doubles

# A column that cannot be cast is cast by runs of these lengths.
# One of the last length is doubted as a whole: cheaper than to find the one value.
_RUNS = (1024, 256, 64, 16)
_DECIMAL_DIGITS = 38
_FEW = 16
_HOUR_ALONE = len("2026-01-01T10")
_HOUR_LENGTH = integer(_HOUR_ALONE).cast(pa.int32())
_ONLY_DATE = len("2026-01-01")
_YEAR_ONE = (date(1, 1, 1) - date(1970, 1, 1)).days
_MICROSECONDS_A_DAY = 24 * 60 * 60 * 1_000_000
_UTC_ENDS = ("Z", "+0000", "+00:00")
_NO_TEXT = pa.nulls(1, pa.string())[0]
_TRUE, _FALSE = text("true"), text("false")
_UUID = r"\A[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z"


@dataclass
class Converted:
    """A column's values in its :func:`arrow_type`, and the masks of those that are doubted."""

    values: pa.Array
    doubts: list[pa.BooleanArray]


class Conversion:
    """Converts a column of valid UTF-8 without NUL, portion by portion."""

    def __init__(self, column: Column) -> None:
        """Nothing is known of its values yet."""
        self._column, self._cast = column, _Cast()

    def __call__(self, texts: pa.StringArray) -> Converted:
        """Convert a portion; doubted are also values that break the column's rules."""
        converted = _KINDS[self._column.type.kind](self._column, texts, self._cast)
        converted.doubts.extend(_broken_rules(self._column, texts))
        return converted


class _Cast:
    """Casts what can be cast, and remembers whether a column has values that cannot."""

    def __init__(self) -> None:
        """A column is thought to be sound until a portion is not."""
        self._sound = True

    def __call__(self, texts: pa.StringArray, wanted: pa.DataType) -> tuple[pa.Array, list[pa.BooleanArray]]:
        """Return the values, NULL in short runs that cannot be cast, and the mask of those runs."""
        # Broken values come in company: measured, a third of the casts of such columns were tried in vain.
        values = _tried(texts, wanted, ask=False)[0] if self._sound else None
        if values is not None:
            return values, []
        runs = list(_runs(texts, wanted, _RUNS))
        failed = b"".join(bytes([not cast]) * len(run) for run, cast in runs)
        self._sound = 1 not in failed
        mask = pa.Array.from_buffers(pa.uint8(), len(failed), [None, pa.py_buffer(failed)]).cast(pa.bool_())
        return pa.concat_arrays([run for run, _ in runs]), [] if self._sound else [mask]


def _broken_rules(column: Column, texts: pa.StringArray) -> Iterator[pa.BooleanArray]:
    if column.required and texts.null_count:
        yield texts.is_null()
    if column.type.length and _longest(texts) > column.type.length:
        yield pc.greater(pc.utf8_length(texts), integer(column.type.length))
    if column.allowed:
        # Apart from texts, the rule is about how DuckDB writes the value, which is not known here.
        yield pc.and_(texts.is_valid(), pc.invert(pc.is_in(texts, text_array(_known(column)))))


def _known(column: Column) -> tuple[str, ...]:
    """Return the allowed values that can be told by their text."""
    if column.type.kind == "text":
        return column.allowed
    whole = column.type.kind in ("smallint", "integer", "bigint")
    return tuple(text for text in column.allowed if whole and text.isdecimal() and str(int(text)) == text)


def _number(column: Column, texts: pa.StringArray, cast: _Cast) -> Converted:
    values, doubts = _cast_plain(texts, column.type.arrow, cast)
    if column.type.scale and _longest(texts) + column.type.scale > _DECIMAL_DIGITS:
        doubts.append(pc.greater(pc.binary_length(texts), integer(_DECIMAL_DIGITS - column.type.scale)))
    return Converted(values, doubts)


def _cast_plain(texts: pa.StringArray, wanted: pa.DataType, cast: _Cast) -> tuple[pa.Array, list[pa.BooleanArray]]:
    """Cast numbers without letters, which are exponents of any length, hexadecimal digits and infinities."""
    if not _has_letters(texts):
        return cast(texts, wanted)
    lettered = pc.not_equal(pc.ascii_lower(texts), pc.ascii_upper(texts))
    values, doubts = cast(pc.if_else(lettered, _NO_TEXT, texts), wanted)
    return values, [*doubts, lettered]


def _decimal(column: Column, texts: pa.StringArray, cast: _Cast) -> Converted:
    wanted = arrow_type(column.type)
    if pa.types.is_decimal64(wanted) and _longest(texts) <= LONGEST:
        doubles, doubts = _cast_plain(texts, pa.float64(), cast)
        values, wrong = from_doubles(doubles, wanted)
        # Many are not broken, but greater than doubles can tell.
        if sum(mask.true_count for mask in wrong) <= len(texts) // _FEW:
            return Converted(values, [*doubts, *wrong])
    converted = _number(column, texts, cast)
    return Converted(converted.values.cast(wanted), converted.doubts)


def _double(column: Column, texts: pa.StringArray, cast: _Cast) -> Converted:
    converted = _number(column, texts, cast)
    finite = pc.is_finite(converted.values)
    return Converted(converted.values, [*converted.doubts, pc.invert(finite)])


def _boolean(_column: Column, texts: pa.StringArray, _cast: _Cast) -> Converted:
    values = pc.equal(texts, _TRUE)
    return Converted(values, [pc.invert(pc.or_(values, pc.equal(texts, _FALSE)))])


def _date(column: Column, texts: pa.StringArray, cast: _Cast) -> Converted:
    values, doubts = cast(texts, column.type.arrow)
    return Converted(values, [*doubts, *_before_year_one(values)])


def _timestamp(column: Column, texts: pa.StringArray, cast: _Cast) -> Converted:
    """Convert timestamps which are all without an offset, or all in UTC: one cast takes only one of both."""
    naive = column.type.arrow
    zoned = _ends_in_utc(texts)
    values, doubts = cast(texts, pa.timestamp("us", "UTC") if zoned else naive)
    if zoned:
        doubts.append(pc.invert(_in_utc(texts)))
        values = values.cast(naive)
    doubts.extend(_without_minutes(texts, zoned=zoned))
    return Converted(values, [*doubts, *_before_year_one(values)])


def _text(_column: Column, texts: pa.StringArray, _cast: _Cast) -> Converted:
    return Converted(texts, [])


def _uuid(_column: Column, texts: pa.StringArray, _cast: _Cast) -> Converted:
    return Converted(pc.ascii_lower(texts), [pc.invert(pc.match_substring_regex(texts, _UUID))])


def _json(_column: Column, texts: pa.StringArray, _cast: _Cast) -> Converted:
    return Converted(texts, [texts.is_valid()])


_KINDS: dict[Kind, Callable[[Column, pa.StringArray, _Cast], Converted]] = {
    "smallint": _number,
    "integer": _number,
    "bigint": _number,
    "decimal": _decimal,
    "double": _double,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "text": _text,
    "uuid": _uuid,
    "json": _json,
}


def _runs(
    texts: pa.StringArray, wanted: pa.DataType, lengths: tuple[int, ...], *, ask: bool = True
) -> Iterator[tuple[pa.Array, bool]]:
    """Yield the values of runs and whether each could be cast; ``ask``: let Arrow tell the value that could not.

    A run that cannot be cast is taken apart around that value, and otherwise by ever shorter runs.
    """
    for start in range(0, len(texts), lengths[0]):
        run = texts.slice(start, lengths[0])
        values, place = _tried(run, wanted, ask=ask)
        if values is not None:
            yield values, True
        elif place >= 0:
            yield from _runs(run.slice(0, place), wanted, lengths, ask=False)
            yield pa.nulls(1, wanted), False
            yield from _runs(run.slice(place + 1), wanted, lengths, ask=False)
        elif lengths[1:]:
            yield from _runs(run, wanted, lengths[1:], ask=False)
        else:
            yield pa.nulls(len(run), wanted), False


def _tried(texts: pa.StringArray, wanted: pa.DataType, *, ask: bool) -> tuple[pa.Array | None, int]:
    """Return the values, or the place of one that cannot be cast: -1 where Arrow's message does not quote it."""
    try:
        return texts.cast(wanted), -1
    except pa.ArrowInvalid as error:
        _, _, quoted = str(error).partition("'")
        value, found, _ = quoted.rpartition("'")
        return None, pc.index(texts, text(value)).as_py() if ask and found else -1


def _has_letters(texts: pa.StringArray) -> bool:
    """Say whether there may be any: all else in a number sorts before them."""
    content = texts.buffers()[2]
    if content is None:
        return False
    greatest = pc.max(pa.Array.from_buffers(pa.uint8(), content.size, [None, content]))
    return bool(greatest.is_valid and greatest.as_py() >= ord("A"))


def _longest(texts: pa.StringArray) -> int:
    """Return the greatest length in bytes, which bounds that in characters."""
    longest: int | None = pc.max(pc.binary_length(texts)).as_py()
    return longest or 0


def _before_year_one(values: pa.Array) -> Iterator[pa.BooleanArray]:
    days = pa.types.is_date32(values.type)
    numbers = values.view(pa.int32() if days else pa.int64())
    limit = _YEAR_ONE if days else _YEAR_ONE * _MICROSECONDS_A_DAY
    first = pc.min(numbers).as_py()
    if first is not None and first < limit:
        yield pc.less(numbers, integer(limit))


def _ends_in_utc(texts: pa.StringArray) -> bool:
    """Say whether the first timestamp is one in UTC."""
    first = pc.first(texts).as_py()
    return first is not None and len(first) > _HOUR_ALONE and first.endswith(_UTC_ENDS)


def _in_utc(texts: pa.StringArray) -> pa.BooleanArray:
    ends = [pc.ends_with(texts, end) for end in _UTC_ENDS]
    return pc.or_(pc.or_(ends[0], ends[1]), ends[2])


def _without_minutes(texts: pa.StringArray, *, zoned: bool) -> Iterator[pa.BooleanArray]:
    lengths = pc.binary_length(texts)
    shortest = pc.min(lengths).as_py() or 0
    if zoned:
        shape = _HOUR_ALONE + max(map(len, _UTC_ENDS))
        if shortest <= shape:
            yield pc.less_equal(lengths, integer(shape))
    elif _ONLY_DATE < shortest <= _HOUR_ALONE or pc.index(lengths, _HOUR_LENGTH).as_py() >= 0:
        yield pc.equal(lengths, _HOUR_LENGTH)
