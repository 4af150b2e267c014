"""A tenant's whole life with a control plane on a real PostgreSQL, whose row-level security is on."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from orchestration.contracts.source import find_sources
from orchestration.control import open_control, schema
from orchestration.control.key_ring import KeyRing
from orchestration.control.pepper import read_pepper
from orchestration.failures import SettingsError
from orchestration.runtime import open_runtime
from orchestration.settings import Settings, load_settings
from orchestration.tenancy import onboarding, plans, removal, states
from orchestration.tenancy.export import export_tenant
from orchestration.tenancy.inventory import control_rows
from orchestration.tenancy.wish import read_wish

OWNER, PASSWORD = "strata_owner", "for-tests"


@pytest.fixture
def on_postgresql(postgres: str, tmp_path: Path) -> Settings:
    with psycopg.connect(postgres, autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
            admin.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}' CREATEROLE")
        admin.execute(f'ALTER DATABASE "{admin.info.dbname}" OWNER TO {OWNER}')
    server = conninfo_to_dict(postgres)
    url = f"postgresql+psycopg://{OWNER}:{PASSWORD}@{server['host']}:{server['port']}/{server['dbname']}"
    settings = load_settings(
        home=tmp_path, control_url=url, tenants_file=tmp_path / "none.yaml", key_pepper="p" * 64, _env_file=None
    )
    schema.upgrade(open_control(settings))
    return settings


def test_a_tenant_comes_pauses_moves_and_leaves(on_postgresql: Settings, tmp_path: Path) -> None:
    settings = on_postgresql
    control = open_control(settings)
    plans.set_plan(control, "small", {"quotas": {"connections": 1}})
    plans.set_plan(control, "none", {"quotas": {"connections": 0}})
    wish = read_wish(
        "acme",
        title=None,
        plan="small",
        connections=["product=simulated"],
        settings=[],
        sources=find_sources(settings.sources_dir),
        first_load=False,
    )
    done = onboarding.onboard(settings, wish)
    assert KeyRing(control, read_pepper(settings, control)).check(done.api_key).tenant_id == "acme"
    with pytest.raises(SettingsError, match="allows 0 connections"):
        plans.move_to_plan(control, "acme", "none")
    states.suspend(control, "acme")
    states.resume(control, "acme")
    runtime = open_runtime(settings)
    exported = {file.path: file.rows for file in export_tenant(runtime, "acme", tmp_path.parent / "export").files}
    assert (exported["platform/audit.ndjson"] or 0) > 5
    removal.remove_tenant(runtime, "acme")
    assert control_rows(runtime, "acme") == []
    assert "acme" not in open_runtime(settings).tenants
    with pytest.raises(SettingsError, match="was removed"):
        onboarding.onboard(settings, wish)
    control.engine.dispose()
