"""Every tenant's salt: made once, handed to the warehouse, the same until somebody changes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from orchestration.control import changes, tables
from orchestration.failures import SettingsError
from orchestration.quality.salts import hand_over_salts, take_over_salts
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import load_settings

FILE = "tenants: {acme: {title: A}, globex: {title: G}}"


def opened(home: Path) -> Runtime:
    tenants = home.parent / "tenants.yaml"
    tenants.write_text(FILE)
    return open_runtime(load_settings(home=home, tenants_file=tenants))


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return opened(tmp_path / "home")


def copied(runtime: Runtime) -> dict[str, str]:
    with runtime.warehouse.session("look") as session:
        return dict(session.execute("SELECT tenant_id, salt FROM strata.tenant_salt"))


def kept(runtime: Runtime) -> dict[str, str]:
    with runtime.control.reading() as connection:
        return {row.tenant_id: row.salt for row in connection.execute(select(tables.salt))}


def test_each_tenant_has_a_salt_of_its_own_that_stays(runtime: Runtime) -> None:
    hand_over_salts(runtime)
    first = copied(runtime)
    assert set(first) == {"acme", "globex"}
    assert len(set(first.values())) == 2
    assert {len(bytes.fromhex(salt)) for salt in first.values()} == {32}
    hand_over_salts(runtime)
    assert copied(runtime) == kept(runtime) == first


def test_a_changed_salt_reaches_the_warehouse(runtime: Runtime) -> None:
    hand_over_salts(runtime)
    with runtime.control.transaction("test") as connection:
        changes.update(connection, tables.salt, {"tenant_id": "acme"}, {"salt": "ab" * 32})
    hand_over_salts(runtime)
    assert copied(runtime)["acme"] == "ab" * 32


def test_a_control_plane_begun_anew_takes_the_warehouses_salts_back(runtime: Runtime) -> None:
    hand_over_salts(runtime)
    first = copied(runtime)
    with runtime.control.transaction("test") as connection:
        connection.execute(tables.salt.delete())
    hand_over_salts(runtime)
    assert kept(runtime) == copied(runtime) == first


def test_the_audit_trail_names_no_salt(runtime: Runtime) -> None:
    hand_over_salts(runtime)
    with runtime.control.reading() as connection:
        trail = str(connection.execute(select(tables.audit)).all())
    assert "salt acme" in trail
    assert not [salt for salt in kept(runtime).values() if salt in trail]


def test_another_homes_salts_are_taken_over_for_the_tenants_that_are_known_here(runtime: Runtime) -> None:
    take_over_salts(runtime, {"acme": "cd" * 32, "elsewhere": "ef" * 32})
    assert copied(runtime) == kept(runtime) == {"acme": "cd" * 32}
    hand_over_salts(runtime)
    assert copied(runtime)["acme"] == "cd" * 32


def test_a_tenant_that_has_a_salt_already_keeps_it(runtime: Runtime) -> None:
    hand_over_salts(runtime)
    first = copied(runtime)
    with pytest.raises(SettingsError, match="acme"):
        take_over_salts(runtime, {"acme": "cd" * 32})
    assert copied(runtime) == kept(runtime) == first
