"""Decimals by way of doubles: what is not doubted is exactly what was written."""

from __future__ import annotations

import os
from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from landing_bench import column

from orchestration.arrow_values import text_array
from orchestration.quality.rows.certain import Conversion, Converted

TYPES = ("decimal(18,2)", "decimal(18,6)", "decimal(18,18)", "decimal(15,0)", "decimal(9,4)", "decimal(5,2)")


def numbers(digits: int) -> st.SearchStrategy[str]:
    """Return texts of numbers, among them those that differ in the last digit that a double tells."""
    whole = st.from_regex(rf"\A-?[0-9]{{1,{digits}}}\Z") | st.from_regex(r"\A-?[019]{12,16}\Z")
    fraction = st.from_regex(rf"\A(\.[0-9]{{0,{digits}}})?\Z") | st.from_regex(r"\A\.[059]{1,9}[01]?\Z")
    return st.builds(str.__add__, whole, fraction)


def converted(kind: str, texts: list[str]) -> tuple[Converted, list[bool]]:
    found = Conversion(column("value", kind))(text_array(texts))
    masks = [[False] * len(texts), *(mask.to_pylist() for mask in found.doubts)]
    return found, [any(of_row) for of_row in zip(*masks, strict=True)]


@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=500 if os.environ.get("STRATA_NIGHTLY") == "1" else 50, deadline=None)
@given(odd=st.lists(numbers(17), max_size=6))
@example(odd=["123456789012.345", "9999999999999.99", "1000000000000.01", "0.1234567890123", "999999999999.999"])
@example(odd=["9007199254740993", "90071992547409.93", "1.239", "twelve", "1e3", "-0.00", "."])
def test_what_is_not_doubted_is_what_was_written(kind: str, odd: list[str]) -> None:
    texts = odd + ["0.0"] * 100
    found, doubted = converted(kind, texts)
    with localcontext(prec=60):
        rows = zip(texts, found.values.to_pylist(), doubted, strict=True)
        assert [(text, value) for text, value, doubt in rows if not doubt and value != Decimal(text)] == []


def test_amounts_that_fit_are_certain_although_others_are_broken() -> None:
    texts = [f"{number}.{number % 100:02d}" for number in range(1000)]
    texts[7], texts[500] = "1.239", "twelve"
    assert [place for place, doubt in enumerate(converted("decimal(18,2)", texts)[1]) if doubt] == [7, 500]


@pytest.mark.parametrize(
    ("kind", "text"), [("decimal(18,2)", "1234567890123456.78"), ("decimal(18,6)", "9876543210.5")]
)
def test_amounts_beyond_doubles_are_certain_too(kind: str, text: str) -> None:
    found = Conversion(column("value", kind))(text_array([text] * 100))
    assert not any(mask.true_count for mask in found.doubts)
    assert set(found.values.to_pylist()) == {Decimal(text)}
