"""An installation with two tenants whose keys are equal: loaded from the simulated Salesforce, built and published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from made_tables import make_table

from orchestration.bronze.load import load_source
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.names import Table, qualified, quote
from orchestration.publication.publish import publish
from orchestration.runtime import Runtime, open_runtime
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import open_warehouse
from orchestration.warehouse.protocol import Session

HERE = Path(__file__).parent
TENANTS = "tenants:\n  acme: {connections: {salesforce: simulated}}\n  globex: {connections: {salesforce: simulated}}\n"
BUILT = {("silver", "contact"): ("_tenant_id", "contact_key"), ("gold", "owner"): ("_tenant_id", "account_key")}

MADE_FROM = {("silver", "contact"): ["contact"], ("gold", "owner"): ["account", "user"]}
READ = sorted(entity for entities in MADE_FROM.values() for entity in entities)


def prepare(folder: Path) -> dict[str, str]:
    """Write the file of tenants; return the environment of the installation."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tenants.yaml").write_text(TENANTS, encoding="utf-8")
    return {
        "STRATA_HOME": str(folder / "home"),
        "STRATA_TENANTS_FILE": str(folder / "tenants.yaml"),
        "STRATA_WORLD_SIZE": "10",
    }


def write_manifest(settings: Settings) -> None:
    """Say what the built tables are made from and which columns are their keys, as a build of the dbt project does."""
    nodes: dict[str, object] = {}
    for (schema, name), key in BUILT.items():
        nodes[f"model.{name}"] = {"schema": schema, "name": name}
        metadata = {"name": "key", "kwargs": {"columns": list(key)}}
        nodes[f"test.{name}"] = {"test_metadata": metadata, "attached_node": f"model.{name}"}
    read = {f"model.{table[1]}": [f"source.{entity}" for entity in MADE_FROM[table]] for table in BUILT}
    entities = {entity for made_from in MADE_FROM.values() for entity in made_from}
    manifest = {
        "nodes": nodes,
        "sources": {f"source.{name}": {"schema": "bronze_salesforce", "identifier": name} for name in entities},
        "parent_map": read,
        "child_map": {
            f"source.{name}": [model for model, sources in read.items() if f"source.{name}" in sources]
            for name in entities
        },
    }
    target = settings.home / "dbt" / "state" / "target"
    target.mkdir(parents=True)
    (target / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    (settings.home / "dbt" / "last_good").write_text("state", "utf-8")


def fill(settings: Settings) -> Runtime:
    """Load both tenants, and build and publish two tables twice, so that there are versions to rewrite."""
    runtime = open_runtime(settings)
    write_manifest(settings)
    results = load_source(runtime, runtime.sources["salesforce"], "daily", who="test")
    assert {result.status for result in results} == {"loaded"}
    for build in ("first", "second"):
        with runtime.warehouse.session("build") as session:
            for table in READ:
                session.execute(f"CREATE OR REPLACE TEMP TABLE {quote(table)} AS FROM bronze_salesforce.{quote(table)}")
            make_table(
                session,
                ("silver", "contact"),
                "SELECT _tenant_id, 'salesforce|main|' || id AS contact_key, "
                f"lower(email) AS email, '{build}' AS build FROM contact",
            )
            make_table(
                session,
                ("gold", "owner"),
                "SELECT a._tenant_id, 'salesforce|main|' || a.id AS account_key, "
                f"u.name AS owner_name, '{build}' AS build FROM account a "
                'JOIN "user" u ON u.id = a.owner_id AND u._tenant_id = a._tenant_id',
            )
            publish(session, runtime, list(BUILT), BUILT, build)
            message = "globex: no such column; acme: neither"
            session.execute(
                "INSERT INTO strata.alert (alert_id, class, owner, subject, message, state, first_at, last_at, count) "
                "VALUES (?, 'permanent', 'platform', 'warehouse: dbt', ?, 'open', now(), now(), 1)",
                [build, message],
            )
    return runtime


def wish(tenant: str, name: str) -> Registration:
    """Return a registration for changed contacts."""
    return Registration(
        tenant=tenant,
        registration_id=name,
        consumer="bi",
        title="",
        events=("gold.rows.changed",),
        tables=(("silver", "contact"),),
        columns=(),
        where=(),
        payload="changes",
        format="json",
        channel="feed",
        settings={},
        endpoint="e1",
        terms=Terms(),
    )


def environment() -> dict[str, str]:
    """Return this process's own environment for a child."""
    return dict(os.environ)


def run(script: str, *arguments: str) -> int:
    """Run a script of this folder in a process of its own; return how it ended (-9: killed)."""
    command = [sys.executable, str(HERE / script), *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode in (0, -9), done.stdout + done.stderr
    return done.returncode


def traces_of(settings: Settings, word: str) -> list[str]:
    """Return the files of an installation in whose name or bytes a word stands, and a server's tables that hold it."""
    found = [
        str(path.relative_to(settings.home))
        for path in settings.home.rglob("*")
        if word in path.name or (path.is_file() and word.encode() in path.read_bytes())
    ]
    return sorted(found + _tables_that_hold(settings, word))


def _tables_that_hold(settings: Settings, word: str) -> list[str]:
    with open_warehouse(settings).session("look for traces") as session:
        tables = [] if session.is_embedded else session.all_columns()
        return [".".join(table) for table in tables if _holds(session, table, word)]


def _holds(session: Session, table: Table, word: str) -> bool:
    with session.working_copy(table):
        return bool(session.execute(f"SELECT 1 FROM {qualified(table)} AS t WHERE contains(t::VARCHAR, ?)", [word]))


def settings_now() -> Settings:
    """Read the settings from the environment."""
    return load_settings(_env_file=None)
