"""Makes Arrow values out of Python's, by way of bytes.

Handed a Python object, Arrow imports pandas wherever that is installed: 0.25 CPU s and 40 MB
in a fresh process, a sixth of what ``strata load`` takes for a few rows. Bytes it takes as they are.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate

import pyarrow as pa

_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)  # noqa: DTZ001 - as instants are stored


def text_array(values: Sequence[str | None]) -> pa.StringArray:
    """Return texts as an array of strings."""
    encoded = [b"" if value is None else value.encode() for value in values]
    ends = array("i", accumulate(map(len, encoded), initial=0))
    return _array(pa.string(), values, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def integer_array(values: Sequence[int | None]) -> pa.Int64Array:
    """Return integers of 64 bits."""
    return _array(pa.int64(), values, pa.py_buffer(array("q", [value or 0 for value in values])))


def double_array(values: Sequence[float | None]) -> pa.DoubleArray:
    """Return doubles."""
    return _array(pa.float64(), values, pa.py_buffer(array("d", [value or 0.0 for value in values])))


def instant_array(values: Sequence[datetime | None]) -> pa.TimestampArray:
    """Return instants without a zone, to the microsecond."""
    numbers = [0 if value is None else (value - _EPOCH) // _MICROSECOND for value in values]
    return _array(pa.timestamp("us"), values, pa.py_buffer(array("q", numbers)))


def truth_array(values: Sequence[bool]) -> pa.BooleanArray:
    """Return truth values."""
    return pa.Array.from_buffers(pa.uint8(), len(values), [None, pa.py_buffer(bytes(values))]).cast(pa.bool_())


def text(value: str) -> pa.StringScalar:
    """Return one text, to compare arrays with."""
    return text_array([value])[0]


def integer(value: int) -> pa.Int64Scalar:
    """Return one integer, to compare arrays with."""
    return integer_array([value])[0]


def double(value: float) -> pa.DoubleScalar:
    """Return one double, to compute and compare arrays with."""
    return double_array([value])[0]


def truth(*, value: bool) -> pa.BooleanScalar:
    """Return one truth value."""
    return truth_array([value])[0]


def _array(kind: pa.DataType, values: Sequence[object], *buffers: pa.Buffer) -> pa.Array:
    known = [value is not None for value in values]
    validity = None if all(known) else truth_array(known).buffers()[1]
    return pa.Array.from_buffers(kind, len(values), [validity, *buffers])
