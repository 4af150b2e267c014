"""A tenant leaves: with everything in an export first, and then without a trace, whatever kills the removal."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import pytest
from tenancy_house import BUILT, environment, fill, run, traces_of

from orchestration.bronze.erased import salt_of
from orchestration.bronze.load import load_source
from orchestration.control import changes, open_control, tables
from orchestration.control.actor import current_actor
from orchestration.failures import SettingsError
from orchestration.publication.published_reader import current_path
from orchestration.publication.status import read_status
from orchestration.quality.salts import hand_over_salts
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings
from orchestration.tenancy import onboarding, removal
from orchestration.tenancy.export import export_tenant
from orchestration.tenancy.inventory import control_rows, take_inventory
from orchestration.tenancy.wish import Wish

STEPS = ["inventory", *(name for name, _ in removal.steps()), "leftovers"]
MOMENTS = ["before", "after"] if environment().get("STRATA_NIGHTLY") else ["after"]


@pytest.fixture(scope="module")
def runtime(folder: Path) -> Runtime:
    from tenancy_house import settings_now

    return fill(settings_now())


def rows_of(runtime: Runtime, tenant: str) -> list[tuple[object, ...]]:
    table = ("bronze_salesforce", "contact")
    with runtime.warehouse.session("look") as session, session.working_copy(table):
        return session.execute(
            "SELECT * EXCLUDE (_loaded_at) FROM bronze_salesforce.contact WHERE _tenant_id = ? ORDER BY id", [tenant]
        )


def published_of(runtime: Runtime, tenant: str) -> dict[str, int]:
    found = {}
    for path in sorted(runtime.settings.published_dir.glob("*/*/*.parquet")):
        sql = f"SELECT count(*) FROM read_parquet('{path}') WHERE _tenant_id = ?"
        found[f"{path.parent.name}/{path.name}"] = duckdb.execute(sql, [tenant]).fetchall()[0][0]
    return found


def test_an_export_holds_every_row_of_the_tenant_and_no_other(runtime: Runtime, tmp_path: Path) -> None:
    hand_over_salts(runtime)
    target = tmp_path / "export"
    manifest = export_tenant(runtime, "globex", target)
    written = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    listed = {item["path"]: item for item in written["files"]}
    assert len(manifest.files) == len(listed)
    present = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert present == {*listed, "manifest.json"}
    for path, item in listed.items():
        content = (target / path).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (item["sha256"], item["bytes"])
        assert b"acme" not in content
        if path.endswith(".parquet") and not path.startswith("landing/"):
            rows, tenants = duckdb.execute(
                f"SELECT count(*), list(DISTINCT _tenant_id) FROM read_parquet('{target / path}')"
            ).fetchall()[0]
            assert rows == item["rows"]
            assert tenants in (["globex"], None)
    with runtime.warehouse.session("look") as session:
        (rows,) = session.execute("SELECT count(*) FROM bronze_salesforce.contact WHERE _tenant_id = 'globex'")[0]
    assert listed["bronze_salesforce/contact.parquet"]["rows"] == rows > 0
    assert listed["registry.json"]["rows"] is None
    landed = sum(
        item["rows"] or 0 for path, item in listed.items() if path.startswith("landing/salesforce/main/contact/")
    )
    assert landed == rows
    assert not [path for path in listed if "salt" in path]
    assert salt_of(runtime, "globex") not in "".join(path.read_text("utf-8") for path in target.rglob("*json"))


def test_an_export_goes_nowhere_but_into_an_empty_folder(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match="not empty"):
        export_tenant(runtime, "globex", tmp_path)
    with pytest.raises(SettingsError, match="STRATA_HOME"):
        export_tenant(runtime, "globex", runtime.settings.home / "export")
    with pytest.raises(SettingsError, match="unknown"):
        export_tenant(runtime, "nobody", tmp_path / "empty")


@pytest.mark.timeout(900)
def test_a_removal_killed_at_every_step_leaves_no_trace_and_touches_nobody_else(runtime: Runtime) -> None:
    settings = runtime.settings
    others, versions = rows_of(runtime, "acme"), published_of(runtime, "acme")
    assert all(published_of(runtime, "globex").values())
    for moment in MOMENTS:
        for step in STEPS:
            assert run("remove_until.py", "globex", step, moment) == -9, f"{step} never ran"
            assert open_runtime(settings).tenants["globex"].state == "removing"
    assert run("remove_until.py", "globex", "never", "after") == 0
    assert "globex" not in open_runtime(settings).tenants
    assert not take_inventory(open_runtime(settings), "globex") + control_rows(runtime, "globex")
    assert traces_of(settings, "globex") == []
    assert (rows_of(runtime, "acme"), published_of(runtime, "acme")) == (others, versions)
    status = read_status(settings)
    assert status is not None
    assert {entity.tenant for entity in status.entities} == {"acme"}
    with runtime.warehouse.session("look") as session:
        assert session.execute("SELECT DISTINCT message FROM strata.alert") == [
            ("(removed): no such column; acme: neither",)
        ]
        logged = dict(session.execute("SELECT path, rows FROM strata.publication_log"))
    for path, rows in logged.items():
        counted = duckdb.execute(f"SELECT count(*) FROM read_parquet('{settings.published_dir / path}')")
        assert counted.fetchall() == [(rows,)]
    assert {current_path(settings, table).exists() for table in BUILT} == {True}


def test_what_is_removed_comes_back_neither_by_the_seed_nor_by_chance(settings: Settings) -> None:
    assert "globex" in settings.tenants_file.read_text(encoding="utf-8")
    settings.tenants_file.write_text(
        settings.tenants_file.read_text(encoding="utf-8") + "# touched\n", encoding="utf-8"
    )
    assert set(open_runtime(settings).tenants) == {"acme"}
    again = Wish("globex", "Globex", None, (), first_load=False)
    with pytest.raises(SettingsError, match="was removed"):
        onboarding.onboard(settings, again)
    assert not list(settings.locks_dir.glob("*globex*"))
    assert onboarding.onboard(settings, again, reuse_name=True).tenant["state"] == "active"
    with pytest.raises(SettingsError, match="unknown"):
        removal.remove_tenant(open_runtime(settings), "nobody")


def test_later_loads_are_numbered_after_those_that_a_build_has_taken_in(runtime: Runtime) -> None:
    runtime = open_runtime(runtime.settings)
    with runtime.warehouse.session("look") as session:
        (last,) = session.execute("SELECT max(seq) FROM strata.load_ledger")[0]
        session.execute(
            "INSERT INTO strata.build_log (build_id, kind, up_to_seq, status, started_at) "
            "VALUES ('b', 'warehouse', 5000, 'succeeded', now())"
        )
    (result,) = load_source(
        runtime, runtime.sources["salesforce"], "daily", entities=["account"], tenants=["acme"], who="test"
    )
    assert result.seq > max(last, 5000)


def test_a_tenant_on_its_way_out_can_be_neither_suspended_nor_resumed(settings: Settings) -> None:
    from orchestration.tenancy import states

    onboarding.onboard(settings, Wish("leaving", "Leaving", None, (), first_load=False))
    control = open_control(settings)
    with control.transaction(current_actor()) as connection:
        changes.update(connection, tables.tenant, {"tenant_id": "leaving"}, {"state": "removing"})
    with pytest.raises(SettingsError, match="being removed"):
        states.resume(control, "leaving")
    removal.remove_tenant(open_runtime(settings), "leaving")
