"""``strata events``: what can be registered for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

Strata = Callable[..., Any]


def test_the_events_are_listed_with_schemas_that_are_schemas(strata: Strata) -> None:
    document = strata("events", "--json").document
    names = {event["name"] for event in document["events"]}
    assert names >= {
        "gold.table.updated", "gold.rows.changed", "finance.close.published", "load.failed", "quality.failed",
        "source.schema_changed", "license.limit_near",
    }  # fmt: skip
    assert document["faults"] == {}
    for event in document["events"]:
        jsonschema_rs.validator_for(event["schema"])
        assert event["type"] == f"{event['name']}.v{event['version']}"


def test_a_type_is_shown_with_its_data(strata: Strata) -> None:
    answer = strata("events", "show", "source.schema_changed")
    assert answer.code == 0
    assert "breaking" in answer.out
    assert "boolean" in answer.out


def test_an_unknown_type_is_told_with_those_there_are(strata: Strata) -> None:
    answer = strata("events", "show", "gold.table.gone")
    assert answer.code != 0
    assert "gold.table.updated" in answer.err


def test_a_file_that_makes_no_type_is_told(strata: Strata, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRATA_SCRIPTS_DIR", str(tmp_path))
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "seat.sold.sql").write_text("SELECT 1", encoding="utf-8")
    assert "seat.sold" in strata("events", "--json").document["faults"]
    assert "it reads no table" in strata("events", "show", "seat.sold").err
    answer = strata("sql", "check")
    assert answer.code == 1
    assert "seat.sold.sql" in answer.out


def test_the_platforms_own_files_are_well(strata: Strata) -> None:
    answer = strata("sql", "check")
    assert answer.code == 0
    assert ", 0 errors, " in answer.out.splitlines()[-1]
