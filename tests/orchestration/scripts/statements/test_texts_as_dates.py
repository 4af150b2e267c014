"""A text that is no date in any language is NULL to TRY_CONVERT; one that may be in some stops, where it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.failures import ScriptRefused

_INTO = "INTO finance.result FROM silver.sale AS s WHERE s.id = 1"
Write = Callable[..., Path]
Run = Callable[..., list[object]]
NEVER = [
    "n/a", "product|main|2", "C-1001", "12345", "1,234", "12.50", "Q1 2026", "INV2026001", "2026-01-01-7",
    "+49 30 1234", "5 %", "31.12.20260", "ab 12", "2026-13-45",
]  # fmt: skip
PERHAPS = [
    "1/2/2026", "01.02.2026", "1-2-26", "2026", "260101", "Mai 2026", "1 mars 2026", "Jan-26", "10:30", "5PM",
    "1/2/2026 10:30 PM", "2026/01/02", "märz 3, 2026", "2026-01-02T10:00:00Z",
]  # fmt: skip


def test_what_no_language_reads_as_a_date_is_null(run: Run, write_script: Write) -> None:
    listed = ", ".join(f"TRY_CONVERT(date, '{text}') AS c{n}" for n, text in enumerate(NEVER))
    assert run(write_script(f"SELECT {listed} {_INTO}")) == [(None,) * len(NEVER)]
    styled = ", ".join(f"TRY_CONVERT(date, '{text}', 104) AS c{n}" for n, text in enumerate(NEVER[:-1]))
    assert run(write_script(f"SELECT {styled} {_INTO}")) == [(None,) * (len(NEVER) - 1)]


@pytest.mark.parametrize("text", PERHAPS)
def test_what_some_language_may_read_as_a_date_stops(run: Run, write_script: Write, text: str) -> None:
    with pytest.raises(ScriptRefused, match="is no date"):
        run(write_script(f"SELECT TRY_CAST(N'{text}' AS date) AS a {_INTO}"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (f"SELECT s.id,\n  TRY_CONVERT(date, s.customer + ' 2026') AS a {_INTO}",
         ":5:3: TRY_CONVERT(date, s.customer + ' 2026'): 'Ada 2026' is no date"),
        (f"SELECT CAST(LEFT(s.customer + 'x', 3) + ' 26' AS datetime2(0)) AS a {_INTO}", ":4:8: CAST(LEFT("),
        (f"SELECT TRY_CAST(s.customer + ' 1' AS date) AS a, CAST('2026-01-01' AS date) AS b {_INTO}",
         ":4:1: 'Ada 1' is no date"),
    ],
)  # fmt: skip
def test_the_conversion_is_told_where_it_stands_with_the_way_out(
    run: Run, write_script: Write, query: str, said: str
) -> None:
    with pytest.raises(ScriptRefused) as error:
        run(write_script(query))
    assert said in error.value.message
    assert "a style" in error.value.remedy
    assert "LIKE" in error.value.remedy
