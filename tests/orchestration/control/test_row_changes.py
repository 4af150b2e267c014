"""Rows are added, changed, deleted softly and restored, and each says by whom and when."""

from __future__ import annotations

import pytest

from orchestration.control import Control, changes, tables
from orchestration.control.registry import ABSENT, read_registry, tenant_state
from orchestration.control.trail import read_trail
from orchestration.failures import SettingsError

from .control_rows import add_tenant, fill, rows_of

pytestmark = pytest.mark.proves("Control plane: schema up and down, tenants, audit, crashes")

ACME = {"tenant_id": "acme"}


def test_a_row_says_who_made_it_and_who_changed_it_last(control: Control) -> None:
    add_tenant(control, "acme")
    with control.transaction("ann@desk") as connection:
        changes.update(connection, tables.tenant, ACME, {"title": "Acme"})
    with control.reading("acme") as connection:
        row = connection.execute(tables.tenant.select()).one()
    assert (row.created_by, row.updated_by) == ("ops@host", "ann@desk")
    assert row.created_at < row.updated_at
    assert row.created_at.utcoffset() is not None


def test_a_deleted_tenant_is_gone_for_all_who_read_and_comes_back_as_it_was(control: Control) -> None:
    fill(control, "acme")
    before = read_registry(control, {}, {})
    with control.transaction("ops@host") as connection:
        changes.soft_delete(connection, tables.tenant, ACME)
    assert tenant_state(control, "acme") == ABSENT
    assert read_registry(control, {}, {}) == {}
    with control.transaction("ops@host") as connection:
        changes.restore(connection, tables.tenant, ACME)
    assert tenant_state(control, "acme") == "active"
    assert read_registry(control, {}, {}) == before
    assert [entry.action for entry in read_trail(control, "acme")[-2:]] == ["delete", "restore"]


@pytest.mark.parametrize("deed", ["update", "soft_delete", "restore"])
def test_a_row_that_is_not_there_cannot_be_changed(control: Control, deed: str) -> None:
    values = ({"title": "x"},) if deed == "update" else ()
    with pytest.raises(SettingsError, match="tenant acme is unknown"), control.transaction("ops@host") as connection:
        getattr(changes, deed)(connection, tables.tenant, ACME, *values)


def test_a_deleted_row_is_neither_changed_nor_deleted_again_nor_added_anew(control: Control) -> None:
    add_tenant(control, "acme")
    with control.transaction("ops@host") as connection:
        changes.soft_delete(connection, tables.tenant, ACME)
    with pytest.raises(SettingsError, match="is deleted"), control.transaction("ops@host") as connection:
        changes.update(connection, tables.tenant, ACME, {"title": "x"})
    with pytest.raises(SettingsError, match="is deleted"), control.transaction("ops@host") as connection:
        changes.soft_delete(connection, tables.tenant, ACME)
    with pytest.raises(SettingsError, match="restore it"):
        add_tenant(control, "acme")


def test_a_live_row_cannot_be_restored_or_added_twice(control: Control) -> None:
    add_tenant(control, "acme")
    with pytest.raises(SettingsError, match="is not deleted"), control.transaction("ops@host") as connection:
        changes.restore(connection, tables.tenant, ACME)
    with pytest.raises(SettingsError, match="exists already"):
        add_tenant(control, "acme")


def test_the_database_refuses_what_makes_no_sense_without_quoting_values(control: Control) -> None:
    for values in ({"state": "on holiday"}, {"plan_id": "no such plan"}):
        with pytest.raises(SettingsError, match="refuses the row") as caught:
            add_tenant(control, "acme", **values)
        assert not any(str(value) in str(caught.value) for value in values.values())
        assert caught.value.__suppress_context__  # nor does a traceback show the driver's text
    assert not rows_of(control)["tenant"]


def test_a_change_names_its_whole_key(control: Control) -> None:
    with pytest.raises(ValueError, match="the key of connection is"), control.transaction("ops@host") as connection:
        changes.update(connection, tables.connection, ACME, {"simulated": True})
