"""The page of faults names tests that exist: what is said to be proven is."""

from __future__ import annotations

import re

from orchestration.settings import PROJECT

PAGE = PROJECT / "docs" / "operator" / "faults.md"
NAMED = re.findall(r"`(tests/\S+?\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))


def rows() -> list[str]:
    """Return the rows of its tables, without their heads."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and not line.startswith("| fault |")]


def test_every_test_that_the_page_of_faults_names_exists() -> None:
    def exists(path: str, name: str) -> bool:
        file = PROJECT / path
        return (
            file.is_file() and re.search(rf"^(async )?def {name}\(", file.read_text("utf-8"), re.MULTILINE) is not None
        )

    assert [f"{path}::{name}" for path, name in NAMED if not exists(path, name)] == []


def test_every_fault_names_a_test() -> None:
    assert len(rows()) > 30
    assert [row for row in rows() if "::test_" not in row] == []
