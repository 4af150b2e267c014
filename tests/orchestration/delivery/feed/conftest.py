"""A control plane with two tenants, each with a feed of the same name: in an SQLite file and in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from orchestration.control import Control, changes, open_control, schema, tables
from orchestration.control.delivery_tables import consumer
from orchestration.delivery import registry
from orchestration.delivery.registration import Registration
from orchestration.delivery.terms import Terms
from orchestration.settings import Settings

OWNER, PASSWORD = "strata_owner", "for-tests"
TENANTS = ("acme", "globex")


def wish(tenant: str, name: str = "bi", channel: str = "feed") -> Registration:
    return Registration(
        tenant=tenant,
        registration_id=name,
        consumer="bi",
        title=name,
        events=("gold.table.updated",),
        tables=(("gold", "usage"),),
        columns=(),
        where=(),
        payload="reference",
        format="json",
        channel=channel,
        settings={},
        endpoint=registry.endpoint_id(channel, name),
        terms=Terms(),
    )


def furnish(control: Control) -> None:
    schema.upgrade(control)
    with control.transaction("test") as connection:
        for tenant in TENANTS:
            changes.insert(connection, tables.tenant, {"tenant_id": tenant, "title": tenant, "state": "active"})
            someone = {"tenant_id": tenant, "consumer_id": "bi", "title": "BI", "contact": "bi@example.com"}
            changes.insert(connection, consumer, someone)
            registry.add(connection, wish(tenant))
        registry.add(connection, wish("acme", "hooks", "webhook"))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Control]:
    control = open_control(Settings(home=tmp_path / "home", _env_file=None))
    furnish(control)
    yield control
    control.engine.dispose()


@pytest.fixture
def in_postgres(postgres: str, tmp_path: Path) -> Iterator[Control]:
    with psycopg.connect(postgres, autocommit=True) as admin:
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
            admin.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}' CREATEROLE")
        admin.execute(f'ALTER DATABASE "{admin.info.dbname}" OWNER TO {OWNER}')
    server = conninfo_to_dict(postgres)
    url = f"postgresql+psycopg://{OWNER}:{PASSWORD}@{server['host']}:{server['port']}/{server['dbname']}"
    control = open_control(Settings(home=tmp_path / "home", control_url=url, _env_file=None))
    furnish(control)
    yield control
    control.engine.dispose()


@pytest.fixture(params=["here", "in_postgres"])
def control(request: pytest.FixtureRequest) -> Control:
    found: Control = request.getfixturevalue(request.param)
    return found
