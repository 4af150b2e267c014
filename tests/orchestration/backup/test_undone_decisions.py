"""Decisions that a restore takes back: each is named, with the command that makes it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from installation import Installation

from orchestration.backup.restore import restore
from orchestration.backup.take import back_up
from orchestration.control import changes, open_control, schema, tables
from orchestration.warehouse.clock import utc_now


@pytest.fixture
def backed_up(installation: Installation, target: Path) -> Path:
    """A backup of a filled installation."""
    installation.fill()
    return back_up(installation.settings, target).path


def test_tenants_and_keys_that_come_back_with_a_backup_are_named(installation: Installation, target: Path) -> None:
    installation.fill()
    installation.decide("Beta", "beta")
    with open_control(installation.settings).transaction("test") as connection:
        principal = {"tenant_id": "acme", "principal_id": "portal"}
        changes.insert(connection, tables.principal, {**principal, "kind": "service", "title": "Portal"})
        for key in ("k1", "k2"):
            changes.insert(connection, tables.api_key, {**principal, "key_id": key, "prefix": key, "digest": "d"})
    path = back_up(installation.settings, target).path
    with open_control(installation.settings).transaction("test") as connection:
        key = {"tenant_id": "acme", "key_id": "k2"}
        changes.update(connection, tables.api_key, key, {"revoked_at": utc_now()})
        changes.soft_delete(connection, tables.tenant, {"tenant_id": "beta"})
    installation.decide("Acme", "acme", "suspended")
    assert restore(installation.settings, path, force=True).undone == (
        "tenant acme had been suspended and is active again: strata tenant suspend acme",
        "tenant beta had been removed and is back: strata tenant remove beta --yes beta",
        "key k2 of acme had been revoked and is valid again: strata key revoke k2",
    )


def test_what_was_made_after_the_backup_is_named_with_the_command_that_makes_it_again(
    installation: Installation, target: Path
) -> None:
    installation.fill()
    path = back_up(installation.settings, target).path
    with open_control(installation.settings).transaction("test") as connection:
        terms = {"quotas": {"api_requests": 5}, "features": {"sql": False}}
        changes.insert(connection, tables.plan, {"plan_id": "gold", "title": "All of it", **terms})
        changes.insert(
            connection, tables.tenant, {"tenant_id": "new", "title": "New Ltd", "plan_id": "gold", "state": "active"}
        )
        place = {"tenant_id": "new", "source": "shop", "instance": "main", "simulated": False}
        settings = {"url": {"value": "http://shop"}, "token": {"reference": "env:TOKEN"}}
        changes.insert(connection, tables.connection, {**place, "settings": settings})
        principal = {"tenant_id": "acme", "principal_id": "portal"}
        changes.insert(connection, tables.principal, {**principal, "kind": "service", "title": "Portal"})
        key = {**principal, "key_id": "k1", "prefix": "strata_k1", "digest": "d", "scopes": ["read", "sql"]}
        changes.insert(connection, tables.api_key, key)
        first = {"tenant_id": "new", "principal_id": "api"}
        changes.insert(connection, tables.principal, {**first, "kind": "service", "title": "of `tenant add`"})
        changes.insert(connection, tables.api_key, {**key, **first, "key_id": "k0", "prefix": "strata_k0"})
        for number in range(2):
            changes.record(connection, "acme", "erase", "one person", after={"keys": number})
    connected = "--connection shop=environment --setting shop.url=http://shop --setting shop.token=env:TOKEN"
    add = f"strata tenant add new --title 'New Ltd' --plan gold {connected}"
    share = "strata plan set gold --title 'All of it' --quota api_requests=5 --feature sql=off"
    create = "strata key create acme portal --scope read --scope sql --grant"
    assert restore(installation.settings, path, force=True).undone == (
        "people erased for acme (2) may be back: strata tenant erase acme … for each request that you keep",
        f"plan gold had been made and is gone: {share}",
        f"tenant new had been added and is gone: {add}",
        f"key strata_k1 of portal (acme) had been made and is gone: {create}",
    )


def test_where_nothing_was_decided_nothing_is_undone(installation: Installation, backed_up: Path) -> None:
    assert restore(installation.settings, backed_up, force=True).undone == ()


def test_an_older_control_plane_has_to_be_brought_up(installation: Installation, target: Path) -> None:
    installation.fill()
    schema.downgrade(open_control(installation.settings), schema.REVISIONS[-2])
    path = back_up(installation.settings, target).path
    assert restore(installation.settings, path, force=True).control_upgrade
    schema.upgrade(open_control(installation.settings))
    path = back_up(installation.settings, target).path
    assert not restore(installation.settings, path, force=True).control_upgrade


def test_without_the_control_plane_of_before_nobody_knows_what_is_undone(
    installation: Installation, backed_up: Path
) -> None:
    installation.destroy()
    assert restore(installation.settings, backed_up).undone is None
