"""The page of what is verified says neither more nor less than the run did."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from proving import FEATURES, PAGE, RECORD, merged, page

FIRST, SECOND = FEATURES[:2]


def test_what_was_proved_gets_its_day_and_what_was_not_keeps_its_own() -> None:
    record = merged({SECOND: {"Babelfish": "2026-01-01"}}, {("offline", FIRST)}, "2026-02-02")
    assert record[FIRST] == {"offline": "2026-02-02"}
    assert record[SECOND] == {"Babelfish": "2026-01-01"}


def test_what_no_run_proved_is_listed_as_not_verified() -> None:
    text = page(merged({}, {("SQL Server", FIRST)}, "2026-02-02"))
    assert f"| {FIRST} |  |  | 2026-02-02 |  |" in text
    assert f"| {SECOND} | **not verified** |" in text
    assert text.count("\n| ") == len(FEATURES) + 1


def test_a_feature_that_is_listed_no_more_is_forgotten() -> None:
    assert set(merged({"gone": {"offline": "2026-01-01"}}, set(), "2026-02-02")) == set(FEATURES)


def test_the_page_is_what_the_record_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(json.loads(RECORD.read_text(encoding="utf-8")))
