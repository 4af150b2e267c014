"""Every change is written down in its own transaction, and the database lets nobody change what is written."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from orchestration.control import Control, changes, tables
from orchestration.control.trail import read_trail
from orchestration.failures import SettingsError

from .control_rows import add_tenant, fill

pytestmark = pytest.mark.proves("Control plane: schema up and down, tenants, audit, crashes")

ACME = {"tenant_id": "acme"}


def test_a_change_tells_who_what_from_what_and_to_what(control: Control) -> None:
    add_tenant(control, "acme")
    with control.transaction("ann@desk") as connection:
        assert changes.update(connection, tables.tenant, ACME, {"state": "suspended", "title": "acme"})
    added, changed = read_trail(control, "acme")
    assert (added.action, added.subject, added.actor) == ("insert", "tenant acme", "ops@host")
    assert added.after == {"title": "acme", "state": "active"}
    assert (changed.action, changed.actor) == ("update", "ann@desk")
    assert (changed.before, changed.after) == ({"state": "active"}, {"state": "suspended"})
    assert changed.at.utcoffset() is not None
    assert changed.at >= added.at


def test_what_does_not_differ_is_no_change(control: Control) -> None:
    add_tenant(control, "acme")
    with control.transaction("ann@desk") as connection:
        assert not changes.update(connection, tables.tenant, ACME, {"state": "active"})
    assert len(read_trail(control, "acme")) == 1


def test_a_change_that_fails_leaves_neither_row_nor_trail(control: Control) -> None:
    def fail() -> None:
        with control.transaction("ops@host") as connection:
            changes.update(connection, tables.tenant, ACME, {"title": "gone"})
            raise ZeroDivisionError

    add_tenant(control, "acme")
    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(read_trail(control)) == 1


def test_secrets_never_enter_the_trail(control: Control) -> None:
    fill(control, "acme")
    with control.transaction("ops@host", "acme") as connection:
        changes.update(connection, tables.salt, ACME, {"salt": "another-salt"})
        key = ACME | {"key_id": "k1"}
        changes.update(connection, tables.api_key, key, {"digest": "another-digest"})
        place = ACME | {"source": "crm", "instance": "main"}
        changes.update(connection, tables.connection, place, {"settings": {"x": {"value": "pg://u:hunter2@h/d"}}})
    text_of_trail = str(read_trail(control))
    for secret in ("acme-salt", "another-salt", "acme-digest", "another-digest", "hunter2"):
        assert secret not in text_of_trail
    assert "env:ACME_URL" in text_of_trail


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody'",
        "UPDATE audit SET actor = actor WHERE tenant_id = 'acme'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE audit_id = 1",
    ],
)
def test_raw_sql_can_neither_change_nor_delete_the_trail(control: Control, statement: str) -> None:
    add_tenant(control, "acme")
    before = read_trail(control)
    with pytest.raises(SettingsError), control.transaction("intruder") as connection:
        connection.execute(text(statement))
    assert read_trail(control) == before


def test_on_sqlite_a_replacing_insert_is_refused_too(sqlite_control: Control) -> None:
    add_tenant(sqlite_control, "acme")
    before = read_trail(sqlite_control)
    row = "('acme', 1, '2026-01-01 00:00:00', 'x', 'x', 'x')"
    for pragma in ("ON", "OFF"):
        with sqlite_control.engine.connect() as connection:
            connection.connection.execute(f"PRAGMA recursive_triggers={pragma}")  # type: ignore[attr-defined]
            with pytest.raises(DBAPIError, match="append-only"), connection.begin():
                connection.execute(
                    text(f"INSERT OR REPLACE INTO audit (tenant_id, audit_id, at, actor, action, subject) VALUES {row}")
                )
    assert read_trail(sqlite_control) == before


def test_on_postgresql_even_the_superuser_cannot_by_accident(postgres_control: Control, owned_postgres: str) -> None:
    import psycopg

    add_tenant(postgres_control, "acme")
    with psycopg.connect(owned_postgres, autocommit=True) as admin:
        for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
                admin.execute(statement)
        assert admin.execute("SELECT count(*) FROM audit").fetchone() == (1,)


def test_the_numbers_of_a_tenant_have_no_gap_also_under_many_writers(control: Control) -> None:
    for name in ("acme", "globex"):
        add_tenant(control, name)

    def write(name: str) -> None:
        for number in range(10):
            with control.transaction("ops@host") as connection:
                changes.update(
                    connection, tables.tenant, {"tenant_id": name}, {"title": f"{number} {threading.get_ident()}"}
                )

    threads = [threading.Thread(target=write, args=(name,)) for name in ("acme", "acme", "globex", "globex")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("acme", "globex"):
        assert [entry.audit_id for entry in read_trail(control, name)] == list(range(1, 22))


def test_the_trail_of_a_tenant_goes_with_it_and_no_other(control: Control) -> None:
    fill(control, "acme", "globex")
    others = read_trail(control, "globex")
    with control.transaction("ops@host") as connection:
        changes.update(connection, tables.tenant, ACME, {"state": "removing"})
        erased = changes.erase(connection, "acme")
    assert erased == {table.name: 1 for table in tables.TENANT_TABLES} | {"audit": 8}
    assert read_trail(control, "acme") == []
    assert read_trail(control, "globex") == others


def test_only_a_tenant_that_is_being_removed_can_be_erased(control: Control) -> None:
    fill(control, "acme")
    for name in ("acme", "nobody"):
        with pytest.raises(SettingsError, match="is not being removed"), control.transaction("ops@host") as connection:
            changes.erase(connection, name)
