"""A division by zero is told as the analyst wrote it, where it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.failures import ScriptRefused

_INTO = "INTO finance.result FROM silver.sale AS s"
Write = Callable[..., Path]
Run = Callable[..., list[object]]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (f"SELECT id,\n  amount / (id - id) AS a {_INTO}", ":5:3: a division by zero: amount / (id - id)."),
        (f"SELECT 1 % (id - 1) AS a {_INTO}", ":4:8: a division by zero: 1 % (id - 1)."),
        (f"SELECT SUM(s.amount) / (1 - 1) AS a {_INTO}", ":4:8: a division by zero: SUM(s.amount) / (1 - 1)."),
        (f"SELECT s.amount / -[s].[id] / 1e0 / 0 AS a {_INTO}", "in one of these: 4:8 s.amount / -[s].[id]; "),
        (f"SELECT CASE WHEN 1 = 1 THEN 1e0 END / CASE id WHEN 1 THEN 0 ELSE 1 END AS a {_INTO}",
         ":4:8: a division by zero: CASE WHEN 1 = 1 THEN 1e0 END / CASE id WHEN 1 THEN 0 ELSE 1 …"),
    ],
)  # fmt: skip
def test_a_division_by_zero_is_told_as_it_was_written(run: Run, write_script: Write, query: str, said: str) -> None:
    with pytest.raises(ScriptRefused) as error:
        run(write_script(query))
    assert said in error.value.message
    assert "NULLIF" in error.value.remedy
