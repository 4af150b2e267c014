"""Whoever runs the platform is told of deliveries that do not arrive, and what to do, before a consumer calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from orchestration.cli.delivery_health import trouble_in_short
from orchestration.control import changes, tables
from orchestration.control.delivery_tables import delivery
from orchestration.delivery import consumers, registry
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import load_settings

Strata = Callable[..., Any]
PLACE = ("initech", "tps")


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """An installation with one registration."""
    monkeypatch.setenv("STRATA_HOME", str(tmp_path))
    monkeypatch.setenv("STRATA_TEST_TOKEN", "there")
    opened = open_runtime(load_settings())
    wish = Registration(
        tenant=PLACE[0], registration_id=PLACE[1], consumer="bi", title="", events=("gold.table.updated",),
        tables=(("gold", "usage"),), columns=(), where=(), payload="reference", format="json", channel="nats",
        settings={"host": {"value": "nats.example.com"}, "token": {"reference": "env:STRATA_TEST_TOKEN"}},
        endpoint="e1", terms=Terms(),
    )  # fmt: skip
    with opened.control.transaction("ops") as connection:
        changes.insert(connection, tables.tenant, {"tenant_id": "initech", "title": "I", "state": "active"})
        consumers.add(connection, "initech", "bi", "", "bi@example.com")
        registry.add(connection, wish)
    return opened


def deliver(runtime: Runtime, state: str, minutes_late: int, number: int = 1) -> None:
    due = int((datetime.now(UTC).timestamp() - 60 * minutes_late) * 1000)
    times = dict.fromkeys(("rank", "due_at", "created_at", "first_event_at", "last_event_at"), due)
    chain = {"tenant_id": "initech", "registration_id": "tps", "endpoint_id": "e1", "subject": "gold.usage"}
    rows = [{**chain, **times, "delivery_id": f"{state}{step}", "state": state, "events": 1} for step in range(number)]
    with runtime.control.transaction("test") as connection:
        connection.execute(insert(delivery), rows)


def findings(strata: Strata) -> dict[str, tuple[str, str]]:
    """Return what the doctor finds wrong with deliveries, and its remedies."""
    checks = strata("doctor", "--offline", "--source", "product", "--json").document["checks"]
    about = [check for check in checks if check["name"].startswith("deliveries")]
    assert about
    return {check["name"]: (check["detail"], check["remedy"]) for check in about if not check["ok"]}


def test_deliveries_that_are_well_are_nothing_to_tell(strata: Strata, runtime: Runtime) -> None:
    deliver(runtime, "ready", 1)
    assert findings(strata) == {}
    assert trouble_in_short(runtime, ()) == ""


def test_what_no_worker_takes_is_told_after_a_while(strata: Strata, runtime: Runtime) -> None:
    deliver(runtime, "ready", 20)
    detail, remedy = findings(strata)["deliveries"]
    assert detail == "Deliveries are due for 20 min and no worker takes them."
    assert "strata deliver" in remedy
    assert trouble_in_short(runtime, ()) == "late by 20 min"
    assert trouble_in_short(runtime, ["acme"]) == ""


def test_dead_letters_and_disabled_registrations_are_told_with_their_commands(strata: Strata, runtime: Runtime) -> None:
    deliver(runtime, "dead", 1, number=2)
    detail, remedy = findings(strata)["deliveries of initech/tps"]
    assert detail == "2 deliveries failed for good."
    assert "strata dead-letters replay initech --registration tps" in remedy
    with runtime.control.transaction("ops") as connection:
        registry.set_state(connection, PLACE, "disabled", "It answered 410.")
    detail, remedy = findings(strata)["deliveries of initech/tps"]
    assert detail == "Disabled: It answered 410."
    assert remedy.endswith("strata registration resume initech/tps")
    assert trouble_in_short(runtime, ()) == "2 dead letters, 1 registration disabled"


def test_a_secret_that_is_not_there_is_told_by_its_reference(
    strata: Strata, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRATA_TEST_TOKEN")
    detail, _ = findings(strata)["deliveries of initech/tps: secrets"]
    assert "env:STRATA_TEST_TOKEN" in detail
