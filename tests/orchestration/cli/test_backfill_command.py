"""``strata backfill``: bronze as it was, from landing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

Strata = Callable[..., Any]
USERS = ("load", "product", "--tenant", "acme", "--entity", "app_user", "--mode")


def written(answer: Any) -> int:
    return sum(load["inserted"] + load["updated"] for load in answer.document["loads"])


@pytest.fixture
def before(strata: Strata) -> tuple[str, int]:
    """A moment before the world moved on, and how many users there were."""
    (load,) = strata(*USERS, "daily", "--json").document["loads"]
    moment = datetime.now(UTC).isoformat()
    strata("simulation", "advance", "--days", "3")
    assert written(strata(*USERS, "hourly", "--json")) > 0
    return moment, load["extracted"]


def test_a_table_as_of_a_moment_stands_beside_todays(strata: Strata, before: tuple[str, int]) -> None:
    moment, users = before
    answer = strata("backfill", "product", "--until", moment, "--entity", "app_user", "--json")
    assert answer.code == 0, answer.err
    (table,) = answer.document["tables"]
    assert table["table"] == ["bronze_product_asof", "app_user"]
    assert table["rows"] == users


def test_in_place_bronze_goes_back_and_the_next_load_brings_it_forward(strata: Strata, before: tuple[str, int]) -> None:
    moment, users = before
    answer = strata("backfill", "product", "--until", moment, "--entity", "app_user", "--replace", "--json")
    (table,) = answer.document["tables"]
    assert table["table"] == ["bronze_product", "app_user"]
    assert table["rows"] == users
    assert written(strata(*USERS, "hourly", "--json")) > 0


@pytest.mark.parametrize("until", ["yesterday", "2026-13-01"])
def test_a_wrong_timestamp_is_a_wrong_command_line(strata: Strata, until: str) -> None:
    answer = strata("backfill", "product", "--until", until)
    assert answer.code == 2
    assert "2026-11-20T18:00" in answer.err


def test_a_moment_ahead_is_refused(strata: Strata) -> None:
    assert strata("backfill", "product", "--until", "2999-01-01").code == 3
