"""``tenants.yaml`` is where the control plane begins; what a command changed or removed stays so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import event, text

from orchestration.contracts.source import SourceDescription, SourceSystem
from orchestration.control import Control, changes, schema, tables
from orchestration.control.installation import forget_removed, remember_removed
from orchestration.control.registry import read_registry, tenant_state
from orchestration.control.seed import seed
from orchestration.control.trail import read_trail
from orchestration.failures import SettingsError
from orchestration.tenants import Plan

from .control_rows import add_tenant

pytestmark = pytest.mark.proves("Control plane: schema up and down, tenants, audit, crashes")

SETTINGS = [{"name": "url", "description": "Address", "secret": True}, {"name": "schema", "description": "Schema"}]
DESCRIPTION = {"title": "CRM", "owner": "data", "kind": "postgres", "settings": SETTINGS}
SOURCES = {
    name: SourceSystem(name, Path(name), SourceDescription.model_validate(DESCRIPTION)) for name in ("crm", "shop")
}
ACME = {"tenant_id": "acme"}
CRM = ACME | {"source": "crm", "instance": "main"}

Write = Callable[[str], None]


@pytest.fixture
def write(control: Control, tmp_path: Path) -> Write:
    """Write a tenants.yaml and seed from it."""

    def written(text_of_file: str) -> None:
        (tmp_path / "tenants.yaml").write_text(text_of_file)
        seed(control, tmp_path / "tenants.yaml", SOURCES)

    return written


def tenants(control: Control, **environment: str) -> dict[str, list[tuple[str, bool]]]:
    found = read_registry(control, SOURCES, environment)
    return {name: [(item.label, item.simulated) for item in tenant.connections] for name, tenant in found.items()}


BOTH = "tenants: {acme: {title: Acme, connections: {crm: simulated}}, globex: {connections: {crm: simulated}}}"


def test_what_the_file_names_is_added_once_under_the_seeds_name(control: Control, write: Write) -> None:
    write(BOTH)
    write(BOTH)
    assert tenants(control) == {"acme": [("acme/crm", True)], "globex": [("globex/crm", True)]}
    assert {entry.actor for entry in read_trail(control)} == {"seed: tenants.yaml"}
    assert len(read_trail(control, "acme")) == 2


def test_a_changed_file_adds_what_is_new_and_changes_what_no_command_touched(control: Control, write: Write) -> None:
    write(BOTH)
    write("tenants: {acme: {title: Acme Robotics, connections: {crm: environment, shop: {eu: simulated}}}}")
    assert tenants(control) == {
        "acme": [("acme/crm", False), ("acme/shop/eu", True)],
        "globex": [("globex/crm", True)],  # taking a tenant away is a command's doing
    }
    assert read_registry(control, SOURCES, {})["acme"].title == "Acme Robotics"


def test_what_a_command_changed_or_deleted_is_never_overwritten(control: Control, write: Write) -> None:
    write(BOTH)
    with control.transaction("ann@desk") as connection:
        changes.update(connection, tables.tenant, ACME, {"title": "By Ann", "state": "suspended"})
        changes.update(connection, tables.connection, CRM, {"simulated": False})
        changes.soft_delete(connection, tables.connection, CRM | {"tenant_id": "globex"})
    write(BOTH + " # touched")
    assert tenants(control) == {"acme": [("acme/crm", False)], "globex": []}
    acme = read_registry(control, SOURCES, {})["acme"]
    assert (acme.title, acme.state) == ("By Ann", "suspended")


def test_a_removed_tenant_does_not_come_back_and_leaves_no_trace_in_the_files(
    sqlite_control: Control, tmp_path: Path
) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text(BOTH.replace("acme", "initech_robotics").replace("Acme", "Initech Robotics"))
    seed(sqlite_control, path, SOURCES)
    gone = {"tenant_id": "initech_robotics"}
    with sqlite_control.engine.connect():  # another process has the file open
        with sqlite_control.transaction("ops@host") as connection:
            changes.update(connection, tables.tenant, gone, {"state": "removing"})
            changes.erase(connection, "initech_robotics")
            remember_removed(connection, "initech_robotics")
        sqlite_control.compact()
        assert [item for item in (tmp_path / "home").rglob("control.db*") if b"nitech" in item.read_bytes()] == []
    path.write_text(path.read_text() + " # touched")
    seed(sqlite_control, path, SOURCES)
    environment = {"STRATA_CRM__INITECH_ROBOTICS__URL": "left over"}
    assert list(tenants(sqlite_control, **environment)) == ["globex"]
    assert tenant_state(sqlite_control, "initech_robotics") == "absent"
    files = [item for item in (tmp_path / "home").rglob("*") if item.is_file()]
    assert [item for item in files if b"nitech" in item.read_bytes()] == []


def test_a_person_may_use_a_removed_name_again(control: Control, write: Write) -> None:
    write(BOTH)
    with control.transaction("ops@host") as connection:
        changes.update(connection, tables.tenant, ACME, {"state": "removing"})
        changes.erase(connection, "acme")
        remember_removed(connection, "acme")
    write(BOTH + " # touched")
    assert "acme" not in tenants(control)
    with control.transaction("ops@host") as connection:
        forget_removed(connection, "acme")
    add_tenant(control, "acme")
    assert "acme" in tenants(control)
    with control.transaction("ops@host") as connection:  # and it may be removed again
        remember_removed(connection, "acme")


def test_without_a_file_a_company_of_one_is_made_once_and_stays_removed(control: Control, tmp_path: Path) -> None:
    seed(control, tmp_path / "none.yaml", SOURCES)
    assert tenants(control) == {"default": [("default/crm", True), ("default/shop", True)]}
    assert tenants(control, STRATA_CRM__URL="x") == {"default": [("default/crm", False)]}
    assert tenant_state(control, "default") == "active"
    with control.transaction("ops@host") as connection:
        changes.update(connection, tables.tenant, {"tenant_id": "default"}, {"state": "removing"})
        changes.erase(connection, "default")
        remember_removed(connection, "default")
    seed(control, tmp_path / "none.yaml", SOURCES)
    assert tenants(control) == {}


def test_a_file_that_vanishes_takes_nobody_away(control: Control, write: Write, tmp_path: Path) -> None:
    write(BOTH)
    seed(control, tmp_path / "none.yaml", SOURCES)
    assert list(tenants(control)) == ["acme", "globex"]


def test_a_stored_setting_is_used_and_a_variable_wins_over_it(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_tenant(control, "acme")
    settings = {"url": {"reference": "env:CRM_OF_ACME"}, "schema": {"value": "sales"}}
    with control.transaction("ops@host") as connection:
        changes.insert(connection, tables.connection, {**CRM, "simulated": False, "settings": settings})
    monkeypatch.setenv("CRM_OF_ACME", "postgresql://stored")
    (crm,) = read_registry(control, SOURCES, {})["acme"].connections
    assert (crm.get("url"), crm.get("schema")) == ("postgresql://stored", "sales")
    assert "stored" not in repr(crm)
    (crm,) = read_registry(control, SOURCES, {"STRATA_CRM__ACME__URL": "postgresql://given"})["acme"].connections
    assert (crm.get("url"), crm.get("schema")) == ("postgresql://given", "sales")


def test_a_secret_that_is_missing_fails_when_it_is_needed_and_not_before(control: Control) -> None:
    add_tenant(control, "acme")
    settings = {"url": {"reference": "env:NOT_SET_ANYWHERE"}}
    with control.transaction("ops@host") as connection:
        changes.insert(connection, tables.connection, {**CRM, "simulated": False, "settings": settings})
    (crm,) = read_registry(control, SOURCES, {})["acme"].connections
    with pytest.raises(SettingsError, match="no secret at env:NOT_SET_ANYWHERE"):
        crm.get("url")


def test_a_connection_to_a_source_that_is_gone_is_passed_over(control: Control) -> None:
    add_tenant(control, "acme")
    with control.transaction("ops@host") as connection:
        changes.insert(connection, tables.connection, {**CRM, "source": "sap", "simulated": True})
    assert tenants(control) == {"acme": []}


def test_a_plans_terms_hold_under_the_tenants_own(control: Control) -> None:
    plan = {"plan_id": "gold", "title": "Gold", "quotas": {"rows": 5, "keys": 2}, "schedules": {"crm": "hourly"}}
    with control.transaction("ops@host") as connection:
        changes.insert(connection, tables.plan, plan | {"features": {"close": False, "sql": False}})
    add_tenant(control, "acme", plan_id="gold", quotas={"rows": 9}, features={"sql": True})
    add_tenant(control, "globex")
    found = read_registry(control, SOURCES, {})
    terms = found["acme"].plan
    assert terms == Plan("gold", "Gold", {"rows": 9, "keys": 2}, {"close": False, "sql": True}, {"crm": "hourly"})
    assert [terms.allows(feature) for feature in ("close", "sql", "anything")] == [False, True, True]
    assert found["globex"].plan == Plan()


def test_a_thousand_tenants_are_read_by_as_many_statements_as_one(sqlite_control: Control) -> None:
    with sqlite_control.reading():
        pass
    for_one, for_many = _statements_of_reading(sqlite_control, 1), _statements_of_reading(sqlite_control, 1000)
    assert for_many == for_one
    looked = _run(sqlite_control, lambda: tenant_state(sqlite_control, "t7"))
    assert [statement.split()[0] for statement in looked] == ["BEGIN", "SELECT"]


def _statements_of_reading(control: Control, tenants: int) -> list[str]:
    """Return what is asked of the database to read so many tenants, each with a connection to every source."""
    with control.engine.begin() as connection:
        stamps = "'2026-01-01 00:00:00', 'x', '2026-01-01 00:00:00', 'x', NULL"
        numbers = f"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {tenants - 1})"
        columns = "'t' || i, 'T', NULL, 'active', '{}', '{}', '{}', '{}'"
        connection.execute(text(f"INSERT OR IGNORE INTO tenant {numbers} SELECT {columns}, {stamps} FROM n"))
        for source in SOURCES:
            columns = f"'t' || i, '{source}', 'main', 1, '{{}}'"
            connection.execute(text(f"INSERT OR IGNORE INTO connection {numbers} SELECT {columns}, {stamps} FROM n"))

    def read() -> None:
        found = read_registry(control, SOURCES, {})
        assert sum(len(tenant.connections) for tenant in found.values()) == tenants * len(SOURCES)

    return _run(control, read)


def _run(control: Control, deed: Callable[[], object]) -> list[str]:
    """Return the statements that a deed runs."""
    told: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        told.append(statement)

    event.listen(control.engine, "before_cursor_execute", note)
    try:
        deed()
    finally:
        event.remove(control.engine, "before_cursor_execute", note)
    return told


def test_schema_checks_are_not_paid_for_again(sqlite_control: Control) -> None:
    with sqlite_control.reading():
        pass
    assert sqlite_control.url in schema._checked
