"""The page on differences names every function that a script may call, and those that are refused by name."""

from __future__ import annotations

from pathlib import Path

from orchestration.scripts.functions.registry import FUNCTIONS, REFUSED, TABLE_FUNCTIONS

PAGE = Path(__file__).parents[4] / "docs" / "analyst" / "differences.md"


def test_the_page_names_every_function() -> None:
    page = PAGE.read_text()
    known = [*FUNCTIONS, *TABLE_FUNCTIONS, *REFUSED]
    assert [name for name in known if f"`{name}`" not in page and f"`{name}(" not in page] == []
