"""One command takes a tenant on board; whatever breaks it off, the same command goes on and ends in the same state."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tenancy_house import run, settings_now

from orchestration.contracts.source import find_sources
from orchestration.control import open_control, tables
from orchestration.control.key_ring import KeyRing
from orchestration.control.pepper import read_pepper
from orchestration.failures import SettingsError
from orchestration.runtime import open_runtime
from orchestration.settings import Settings
from orchestration.tenancy import onboarding, plans, states
from orchestration.tenancy.registry_rows import read
from orchestration.tenancy.wish import Wish, read_wish

STEPS = ["register", "landing", "warehouse", "load without a note", "first load of salesforce", "key"]
MOMENTS = ["before", "after"] if os.environ.get("STRATA_NIGHTLY") else ["after"]


def wish(place: Settings, name: str, **changes: Any) -> Wish:
    asked = {"title": "Initech", "plan": "small", "connections": ["salesforce=simulated"], "settings": []} | changes
    return read_wish(name, sources=find_sources(place.sources_dir), **asked)


@pytest.fixture(autouse=True)
def plan(settings: Settings) -> None:
    plans.set_plan(open_control(settings), "small", {"quotas": {"connections": 1}})


def state_of(settings: Settings, tenant: str) -> dict[str, Any]:
    """Return all that makes up a tenant, without names, ids and times."""
    runtime = open_runtime(settings)
    known = read(runtime.control, tenant)
    with runtime.warehouse.session("look") as session:
        rows = session.execute(
            "SELECT entity, count(*), bool_and(status = 'loaded'), sum(inserted) FROM strata.load_ledger "
            "WHERE tenant_id = ? GROUP BY entity ORDER BY entity",
            [tenant],
        )
        contacts = session.execute("SELECT count(*) FROM bronze_salesforce.contact WHERE _tenant_id = ?", [tenant])
    live = [key for key in known.document["api_key"] if key["revoked_at"] is None]
    return {
        "state": known.tenant["state"],
        "plan": known.tenant["plan_id"],
        "steps": known.tenant["onboarding"]["done"],
        "connections": [(row["source"], row["instance"]) for row in known.document["connection"]],
        "principals": [row["principal_id"] for row in known.document["principal"]],
        "live keys": len(live),
        "salts": len(known.document["salt"]),
        "loads": [row[:3] for row in rows],
        "contacts": bool(contacts[0][0]),
    }


def test_one_command_takes_a_tenant_on_board(settings: Settings) -> None:
    done = onboarding.onboard(settings, wish(settings, "first"))
    control = open_control(settings)
    key = KeyRing(control, read_pepper(settings, control)).check(done.api_key)
    assert (key.tenant_id, done.tenant["state"]) == ("first", "active")
    assert len(done.loads) == len(open_runtime(settings).sources["salesforce"].contracts)
    with control.reading() as connection:
        salt = connection.execute(select(tables.salt.c.salt).where(tables.salt.c.tenant_id == "first")).scalar_one()
    assert len(bytes.fromhex(salt)) == 32


@pytest.mark.timeout(900)
def test_an_onboarding_killed_at_every_step_ends_as_one_that_never_was(settings: Settings) -> None:
    onboarding.onboard(settings, wish(settings, "whole"))
    for moment in MOMENTS:
        name = f"killed_{moment}"
        for step in STEPS:
            assert run("onboard_until.py", name, step, moment) == -9, f"{step} never ran"
            assert read(open_control(settings), name).tenant["state"] == "onboarding"
        assert run("onboard_until.py", name, "never", moment) == 0
        assert state_of(settings, name) == state_of(settings, "whole")


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("Acme", {}, "no name for a tenant"),
        ("a__b", {}, "no name for a tenant"),
        ("x" * 41, {}, "no name for a tenant"),
        ("salesforce", {}, "a name of the platform's own"),
        ("new", {"connections": ["nothing=simulated"]}, "Source 'nothing' is unknown"),
        ("new", {"connections": ["salesforce=real"]}, "neither 'simulated' nor 'environment'"),
        ("new", {"settings": ["salesforce.domain=x"], "connections": []}, "no such --connection"),
        ("new", {"settings": ["salesforce.client_secret=hunter2"]}, "by reference"),
        ("new", {"settings": ["salesforce.colour=blue"]}, "no setting of 'salesforce'"),
        ("new", {"plan": "golden"}, "Plan 'golden' is unknown"),
        ("new", {"connections": ["salesforce=simulated", "product=simulated"]}, "allows 1 connections"),
        ("new", {"connections": ["product=environment"]}, "STRATA_PRODUCT__NEW__URL is not set"),
        ("acme", {}, "exists already"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    settings: Settings, name: str, changes: dict[str, Any], message: str
) -> None:
    open_runtime(settings)  # seeds acme
    with pytest.raises(SettingsError, match=message) as refusal:
        onboarding.onboard(settings, wish(settings, name, **changes))
    assert "hunter2" not in str(refusal.value)
    assert "new" not in open_runtime(settings).tenants


def test_a_failed_first_load_is_made_up_by_the_same_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration import runtime as runtimes
    from orchestration.failures import ConnectionFailed, FailureClass, StrataError

    def refuse(*_: object) -> None:
        raise ConnectionFailed("The source does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(runtimes.Runtime, "resolve", refuse)
        with pytest.raises(StrataError, match="does not answer") as failure:
            onboarding.onboard(settings, wish(settings, "late"))
    assert failure.value.failure_class is FailureClass.CONNECTION
    assert onboarding.onboard(settings, wish(settings, "late")).tenant["state"] == "active"


def test_other_wishes_do_not_go_on_with_what_was_begun(settings: Settings) -> None:
    assert run("onboard_until.py", "begun", "landing", "after") == -9
    with pytest.raises(
        SettingsError, match=r"other wishes: --title .*--plan small --connection salesforce/main=simulated"
    ):
        onboarding.onboard(settings, wish(settings, "begun", plan=None))


def test_a_suspended_tenant_loads_nothing_and_resumes(settings: Settings) -> None:
    onboarding.onboard(settings, wish(settings, "paused", connections=[]))
    control = open_control(settings)
    assert states.suspend(control, "paused")
    assert not states.suspend(control, "paused")
    assert open_runtime(settings).tenants["paused"].state == "suspended"
    assert states.resume(control, "paused")
    with pytest.raises(SettingsError, match="unknown"):
        states.suspend(control, "nobody")


def test_a_switched_feature_counts_from_the_next_opening_on(settings: Settings) -> None:
    onboarding.onboard(settings, wish(settings, "tuned", connections=[]))
    control = open_control(settings)
    assert open_runtime(settings).tenants["tuned"].plan.allows("finance")
    assert plans.move_to_plan(control, "tuned", None, {"features": {"finance": False}})
    assert not open_runtime(settings).tenants["tuned"].plan.allows("finance")
    assert plans.move_to_plan(control, "tuned", None, {"features": {"finance": None}})
    assert open_runtime(settings).tenants["tuned"].plan.allows("finance")


def test_two_instances_of_a_source_and_a_tenant_of_that_name_stay_apart(folder: Path) -> None:
    """The tenant ``acme_eu`` is not the connection ``eu`` of ``acme``."""
    from orchestration.contracts.extraction import Connection
    from orchestration.simulators import _place

    settings_now()
    assert _place(Connection("acme", "salesforce", "eu")) != _place(Connection("acme_eu", "salesforce"))
