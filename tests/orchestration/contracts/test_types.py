"""The type grammar: what it reads it writes again, and what fits into what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.contracts.types import ColumnType, parse_type

decimals = st.integers(1, 38).flatmap(
    lambda precision: st.integers(0, precision).map(lambda scale: ColumnType("decimal", precision, scale))
)


@given(decimals)
def test_a_decimal_type_survives_being_written_and_read(type_: ColumnType) -> None:
    assert parse_type(str(type_)) == type_


@given(decimals, decimals)
def test_a_decimal_holds_another_exactly_when_digits_on_both_sides_fit(wide: ColumnType, narrow: ColumnType) -> None:
    fits = wide.scale >= narrow.scale and wide.precision - wide.scale >= narrow.precision - narrow.scale
    assert wide.holds(narrow) is fits


@pytest.mark.parametrize(
    ("wide", "narrow", "fits"),
    [
        ("bigint", "integer", True),
        ("integer", "bigint", False),
        ("text", "uuid", True),
        ("text(5)", "text(50)", True),  # each value's length is the row gate's business
        ("timestamp", "date", False),
        ("decimal(18,2)", "double", False),
        ("bigint", "text", False),
    ],
)
def test_widening_is_no_drift_and_retyping_is(wide: str, narrow: str, fits: bool) -> None:
    assert parse_type(wide).holds(parse_type(narrow)) is fits


@pytest.mark.parametrize("text", ["decimal", "money", "text()", "decimal(0,0)", "decimal(39,2)", "varchar(10)"])
def test_an_unknown_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unknown|precision"):
        parse_type(text)
