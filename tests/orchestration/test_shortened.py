"""Many things are said by the first of them and their number."""

from __future__ import annotations

import pytest

from orchestration.shortened import few


@pytest.mark.parametrize(
    ("texts", "separator", "said"),
    [
        ([], ", ", ""),
        (["a"], ", ", "a"),
        (["a", "b"], ", ", "a, b"),
        (["a", "b", "c"], ", ", "a, b and 1 more"),
        (["a"] * 1_002, ", ", "a, a and 1,000 more"),
        (["a", "b", "c"], "\n", "a\nb\nand 1 more"),
    ],
)
def test_of_many_the_first_are_named_and_the_others_counted(texts: list[str], separator: str, said: str) -> None:
    assert few(texts, 2, separator) == said
