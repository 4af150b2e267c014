"""Decimals of few digits, computed from doubles: half of what casting their texts costs, and just as exact.

A double tells any two decimals of up to 15 digits apart. So when the whole number of
smallest units that is nearest to a double leads back to that very double, it is the value
that was written; and no such number is as great as those that doubles skip.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.arrow_values import double
from orchestration.contracts.types import ColumnType

LONGEST = 16
"""How long a text of a short decimal may be: 15 digits and the point, or all digits of what is told to be too great."""
_DIGITS = 15
_DIGITS_OF_64_BITS = 18
_HALF = double(0.5)


def arrow_type(kind: ColumnType) -> pa.DataType:
    """Return the narrowest Arrow type of a column that DuckDB takes as it is."""
    if kind.kind == "decimal" and kind.precision <= _DIGITS_OF_64_BITS:
        return pa.decimal64(kind.precision, kind.scale)
    return kind.arrow


def from_doubles(doubles: pa.DoubleArray, wanted: pa.Decimal64Type) -> tuple[pa.Array, list[pa.BooleanArray]]:
    """Return the decimals of doubles that were read from short texts, and the masks of those that may be wrong.

    Of these, one has more digits behind the point than the type, the other too many in all.
    """
    unit = double(10**wanted.scale)
    # Arrow's own rounding takes five times as long.
    units = pc.floor(pc.add(pc.multiply(doubles, unit), _HALF))
    inexact = pc.not_equal(pc.divide(units, unit), doubles)
    too_great = pc.greater(pc.abs(units), double(min(10**wanted.precision - 1, 10**_DIGITS)))
    numbers = units.cast(pa.int64(), safe=False)
    return pa.Array.from_buffers(wanted, len(numbers), numbers.buffers()), [inexact, too_great]
