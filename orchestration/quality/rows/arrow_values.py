"""Makes Arrow values out of Python's, by way of bytes.

Handed a Python object, Arrow imports pandas wherever that is installed: 0.25 CPU s and 40 MB
in a fresh process, as much as it takes to gate 100,000 rows. Bytes it takes as they are.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate

import pyarrow as pa


def text_array(values: Sequence[str]) -> pa.StringArray:
    """Return texts as an array of strings."""
    encoded = [value.encode() for value in values]
    ends = array("i", accumulate(map(len, encoded), initial=0))
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))])


def integer_array(values: Sequence[int]) -> pa.Int64Array:
    """Return integers of 64 bits."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(array("q", values))])


def text(value: str) -> pa.StringScalar:
    """Return one text, to compare arrays with."""
    return text_array([value])[0]


def integer(value: int) -> pa.Int64Scalar:
    """Return one integer, to compare arrays with."""
    return integer_array([value])[0]


def double(value: float) -> pa.DoubleScalar:
    """Return one double, to compute and compare arrays with."""
    return pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(array("d", [value]))])[0]


def truth(*, value: bool) -> pa.BooleanScalar:
    """Return one truth value."""
    return pa.Array.from_buffers(pa.bool_(), 1, [None, pa.py_buffer(bytes([value]))])[0]
