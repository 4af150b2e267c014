"""``strata quarantine``: from a rejected row to a mended one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from source_systems.accounting.simulator import faults

Strata = Callable[..., Any]
USERS = ("load", "product", "--mode", "daily", "--tenant", "acme", "--entity", "app_user")


@pytest.fixture
def rejected(strata: Strata, narrow_roles: Callable[[], object]) -> list[dict[str, Any]]:
    """Users whose role the contract does not allow, loaded and refused."""
    strata(*USERS)
    entries: list[dict[str, Any]] = strata("quarantine", "list", "product", "--json").document["entries"]
    return entries


def test_a_rejected_row_is_listed_with_its_reason_and_value(rejected: list[dict[str, Any]]) -> None:
    assert rejected
    assert {(entry["column_name"], entry["raw_value"]) for entry in rejected} == {("role", "member")}


def test_personal_data_is_masked_unless_asked_for(strata: Strata, rejected: list[dict[str, Any]]) -> None:
    entry = rejected[0]["quarantine_id"]
    masked = strata("quarantine", "show", entry, "--json").document["raw_row"]
    revealed = strata("quarantine", "show", entry, "--reveal", "--json").document["raw_row"]
    assert masked["email"] != revealed["email"]
    assert "@" in revealed["email"]
    assert revealed["email"] not in strata("quarantine", "list").out + strata("quarantine", "show", entry).out
    assert masked["role"] == revealed["role"] == "member"


def test_status_counts_what_is_open(strata: Strata, rejected: list[dict[str, Any]]) -> None:
    (entity,) = strata("status", "--json").document["entities"]
    assert entity["rejects_open"] == len(rejected)


def test_a_replay_before_anything_is_mended_is_exit_code_7(strata: Strata, rejected: list[dict[str, Any]]) -> None:
    assert strata("quarantine", "replay", "--id", rejected[0]["quarantine_id"]).code == 7
    assert len(strata("quarantine", "list", "--json").document["entries"]) == len(rejected)


def test_a_row_mended_by_hand_passes_and_leaves_quarantine(strata: Strata, rejected: list[dict[str, Any]]) -> None:
    entry = rejected[0]["quarantine_id"]
    answer = strata("quarantine", "replay", "--id", entry, "--set", "role=admin", "--reason", "typo", "--json")
    assert answer.code == 0
    assert [load["inserted"] for load in answer.document["loads"]] == [1]
    assert entry not in {item["quarantine_id"] for item in strata("quarantine", "list", "--json").document["entries"]}


def test_a_mended_contract_lets_all_rows_through(
    strata: Strata, rejected: list[dict[str, Any]], narrow_roles: Callable[[], object]
) -> None:
    narrow_roles()
    answer = strata("quarantine", "replay", "product", "--entity", "app_user", "--json")
    assert answer.code == 0
    assert sum(load["inserted"] for load in answer.document["loads"]) == len(rejected)
    assert "empty" in strata("quarantine", "list").out


def test_setting_a_value_needs_exactly_one_entry(strata: Strata) -> None:
    assert strata("quarantine", "replay", "product", "--set", "role=admin").code == 2
    assert strata("quarantine", "replay").code == 2


def test_a_rejected_row_of_a_file_is_shown_with_the_name_that_the_file_had(strata: Strata, home: Path) -> None:
    strata("load", "accounting", "--mode", "daily", "--tenant", "acme", "--entity", "posting")
    (folder,) = {path.parent for path in home.rglob("EXTF*.csv") if "acme" in str(path)}
    faults.do("bad_row", folder)
    strata("load", "accounting", "--mode", "daily", "--tenant", "acme", "--entity", "posting")
    (entry,) = strata("quarantine", "list", "accounting", "--json").document["entries"]
    shown = strata("quarantine", "show", entry["quarantine_id"], "--json").document
    assert shown["sent_as"] == shown["raw_row"]["file_name"]
    assert f"{shown['sent_as']}, landed as " in strata("quarantine", "show", entry["quarantine_id"]).out
