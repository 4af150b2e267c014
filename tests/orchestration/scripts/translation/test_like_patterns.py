"""LIKE's patterns match as they do on SQL Server, whatever sign stands in them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.scripts.binding.plan import Refused
from orchestration.scripts.translation.patterns import like_pattern, position_pattern

_SIGNS = st.text(alphabet="ab.*+?()|{}^$\\-", max_size=8)


@given(_SIGNS)
def test_signs_of_regular_expressions_stand_for_themselves(sign: str) -> None:
    assert re.fullmatch(like_pattern(sign).regex, sign)
    assert re.fullmatch(like_pattern(f"%{sign}_").regex, f"xx{sign}y")


@pytest.mark.parametrize(
    ("pattern", "escape", "matches", "differs"),
    [
        ("a[0-9]%", "", "a1b", "ab"),
        ("[^a]_", "", "bc", "ab"),
        ("50!%", "!", "50%", "50x"),
        ("[[]a]", "", "[a]", "a"),
        ("[a_]", "", "_", "b"),
    ],
)
def test_classes_and_escapes(pattern: str, escape: str, matches: str, differs: str) -> None:
    regex = like_pattern(pattern, escape).regex
    assert re.fullmatch(regex, matches)
    assert not re.fullmatch(regex, differs)


@pytest.mark.parametrize("pattern", ["[a", "[1-z]", "stra\u00dfe"])
def test_a_pattern_that_engines_read_differently_is_refused(pattern: str) -> None:
    with pytest.raises(Refused):
        like_pattern(pattern)


def test_a_position_is_looked_for_between_the_ends() -> None:
    assert re.search(position_pattern("%b_").regex, "abc")
    assert not re.search(position_pattern("b%").regex, "abc")
