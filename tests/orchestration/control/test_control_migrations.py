"""Migrations lose nothing on the way up or down, and a program works on its own schema alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from babelfish_limits import skip_on_babelfish
from sqlalchemy import text

from orchestration.control import Control, changes, open_control, schema, tables
from orchestration.control.delivery_tables import DELIVERY_TABLES, delivery_cursor
from orchestration.control.isolation import holes
from orchestration.control.metadata import metadata
from orchestration.control.registry import tenant_state
from orchestration.failures import SettingsError
from orchestration.settings import load_settings

from .conftest import MakeControl
from .control_rows import fill, rows_of

pytestmark = pytest.mark.proves("Control plane: schema up and down, tenants, audit, crashes")

DELIVERIES = {table.name for table in (*DELIVERY_TABLES, delivery_cursor)}


def test_the_named_revisions_are_those_of_the_migrations() -> None:
    scripts = ScriptDirectory.from_config(schema.configuration()).walk_revisions()
    assert [script.revision for script in scripts] == list(reversed(schema.REVISIONS))


def test_the_migrations_make_the_tables_that_the_program_works_with(control: Control) -> None:
    skip_on_babelfish(control, "has no INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS to read foreign keys from")
    with control.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_leave_no_hole_between_tenants(control: Control) -> None:
    skip_on_babelfish(control, "has no INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS to read foreign keys from")
    with control.reading() as connection:
        assert holes(connection) == []


@pytest.mark.parametrize("revision", schema.REVISIONS)
def test_each_revision_goes_down_and_up_on_a_filled_database_with_nothing_lost(control: Control, revision: str) -> None:
    fill(control, "acme", "globex")
    before = rows_of(control)
    assert all(before.values())  # every table has rows that could be lost
    schema.downgrade(control, revision)
    kept = rows_of(control)
    # What a later revision made goes with it; of what stays, every row.
    assert set(before) - set(kept) == (DELIVERIES if revision < "0004" else set())
    assert (schema.current(control), kept) == (revision, {name: before[name] for name in kept})
    schema.upgrade(control)
    assert (schema.current(control), rows_of(control)) == (schema.HEAD, {name: [] for name in before} | kept)
    with control.transaction("ops@host") as connection:
        changes.update(connection, tables.tenant, {"tenant_id": "acme"}, {"state": "suspended"})
    assert tenant_state(control, "acme") == "suspended"


def test_a_database_may_be_brought_up_one_revision_after_the_other(make_control: MakeControl) -> None:
    control = make_control()
    assert schema.current(control) is None
    for revision in schema.REVISIONS:
        schema.upgrade(control, revision)
        assert schema.current(control) == revision
    fill(control, "acme")


def test_an_older_schema_is_refused_with_the_command_that_mends_it(control: Control) -> None:
    schema.downgrade(control, "0002")
    with pytest.raises(SettingsError, match="schema is 0002; this version needs") as caught, control.reading():
        pass
    assert "strata control upgrade" in caught.value.remedy


def test_a_newer_schema_is_refused_by_reading_and_by_upgrading(control: Control) -> None:
    with control.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9001'"))
    schema._checked.clear()
    for attempt in (lambda: control.reading().__enter__(), lambda: schema.upgrade(control)):
        with pytest.raises(SettingsError, match="9001, made by a newer version"):
            attempt()


def test_an_empty_server_database_is_not_filled_unasked(make_control: MakeControl) -> None:
    control = make_control()
    if control.embedded:
        pytest.skip("an embedded control plane is made by its first use")
    with pytest.raises(SettingsError, match="database is empty") as caught, control.reading():
        pass
    assert "strata control upgrade" in caught.value.remedy


@pytest.mark.parametrize("revision", ["", "base", "0000", "9001"])
def test_no_way_leads_back_before_the_first_revision_or_forward(sqlite_control: Control, revision: str) -> None:
    with sqlite_control.reading():
        pass
    with pytest.raises(SettingsError, match="cannot go back"):
        schema.downgrade(sqlite_control, revision)


def test_a_fresh_embedded_control_plane_is_made_once_by_many_processes_at_the_same_time(tmp_path: Path) -> None:
    program = "from orchestration.runtime import open_runtime; print(*open_runtime().tenants)"
    environment = {**os.environ, "STRATA_HOME": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate()[0].split() for process in started] == [["acme", "globex"]] * 4


_KILLED = """
import os, signal, sys
from sqlalchemy import event
from orchestration.control import open_control, schema
from orchestration.settings import load_settings
control, left = open_control(load_settings()), [int(sys.argv[1])]
@event.listens_for(control.engine, "before_cursor_execute")
def count(*_):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
getattr(schema, sys.argv[2])(control, *sys.argv[3:])
"""


@pytest.mark.parametrize(("step", "revision"), [("upgrade", "0001"), ("downgrade", "0003")])
@pytest.mark.parametrize("statement", [4, 8, 12])
def test_a_migration_that_is_killed_leaves_the_old_schema_whole(
    tmp_path: Path, step: str, revision: str, statement: int
) -> None:
    control = open_control(load_settings(home=tmp_path))
    fill(control, "acme")
    schema.downgrade(control, revision)
    before = rows_of(control)
    arguments = [step, "0001"] if step == "downgrade" else [step]
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(statement), *arguments],
        env={**os.environ, "STRATA_HOME": str(tmp_path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (schema.current(control), rows_of(control)) == (revision, before)
    schema.upgrade(control)
    assert rows_of(control) == {name: [] for name in DELIVERIES} | before
